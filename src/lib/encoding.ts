// Finds out in which encoding a text file is, and decodes it piece by piece. Excel writes UTF-16 as "Unicode text", and
// the code page of its country as "CSV", so UTF-8 cannot be taken for granted.

/** An encoding, under the label that TextDecoder knows. */
export type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** Bytes that one piece is decoded from. */
const PIECE = 65_536;
/** How many bytes are enough to tell UTF-16 without a mark: Latin letters have a zero in every second byte. */
const SAMPLE = 64;

/** The encoding of a text: by its mark, by its zeros, and windows-1252 for what is not UTF-8. */
export function encodingOf(bytes: Uint8Array): Encoding {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  const sample = bytes.subarray(0, SAMPLE);
  const zeros = (from: 0 | 1): number => sample.filter((byte, at) => at % 2 === from && byte === 0).length;
  if (zeros(1) * 4 > sample.length) return "utf-16le";
  if (zeros(0) * 4 > sample.length) return "utf-16be";
  return isUtf8(bytes) ? "utf-8" : "windows-1252";
}

function isUtf8(bytes: Uint8Array): boolean {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  try {
    for (let at = 0; at < bytes.length; at += PIECE)
      decoder.decode(bytes.subarray(at, at + PIECE), { stream: true });
    decoder.decode();
    return true;
  } catch {
    return false;
  }
}

/** The text in pieces, without its mark. */
export function* piecesOf(bytes: Uint8Array, encoding: Encoding): Generator<string> {
  const decoder = new TextDecoder(encoding);
  for (let at = 0; at < bytes.length; at += PIECE)
    yield decoder.decode(bytes.subarray(at, at + PIECE), { stream: true });
  yield decoder.decode();
}

// The stored form of an event's details. Most are deflated with a dictionary, which makes a third of them: a tenth of a
// database is then enough for what its details would take as text.
//
// Details that may mention an address stay text, so that an erasure finds them by SQL and never has to inflate what it
// looks through (src/store/erasure/may-mention.ts). So do long ones, and those that would not get smaller.
//
// A deflated form is a BLOB: the dictionary's version, the length of the JSON in units of 64 characters (one byte below
// 128, so that SQL reads it as a character), and the raw deflate stream (RFC 1951). On its way to the database and back
// it is written in hexadecimal digits. A text is recognised by its first character, "{".

import { nodeZlib } from "../../lib/node-modules.ts";
import { DICTIONARIES, LATEST_DICTIONARY } from "./details-dictionary.ts";

type Zlib = Awaited<ReturnType<typeof nodeZlib>>;

const UNIT = 64;
/** Details with more characters stay text: their length does not fit into its byte. */
const LONGEST = 127 * UNIT;

/**
 * What an address cannot be written without in any spelling that src/model/address-search.ts knows: an at sign, or an
 * equals sign as in return paths, or an escape of a URL, of HTML or of JSON, or letters beyond ASCII.
 */
const MAY_MENTION = /[@=%]|&#|&commat|\\u|[^ -~]/i;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const dictionaries = DICTIONARIES.map((text) => encoder.encode(text));

/** Writes and reads stored forms. */
export interface DetailsCodec {
  /** The stored form of details as JSON: the JSON itself, or the digits of its deflated form. */
  readonly pack: (json: string | null) => string | null;
  /** The JSON of a stored form. Rejects a form that this version does not know. */
  readonly unpack: (stored: string | null) => string | null;
}

/**
 * A codec for one piece of work. It loads node:zlib at its first use. What it has packed it packs only once: the events
 * of one element, which may name a thousand recipients, have the same details.
 */
export async function detailsCodec(): Promise<DetailsCodec> {
  const zlib = await nodeZlib();
  const packed = new Map<string | null, string | null>();
  return {
    pack: (json) => {
      if (!packed.has(json)) packed.set(json, pack(zlib, json));
      return packed.get(json) ?? null;
    },
    unpack: (stored) => unpack(zlib, stored),
  };
}

/** Whether a stored form has to be inflated. */
export function isDeflated(stored: string | null): stored is string {
  return stored !== null && !stored.startsWith("{");
}

/** SQL for the value of the column `details` from a stored form, SQL for a text or NULL. */
export const storedValue = (stored: string): string =>
  `iif(substr(${stored}, 1, 1) = '{', ${stored}, unhex(${stored}))`;

function pack(zlib: Zlib, json: string | null): string | null {
  if (json === null || json.length > LONGEST || MAY_MENTION.test(json)) return json;
  const dictionary = dictionaries[LATEST_DICTIONARY] ?? new Uint8Array();
  const deflated = zlib.deflateRawSync(json, { dictionary, level: 6 });
  if (deflated.length + 2 >= json.length) return json;
  const head = Uint8Array.of(LATEST_DICTIONARY, Math.ceil(json.length / UNIT));
  return Buffer.concat([head, deflated]).toString("hex").toUpperCase();
}

function unpack(zlib: Zlib, stored: string | null): string | null {
  if (!isDeflated(stored)) return stored;
  const bytes = Buffer.from(stored, "hex");
  const dictionary = dictionaries[bytes[0] ?? -1];
  if (dictionary === undefined) throw new Error("the details are in a form of a later version");
  return decoder.decode(zlib.inflateRawSync(bytes.subarray(2), { dictionary, maxOutputLength: LONGEST }));
}

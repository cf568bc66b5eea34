// AMQP 0-9-1's frames as far as a broker for publishers needs them, written from the specification:
// https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf

/** One frame: its type (1 method, 2 header, 3 body, 8 heartbeat), channel and payload. */
export interface Frame {
  type: number;
  channel: number;
  payload: Buffer;
}

/** Takes whole frames off the front; what is left belongs to the next one. Throws on what is no frame. */
export function takeFrames(bytes: Buffer, frameMax: number): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  while (rest.length >= 7) {
    const size = rest.readUInt32BE(3);
    if (size + 8 > frameMax) throw new Error("501 FRAME_ERROR - a frame beyond what was agreed");
    if (rest.length < size + 8) break;
    if (rest[size + 7] !== 0xce) throw new Error("501 FRAME_ERROR - no frame end");
    frames.push({
      type: rest.readUInt8(0),
      channel: rest.readUInt16BE(1),
      payload: rest.subarray(7, 7 + size),
    });
    rest = rest.subarray(size + 8);
  }
  return { frames, rest };
}

export function frame(type: number, channel: number, ...parts: Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

export const method = (channel: number, classId: number, methodId: number, ...parts: Buffer[]): Buffer =>
  frame(1, channel, u16(classId), u16(methodId), ...parts);

export const u8 = (value: number): Buffer => Buffer.from([value]);
export const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
export const u64 = (value: number): Buffer => Buffer.concat([u32(0), u32(value)]);
export const shortText = (text: string): Buffer =>
  Buffer.concat([u8(Buffer.byteLength(text)), Buffer.from(text)]);
export const longText = (text: string): Buffer =>
  Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);

/** Reads a payload from its front to its end. */
export function reader(payload: Buffer) {
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > payload.length) throw new Error("502 SYNTAX_ERROR - short payload");
    at += length;
    return payload.subarray(at - length, at);
  };
  const self = {
    u8: () => take(1).readUInt8(),
    u16: () => take(2).readUInt16BE(),
    u32: () => take(4).readUInt32BE(),
    u64: () => Number(take(8).readBigUInt64BE()),
    shortText: () => take(take(1).readUInt8()).toString(),
    longText: () => take(take(4).readUInt32BE()).toString(),
    /** A table of texts alone. */
    table: (): Record<string, string> => {
      const inner = reader(take(take(4).readUInt32BE()));
      const entries: [string, string][] = [];
      while (!inner.ended()) {
        const name = inner.shortText();
        if (inner.u8() !== 0x53) throw new Error("502 SYNTAX_ERROR - a field that is no text");
        entries.push([name, inner.longText()]);
      }
      return Object.fromEntries(entries);
    },
    skipTable: (): void => void take(take(4).readUInt32BE()),
    ended: () => at === payload.length,
  };
  return self;
}

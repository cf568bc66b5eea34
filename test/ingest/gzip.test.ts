// How large bodies are compressed: at the fastest level if that costs no further billed unit, and otherwise at a
// smaller one.

import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { makeDurable, type Bindings } from "../../src/ingest/durable.ts";
import { decodeFrame, encodeGzipped, type Envelope } from "../../src/model/envelope.ts";

/** Bytes of a message that the platform bills as one unit. */
const UNIT = 64_000;

/** Events as providers send them, each with a unique id. */
function bodyOf(events: number): Uint8Array {
  let state = 1;
  const random = (): string => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state >>> 0).toString(16).padStart(8, "0");
  };
  const event = (_: unknown, i: number): unknown => ({
    event: ["open", "click", "bounce", "sent"][i % 4],
    email: `contact-${random()}@example.com`,
    MessageID: `${random()}${random()}${random()}`,
    time: 1_790_000_000 + i,
  });
  return new TextEncoder().encode(JSON.stringify(Array.from({ length: events }, event)));
}

function envelopeOf(body: Uint8Array): Envelope {
  const from = { id: "one", source: "mailjet", provider: "mailjet", receivedAt: 0 };
  return { ...from, method: "POST", url: "https://edge.example/webhooks/mailjet", headers: [], body };
}

/** The one queue message that an envelope becomes. */
async function queued(envelope: Envelope): Promise<Uint8Array> {
  const sent: Uint8Array[] = [];
  const QUEUE = { send: async (body: Uint8Array) => void sent.push(body) };
  expect(await makeDurable({ QUEUE } as unknown as Bindings, envelope, "queue")).toBe("queue");
  expect(sent).toHaveLength(1);
  return sent[0] ?? new Uint8Array();
}

it("a body that fits one billed unit at the fastest gzip level is compressed at that level", async () => {
  const envelope = envelopeOf(bodyOf(1_000));
  expect(envelope.body.length).toBeGreaterThan(UNIT);
  const message = await queued(envelope);
  expect(message).toEqual(await encodeGzipped(envelope, 1));
  expect(message.length).toBeLessThanOrEqual(UNIT);
  expect(await decodeFrame(message)).toEqual({ envelope, batch: null });
});

it("a body that exceeds one billed unit at the fastest gzip level is compressed at the usual level (6)", async () => {
  let events = 1_000;
  while (gzipSync(bodyOf(events), { level: 1 }).length <= UNIT) events += 20;
  const envelope = envelopeOf(bodyOf(events));
  const message = await queued(envelope);
  expect(message).toEqual(await encodeGzipped(envelope, 6));
  expect(message.length).toBeLessThanOrEqual(UNIT);
  expect(await decodeFrame(message)).toEqual({ envelope, batch: null });
});

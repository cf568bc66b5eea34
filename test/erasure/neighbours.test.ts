// An erasure and the reports of others that came in the same delivery, or that name the erased contact.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { redact } from "../../src/erasure/redact.ts";
import { isOthersReport } from "../../src/erasure/whose.ts";
import { ERASED_ADDRESS } from "../../src/model/address-search.ts";
import type { Envelope } from "../../src/model/envelope.ts";
import { deliveryOf } from "../../src/providers/kit/delivery.ts";
import { providers } from "../../src/providers/index.ts";
import {
  capture,
  deliver,
  envWith,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
  send,
} from "../support/support.ts";
import { ANN, erase, freshWithKey, others, settle, traces } from "./asking.ts";

beforeEach(async () => {
  await freshWithKey();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

afterEach(() => void vi.useRealTimers());

const BOB = "bob@example.com";
const CAROLS = Array.from({ length: 50 }, (_, i) => `carol${i}@example.com`);

function envelopeOf(provider: string, body: string): Envelope {
  return {
    id: "id",
    source: provider,
    provider,
    receivedAt: 1_790_000_000_000,
    method: "POST",
    url: `https://edge.example/webhooks/${provider}`,
    headers: [],
    body: new TextEncoder().encode(body),
  };
}

const bodyOf = (envelope: Envelope | undefined): string => new TextDecoder().decode(envelope?.body);

describe("a report of somebody else that names the contact", () => {
  it("stays with the address replaced, and all other reports of the delivery stay as they are", async () => {
    const reports = [
      mailjetEvent({ email: ANN, ip: "198.51.100.77" }),
      mailjetEvent({
        email: BOB,
        CustomID: `invite:${ANN}`,
        url: `https://example.com/?from=${ANN}`,
        event: "click",
      }),
      ...CAROLS.map((email) => mailjetEvent({ email })),
    ];
    await deliver(await messagesOf(mailjetPost(JSON.stringify(reports))));
    await erase();
    await settle();
    expect(await traces(ANN)).toEqual([]);
    const { raws } = (await others(ANN)) as { raws: Record<string, unknown>[] };
    expect(raws).toHaveLength(51);
    expect(raws[0]).toEqual({
      ...reports[1],
      CustomID: "invite:erased@tidings.invalid",
      url: "https://example.com/?from=erased@tidings.invalid",
    });
    expect(raws.slice(1)).toEqual(reports.slice(2));
    expect(JSON.stringify(raws)).not.toContain("198.51.100.77");
  });

  it("stays though its identity contains the address", () => {
    const reports = [
      { event: "delivered", email: ANN, timestamp: 1_790_000_000, url: "https://example.com/private" },
      {
        event: "bounced",
        email: BOB,
        timestamp: 1_790_000_001,
        description: `550 <${ANN}>: forwarded, user unknown`,
      },
      { event: "clicked", email: BOB, timestamp: 1_790_000_002, url: `https://example.com/?by=${ANN}` },
    ];
    const redacted = redact(envelopeOf("generic", JSON.stringify(reports)), ANN, {});
    expect(JSON.parse(bodyOf(redacted?.envelope))).toEqual([
      null,
      { ...reports[1], description: "550 <erased@tidings.invalid>: forwarded, user unknown" },
      { ...reports[2], url: "https://example.com/?by=erased@tidings.invalid" },
    ]);
  });

  it("stays where reports are grouped by user, and only the contact's own part of a shared report goes", () => {
    const shared = {
      eventType: "Delivery",
      mail: { messageId: "m-1", timestamp: "2026-09-21T14:13:19Z", destination: [ANN, BOB] },
      delivery: { timestamp: "2026-09-21T14:13:20Z", recipients: [ANN, BOB] },
    };
    const envelope = envelopeOf("ses", JSON.stringify(shared));
    const provider = providers["ses"];
    const before = provider?.parse(deliveryOf(envelope, {})).events ?? [];
    expect(before.map(({ contact }) => contact)).toEqual([ANN, BOB]);
    const left = redact(envelope, ANN, {})?.envelope ?? envelope;
    const after = provider?.parse(deliveryOf(left, {})).events ?? [];
    expect(after.map(({ contact }) => contact).filter((contact) => contact !== ERASED_ADDRESS)).toEqual([
      BOB,
    ]);
  });

  it("stays as a dead letter that can be replayed, if nobody could read it yet", async () => {
    const unread = mailjetEvent({ event: "", email: BOB, CustomID: `invite:${ANN}` });
    const own = mailjetEvent({ event: "", email: ANN, CustomID: `invite:${BOB}` });
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ email: ANN }), unread, own]))));
    const receipt = await erase();
    expect(receipt.removed["dead_letters"]).toBe(1);
    await settle();
    expect(await traces(ANN)).toEqual([]);
    const { dead_letters } = await (
      await read("/v1/dead-letters")
    ).json<{ dead_letters: { id: string; raw: string }[] }>();
    expect(dead_letters).toHaveLength(1);
    expect(dead_letters[0]?.raw).toContain(BOB);
    const { queue, bodies } = capture();
    const replay = new Request(`https://edge.example/v1/dead-letters/${dead_letters[0]?.id}/replay`, {
      method: "POST",
      headers: { authorization: "Bearer api-token" },
    });
    expect((await send(replay, envWith({ QUEUE: queue }))).status).toBe(202);
    await deliver(bodies);
    const letters = await rows<{ raw: string }>("SELECT raw FROM dead_letters");
    expect(letters.map(({ raw }) => JSON.parse(raw) as unknown)).toEqual([
      { ...unread, CustomID: "invite:erased@tidings.invalid" },
    ]);
  });

  it("stays as an unread form or an unread text, if it names somebody else", () => {
    const form = envelopeOf(
      "jangomail",
      `email=${encodeURIComponent(BOB)}&custom=${encodeURIComponent(ANN)}&event=?`,
    );
    expect(bodyOf(redact(form, ANN, {})?.envelope)).toContain("bob%40example.com");
    const text = envelopeOf("mailjet", `{broken, of ${BOB} and <${ANN}>`);
    expect(bodyOf(redact(text, ANN, {})?.envelope)).toBe(`{broken, of ${BOB} and <erased@tidings.invalid>`);
    expect(bodyOf(redact(envelopeOf("mailjet", `{broken, of ${ANN}`), ANN, {})?.envelope)).toBe("");
  });
});

it.each([
  [{ email: ANN, from: BOB }, false],
  [{ email: BOB, custom_id: `invite:${ANN}` }, true],
  [{ Email_Address: BOB, metadata: { referred_by: ANN } }, true],
  [{ mail: { destination: [BOB, ANN] } }, true],
  [{ mail: { destination: [ANN] }, source: BOB }, false],
  [{ who: ANN, by: BOB }, false],
  [{ words: `<${ANN}> is not ${BOB}` }, true],
  [{ words: `<${ANN}> is unknown` }, false],
])("of an unread report, the recipient or else the text decides whose it is: %j", (report, isOthers) => {
  expect(isOthersReport(JSON.stringify(report), ANN)).toBe(isOthers);
});

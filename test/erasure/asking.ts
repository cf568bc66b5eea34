// Shared by the erasure suites: requesting an erasure, letting time pass, and finding every trace of an address in all
// storage.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { contactPrefix } from "../../src/model/event-id.ts";
import { findKey } from "../../src/store/erasure/erased.ts";
import { withOutages } from "../../src/store/outages.ts";
import { textsOfTables } from "../support/stored-events.ts";
import {
  askApi,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  objects,
  read,
  rows,
  runScheduled,
} from "../support/support.ts";

export const ANN = "ann@example.com";

export const JOANN = "joann@example.com";

export const MINUTE = 60_000;

export const DAY = 86_400_000;

/** An erasure's receipt, as /v1/erasures/{id} returns it. */
export interface Receipt {
  id: string;
  status: string;
  note: string | null;
  removed: Record<string, number> & { archive: Record<string, number> };
  kept: { hash: string; reason: string; since: string } | null;
  finished_at: string | null;
  copies_until: string | null;
}

const KEY = "keys/erasure";

/**
 * Fresh storage with a key of the hashes: the one that this isolate has read before, if it has. It reads the key only once,
 * and would keep it when all storage is emptied.
 */
export async function freshWithKey(): Promise<void> {
  await freshStorage();
  await env.BUCKET.put(KEY, new Uint8Array(32).fill(7));
  const kept = await findKey(withOutages(env).BUCKET);
  if (kept !== null) await env.BUCKET.put(KEY, kept);
}

/** Begins each test with fresh storage and a clock that stands until time is let pass. */
export function withStandingClock(): void {
  beforeEach(async () => {
    await freshWithKey();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  });
  afterEach(() => void vi.useRealTimers());
}

/** Lets this time (ms) pass; needs faked dates. */
export const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

/** Requests the erasure of an address; `query` with its question mark. */
export const ask = async (address = ANN, query = "", bindings = envWith()): Promise<Response> =>
  await askApi("DELETE", `/v1/contacts/${encodeURIComponent(address)}${query}`, undefined, bindings);

/** Requests the erasure of an address; returns the receipt. */
export const erase = async (address = ANN): Promise<Receipt> => await (await ask(address)).json<Receipt>();

/** Reads the receipt of an erasure. */
export const receipt = async (id: string): Promise<Receipt> =>
  await (await read(`/v1/erasures/${id}`)).json<Receipt>();

/** Runs the scheduled jobs until every erasure is done. */
export const settle = async (): Promise<void> => {
  pass(21 * MINUTE);
  await runScheduled();
  expect(await figure("SELECT count(*) AS n FROM erasures WHERE finished_at IS NULL")).toBe(0);
};

/** All stored text, decoded, except that in the erased contact's object. */
async function everything(): Promise<string[]> {
  const texts: string[] = [];
  for (const [name, text] of await textsOfTables()) texts.push(`${name}: ${text}`);
  for (const key of await objects("")) {
    const bytes = new Uint8Array((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? []);
    const text = bytes[0] === 0x1f ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString("latin1");
    const base64 = [...text.matchAll(/"base64":"([^"]*)"/g)].map(([, body = ""]) =>
      Buffer.from(body, "base64").toString(),
    );
    texts.push(`${key}: ${[text, ...base64].join("\n")}`);
  }
  return texts;
}

/** The text with every escape decoded: of URLs, JSON, XML and quoted-printable. */
function plainOf(text: string): string {
  const letter = (code: string, radix: number): string => String.fromCharCode(parseInt(code, radix));
  return text
    .replaceAll(/%(?:25)*([0-7][0-9a-f])/gi, (_, code: string) => letter(code, 16))
    .replaceAll(/\\+u00([0-7][0-9a-f])/gi, (_, code: string) => letter(code, 16))
    .replaceAll(/&#x([0-9a-f]{2});/gi, (_, code: string) => letter(code, 16))
    .replaceAll(/&#(\d{2,3});/g, (_, code: string) => letter(code, 10))
    .replaceAll(/=40|&commat;/gi, "@");
}

/** The places that still contain the address; other contacts' data does not count. */
export async function traces(address: string): Promise<string[]> {
  const object = await runInDurableObject(env.CONTACTS.getByName(address), (_, { storage }) =>
    JSON.stringify([...storage.kv.list()]),
  );
  const own = new RegExp(`(?<![a-z0-9])${address.replaceAll(".", "\\.").replace("@", "[@=]")}`, "i");
  const base64 = (text: string): string =>
    [...text.matchAll(/[a-z0-9+/]{24,}={0,2}/gi)]
      .map(([run]) => Buffer.from(run, "base64").toString())
      .join("\n");
  return [...(await everything()), `object: ${object}`].filter((text) =>
    own.test(plainOf(`${text}\n${base64(text)}`)),
  );
}

/** All data of the other contacts: rows, raw elements and all counters. */
export async function others(address: string): Promise<unknown> {
  const events = await rows<{ id: string }>(
    `SELECT * FROM events WHERE contact <> '${address}' ORDER BY seq`,
  );
  const raws: unknown[] = [];
  for (const { id } of events)
    raws.push((await (await read(`/v1/events/${id}`)).json<{ raw: unknown }>()).raw);
  return {
    events,
    raws,
    messages: await rows(
      `SELECT * FROM messages WHERE prefix <> '${contactPrefix(address)}' ORDER BY message_id, prefix`,
    ),
    suppressions: await rows(
      `SELECT * FROM suppressions WHERE contact <> '${address}' ORDER BY contact, reason`,
    ),
    rollups: await rows(
      "SELECT bucket, source, type, bounce, machine, destination, n FROM rollups ORDER BY bucket, source, type, bounce, destination",
    ),
    campaigns: await rows(
      "SELECT day, campaign, source, type, bounce, machine, n, uniques FROM campaign_rollups ORDER BY day, campaign, source, type, bounce",
    ),
    letters: await rows("SELECT id, raw FROM dead_letters WHERE instr(raw, 'joann@') > 0 ORDER BY id"),
  };
}

/** A delivery with one event of ANN and one of JOANN, with the same fields. */
export const both = (fields: Record<string, unknown> = {}): Request =>
  mailjetPost(
    JSON.stringify(
      [mailjetEvent({ email: ANN, ...fields }), mailjetEvent({ email: JOANN, ...fields })],
      null,
      1,
    ),
  );

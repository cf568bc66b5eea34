// What parsing and verifying cost: microseconds an event, and how many times JSON.parse of the same bytes that is.
// Ratios within one run are what counts: the two are measured in turns, and the median of the turns is taken.

import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { providers, type Delivery, type Provider } from "../../src/providers/index.ts";
import { parseVerbatim } from "../../src/providers/kit/json.ts";
import { casesOf, requestOf, verifyCasesOf, type VerifyCase } from "../support/provider-cases.ts";

/** Parsing may cost this many times JSON.parse. */
const MOST = 12;
const TURNS = 15;
const TURN = 50; // ms that a turn should take at least

interface Line {
  name: string;
  events: number;
  perEvent: number;
  ratio: number;
  verify: number | null;
}

/** In workerd the clock stands still between I/O, so each reading does some. */
async function clock(): Promise<number> {
  await env.BUCKET.head("clock");
  return performance.now();
}

async function timed(work: () => unknown, times: number): Promise<number> {
  const start = await clock();
  for (let i = 0; i < times; i++) {
    const result = work();
    if (result instanceof Promise) await result;
  }
  return (await clock()) - start;
}

/** How often to repeat so that a turn is long enough to be read. */
async function calibrated(work: () => unknown): Promise<number> {
  let times = 1;
  // Twice in a row, for another process may have slowed down one.
  while (Math.min(await timed(work, times), await timed(work, times)) < TURN && times < 1e6) times *= 2;
  return times;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** ms a call of each, measured in turns. */
async function compare(first: () => unknown, second: () => unknown): Promise<[number, number]> {
  const [m, n] = [await calibrated(first), await calibrated(second)];
  const a: number[] = [];
  const b: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    a.push((await timed(first, m)) / m);
    b.push((await timed(second, n)) / n);
  }
  return [median(a), median(b)];
}

/**
 * A grouped delivery of fifty elements where the provider's body is a plain array, made of its fullest fixtures, for real
 * events are full; else its fixtures as they are.
 */
function deliveriesOf(provider: Provider): Delivery[] {
  const telling = casesOf(provider.id).filter(
    ({ expected }) => expected.events.length > 0 && !hasRejects(expected.rejects),
  );
  const lists = telling.filter(({ json, expected }) => json && expected.regroups !== false);
  const texts = lists.flatMap(({ delivery }) =>
    elementsOf(provider, delivery).map((one) => JSON.stringify(one)),
  );
  const bodies = texts.toSorted((a, b) => b.length - a.length).slice(0, 5);
  const [sample] = lists.toSorted((a, b) => b.body.length - a.body.length);
  const grouped =
    sample === undefined ? null : { ...sample.delivery, body: bytes(`[${repeat(bodies, 50)}]`) };
  const parsed = grouped === null ? null : provider.parse(grouped);
  const works = parsed !== null && parsed.rejects.length === 0 && parsed.events.length > 0;
  return works && grouped !== null ? [grouped] : telling.map(({ delivery }) => delivery);
}

function elementsOf(provider: Provider, delivery: Delivery): unknown[] {
  if (provider.elements !== undefined) return provider.elements(delivery);
  const json = parseVerbatim(new TextDecoder().decode(delivery.body));
  return Array.isArray(json) ? json : [json];
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const repeat = (bodies: string[], times: number): string =>
  Array.from({ length: times }, (_, i) => bodies[i % bodies.length]).join(",");

/** The bytes that JSON.parse is given: the body's, or where that is no JSON those of its elements. */
function jsonOf(provider: Provider, delivery: Delivery): Uint8Array {
  try {
    JSON.parse(new TextDecoder().decode(delivery.body));
    return delivery.body;
  } catch {
    return bytes(JSON.stringify(provider.elements?.(delivery) ?? []));
  }
}

async function measure(provider: Provider): Promise<Line> {
  const deliveries = deliveriesOf(provider);
  const documents = deliveries.map((delivery) => jsonOf(provider, delivery));
  const events = deliveries.reduce((sum, delivery) => sum + provider.parse(delivery).events.length, 0);
  const [parse, json] = await compare(
    () => deliveries.map((delivery) => provider.parse(delivery)),
    () => documents.map((document) => JSON.parse(new TextDecoder().decode(document)) as unknown),
  );
  const perEvent = (parse * 1000) / events;
  return { name: provider.id, events, perEvent, ratio: parse / json, verify: await measureVerify(provider) };
}

async function measureVerify(provider: Provider): Promise<number | null> {
  const request = verifyCasesOf(provider.id).requests.find(({ accepted }) => accepted);
  if (request === undefined) return null;
  const work = async () => await verify(provider, request);
  expect(await work()).toEqual({ ok: true });
  const times = await calibrated(work);
  const turns: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) turns.push((await timed(work, times)) / times);
  return median(turns) * 1000;
}

async function verify(provider: Provider, request: VerifyCase) {
  const { responses = {}, settings = {}, credentials } = request;
  const now = Date.parse(request.now ?? "2026-01-01T00:00:00.000Z");
  const fetch: typeof globalThis.fetch = async (input) =>
    new Response(responses[input instanceof Request ? input.url : input.toString()]);
  return await provider.verify(requestOf(provider.id, request), credentials, { now, fetch, settings });
}

it("parsing stays within twelve times JSON.parse", async () => {
  const lines: Line[] = [];
  for (const provider of Object.values(providers)) lines.push(await measure(provider));
  console.log(`\n${table(lines)}\n`);
  for (const { name, ratio } of lines) expect(ratio, name).toBeLessThanOrEqual(MOST);
});

function table(lines: readonly Line[]): string {
  const head = ["provider", "events", "µs/event", "× JSON.parse", "verify, µs/request"];
  const rows = lines.map(({ name, events, perEvent, ratio, verify }) => [
    name,
    String(events),
    perEvent.toFixed(1),
    ratio.toFixed(1),
    verify === null ? "-" : verify.toFixed(0),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ");
  return [head, ...rows].map(line).join("\n");
}

function hasRejects(rejects: number | readonly string[]): boolean {
  return typeof rejects === "number" ? rejects > 0 : rejects.length > 0;
}

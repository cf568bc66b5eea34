// The reference's requests to the Worker itself, and its search for an address in a text.

import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import { withKeys, withoutPercents } from "./spellings.ts";

const DAY = 86_400_000;
/** The longest range of one recount, ms. */
const STRETCH = 30 * DAY;

/** A GET of the API, or a POST of the given body. */
export async function callApi(path: string, body?: unknown): Promise<Record<string, unknown>> {
  const request = new Request(`https://edge.example/v1/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: "Bearer reference", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  asking ??= bindingsToAsk();
  const answer = await worker.fetch(request, asking, createExecutionContext());
  return await answer.json();
}

let asking: Env | null = null;

/** From now on questions are about another history. */
export function askAnew(): void {
  asking = null;
}

/**
 * The bindings of the questions about one history. The Worker remembers the hash key by the bucket, so that each history
 * has another one; and it reads the configuration only once for all questions.
 */
function bindingsToAsk(): Env {
  const { BUCKET } = env;
  const bucket = {
    get: async (key: string) => await BUCKET.get(key),
    list: async (options?: R2ListOptions) => await BUCKET.list(options),
  };
  return { ...env, BUCKET: bucket as R2Bucket, API_TOKENS: '{"reference":"reference"}' } as unknown as Env;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** A recount must find no difference. `events`: determine the range. */
export async function recountsAlike(events: readonly { at: number }[]): Promise<string[]> {
  const wrong: string[] = [];
  const first = Math.min(...events.map(({ at }) => at));
  const last = Math.max(...events.map(({ at }) => at));
  for (let from = first; from <= last; from += STRETCH) {
    const found = await callApi("stats/recount", { from: iso(from), to: iso(from + STRETCH) });
    if (found["status"] !== "done" || found["differing"] !== 0)
      wrong.push(`a recount finds otherwise: ${JSON.stringify(found)}`);
  }
  return wrong;
}

/**
 * A recount and parsing the archive again must find no difference, but for reports that `mayAppear`. `start`: ms, the
 * beginning of the history.
 */
export async function tellsNothingNew(
  start: number,
  events: readonly { at: number }[],
  mayAppear = 0,
): Promise<string[]> {
  const wrong = await recountsAlike(events);
  const range = { ...(await daysOfArchive(start)), limit: 200 };
  const { changed, appeared, vanished, samples } = await callApi("history/renormalise", range);
  if (changed !== 0 || Number(appeared) > mayAppear || vanished !== 0)
    wrong.push(`history read anew is told otherwise: ${JSON.stringify(samples)}`);
  return wrong;
}

/** The days from the first object of the archive to the last one: each day is a call of the bucket. `start`: ms, for none. */
async function daysOfArchive(start: number): Promise<{ from: string; to: string }> {
  const { objects } = await env.BUCKET.list({ prefix: "archive/" });
  const days = objects.map(({ key }) => Date.parse(key.slice("archive/".length).slice(0, 10)));
  return { from: iso(Math.min(start, ...days)), to: iso(Math.max(start, ...days) + DAY) };
}

/** Whether a text contains an address, however it is spelled, and however it is escaped: for URLs, JSON, XML, mails, or as base64. */
export function names(text: string, address: string): boolean {
  return contains(readable(text), address);
}

/** A text without escapes, in which {@link contains} finds addresses. Made once, it serves many questions. */
export function readable(text: string): string {
  const decoded = withoutPercents([text, ...fromBase64(text)].join("\n"))
    .replaceAll(/(?:%(?:25)*|=|\\+u00|&#x)([0-7][0-9a-f]);?/gi, (_, code: string) =>
      String.fromCharCode(parseInt(code, 16)),
    )
    .replaceAll(/&#(\d{2,3});/g, (_, code: string) => String.fromCharCode(Number(code)))
    .toLowerCase();
  return withKeys(decoded);
}

/** Whether a {@link readable} text contains an address. */
export function contains(plain: string, address: string): boolean {
  for (const form of [address, address.replace("@", "=")])
    for (let at = plain.indexOf(form); at >= 0; at = plain.indexOf(form, at + 1))
      if (!/[a-z0-9]/.test(plain.charAt(at - 1))) return true;
  return false;
}

/** What the longer runs of base64 in a text stand for. */
function fromBase64(text: string): string[] {
  return [...text.matchAll(/[a-z0-9+/]{24,}={0,2}/gi)].map(([run]) => Buffer.from(run, "base64").toString());
}

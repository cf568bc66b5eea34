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
  // For the Worker each history has another bucket object, because it remembers the hash key by the bucket.
  const { BUCKET } = env;
  const bucket = {
    get: async (key: string) => await BUCKET.get(key),
    list: async (options?: R2ListOptions) => await BUCKET.list(options),
  };
  const bindings = { ...env, BUCKET: bucket as R2Bucket, API_TOKENS: '{"reference":"reference"}' };
  const answer = await worker.fetch(request, bindings, createExecutionContext());
  return await answer.json();
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
  const range = { from: iso(start - DAY), to: iso(start + 300 * DAY), limit: 200 };
  const { changed, appeared, vanished, samples } = await callApi("history/renormalise", range);
  if (changed !== 0 || Number(appeared) > mayAppear || vanished !== 0)
    wrong.push(`history read anew is told otherwise: ${JSON.stringify(samples)}`);
  return wrong;
}

/** Whether a text contains an address, however it is spelled, and however it is escaped: for URLs, JSON, XML, mails, or as base64. */
export function names(text: string, address: string): boolean {
  const decoded = withoutPercents([text, ...fromBase64(text)].join("\n"))
    .replaceAll(/(?:%(?:25)*|=|\\+u00|&#x)([0-7][0-9a-f]);?/gi, (_, code: string) =>
      String.fromCharCode(parseInt(code, 16)),
    )
    .replaceAll(/&#(\d{2,3});/g, (_, code: string) => String.fromCharCode(Number(code)))
    .toLowerCase();
  const plain = withKeys(decoded);
  for (const form of [address, address.replace("@", "=")])
    for (let at = plain.indexOf(form); at >= 0; at = plain.indexOf(form, at + 1))
      if (!/[a-z0-9]/.test(plain.charAt(at - 1))) return true;
  return false;
}

/** What the longer runs of base64 in a text stand for. */
function fromBase64(text: string): string[] {
  return [...text.matchAll(/[a-z0-9+/]{24,}={0,2}/gi)].map(([run]) => Buffer.from(run, "base64").toString());
}

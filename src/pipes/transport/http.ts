// Requests to destinations: https to public hosts only, without redirects, with a deadline and bounded answers. What
// went over the wire is recorded for the log and for `test`, without its secrets.
//
// A Worker's fetch leaves from Cloudflare's edge, which cannot reach private networks by name. What is refused here are
// addresses and names that point into one by themselves.

import ipaddr from "ipaddr.js";
import { cappedCache } from "../../lib/capped-cache.ts";
import type { Outcome, DeliveryResult } from "../kinds/kind.ts";
import type { Answer, Exchange, PipeFetch, PipeRequest } from "./exchange.ts";
import { HOPS_HEADER } from "../../model/hops.ts";
import { DAY } from "../../lib/time.ts";

export type { Answer, Exchange, PipeFetch, PipeRequest };

/** The time of one attempt with all of its requests, ms. */
export const ATTEMPT_DEADLINE = 15_000;

/** How many bytes of an answer are read. A longer one is cut off, and its rest is not waited for. */
const MOST_ANSWER = 64 * 1024;

/** There was no answer, or the request is not allowed. `message`: for people, without secrets. */
export class NoAnswer extends Error {
  readonly result: DeliveryResult;
  constructor(message: string, result: DeliveryResult = "unavailable") {
    super(message);
    this.result = result;
  }
}

/** A cache, because pipes call few URLs very often. */
const judged = cappedCache<string | null>(100);

/** Why a URL may not be called; null if it may. `loopback`: whether plain http to this machine is allowed. */
export function refusalOf(text: string, loopback: boolean): string | null {
  const key = `${loopback} ${text}`;
  const before = judged.get(key);
  if (before !== undefined) return before;
  const refusal = judge(text, loopback);
  judged.set(key, refusal);
  return refusal;
}

function judge(text: string, loopback: boolean): string | null {
  if (!URL.canParse(text)) return "is not a URL";
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.+$/, "");
  if (url.username !== "" || url.password !== "") return "must not hold a user or a password";
  if (loopback && isLoopback(host) && /^https?:$/.test(url.protocol)) return null;
  if (url.protocol !== "https:") return "must begin with https://";
  if (ipaddr.isValid(host)) return isPublic(host) ? null : "must not lead to a private or local address";
  const inner = !host.includes(".") || host.includes("..") || INNER_NAME.test(host);
  return inner ? "must not lead to a private or local host" : null;
}

/** Names that have a meaning only within a network: by RFC 6762, 8375 and 9476, and by use of cloud providers. */
const INNER_NAME =
  /\.(local|localhost|localdomain|internal|intranet|private|lan|home|corp|alt|onion|arpa|svc|consul|docker)$/i;

/** Azure's internal services, such as the metadata of virtual machines, have an address that looks public. */
const AZURE_PLATFORM = "168.63.129.16";

/**
 * All of the internet's IPv6 is in here (RFC 4291, section 2.4); what tunnels to IPv4 or is reserved within has a
 * range.
 */
const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");

function isPublic(text: string): boolean {
  const address = ipaddr.process(text);
  if (address.range() !== "unicast" || address.toString() === AZURE_PLATFORM) return false;
  return address.kind() === "ipv4" || address.match(GLOBAL_IPV6);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || (ipaddr.isValid(host) && ipaddr.process(host).range() === "loopback");
}

/** Headers that are secret as a whole, in requests and in answers. */
const HIDDEN =
  /^(authorization|proxy-authorization|x-api-key|api-key|cookie|set-cookie|x-auth-token|x-amz-security-token)$/i;

/**
 * A fetch for one attempt. `note` gets every exchange. `hops`: through how many pipes its events will have come, which
 * every request tells, so that no loop goes on for ever; left out if that is unknown.
 */
export function pipeFetch(
  note: (exchange: Exchange) => void,
  {
    signal,
    loopback,
    hops,
    fetch: call = fetch,
  }: { signal: AbortSignal; loopback: boolean; hops?: number; fetch?: typeof fetch },
): PipeFetch {
  const told = hops === undefined ? {} : { [HOPS_HEADER]: String(hops) };
  return async (given) => {
    const request = { ...given, headers: { ...given.headers, ...told } };
    const began = Date.now();
    let hides: Hide | null = null;
    const hide: Hide = (text, cut) => (hides ??= hiding(request))(text, cut);
    const tell = (response: Shown | null, error: string | null): void =>
      note(exchangeOf(request, response, { hide, error, took: Date.now() - began }));
    const refusal = refusalOf(request.url, loopback);
    if (refusal !== null) {
      tell(null, `the URL ${refusal}`);
      throw new NoAnswer(`the URL ${refusal}`, "denied");
    }
    try {
      const { method, url, headers, body } = request;
      const init = {
        method,
        headers,
        ...(method === "GET" ? {} : { body }),
        redirect: "manual" as const,
        signal,
      };
      const response = await call(url, init);
      const text = await readBounded(response, signal);
      const { status, ok } = response;
      tell({ status, ok, headers: response.headers, text }, null);
      return { status, headers: response.headers, text };
    } catch (error) {
      const reason = signal.aborted
        ? "no answer within 15 seconds"
        : `no answer: ${hide(wordsOf(error)).slice(0, 200)}`;
      tell(null, reason);
      throw new NoAnswer(reason);
    }
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `cut`: whether the text may end within a secret. */
type Hide = (text: string, cut?: boolean) => string;

type Shown = Answer & { ok: boolean };

/** A record is worked out when it is read, because the log keeps five of a thousand successful requests. */
function exchangeOf(
  request: PipeRequest,
  response: Shown | null,
  { hide, error, took }: { hide: Hide; error: string | null; took: number },
): Exchange {
  return {
    get request() {
      return shownRequest(request, hide);
    },
    get response() {
      if (response === null) return null;
      const { status, ok, headers, text } = response;
      const body = request.secretAnswer === true && ok ? "(hidden)" : hide(text, true);
      return { status, headers: shownHeaders([...headers], hide), body };
    },
    error,
    took,
  };
}

function shownRequest(request: PipeRequest, hide: Hide): Exchange["request"] {
  const { method, url, headers, body } = request;
  const text = request.shown ?? (typeof body === "string" ? body : `(${body.byteLength} bytes)`);
  return {
    method,
    url: request.shownUrl ?? hide(url),
    headers: shownHeaders(Object.entries(headers), hide),
    body: hide(text),
  };
}

function shownHeaders(headers: readonly (readonly [string, string])[], hide: Hide): Record<string, string> {
  return Object.fromEntries(
    headers.map(([name, value]) => [hide(name), HIDDEN.test(name) ? "(hidden)" : hide(value)]),
  );
}

/**
 * Masks the secrets of a request wherever they stand, because some receivers answer with what they were sent: also as
 * JSON and URLs write them, without the scheme (`Bearer`), and their beginning where the text is cut off within one.
 */
function hiding({ headers, secrets = [] }: PipeRequest): Hide {
  const whole = Object.entries(headers).flatMap(([name, value]) => (HIDDEN.test(name) ? [value] : []));
  const parts = [...whole, ...secrets].flatMap((secret) => [secret, secret.replace(/^[A-Za-z0-9-]+ +/, "")]);
  const spelt = parts.flatMap((part) => {
    const sent = part.toWellFormed(); // as it is once it was bytes
    return [part, sent, JSON.stringify(part).slice(1, -1), encodeURIComponent(sent)];
  });
  const words = [...new Set(spelt)].filter((word) => word !== "").sort((a, b) => b.length - a.length);
  if (words.length === 0) return (text) => text;
  // In one pass, so that the mask of a secret is not searched for the next one.
  const anywhere = new RegExp(
    words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"),
    "g",
  );
  return (text, cut = false) => {
    const hidden = text.replace(anywhere, "(hidden)");
    return cut ? withoutBegun(hidden, words) : hidden;
  };
}

/** A shorter beginning than this gives nothing away. */
const LEAST_BEGINNING = 4;

function withoutBegun(text: string, words: readonly string[]): string {
  for (const word of words) {
    for (let length = word.length - 1; length >= LEAST_BEGINNING; length--) {
      if (text.endsWith(word.slice(0, length))) return `${text.slice(0, -length)}(hidden)`;
    }
  }
  return text;
}

/** The answer's text up to the limit. One that never ends is cut off with the attempt. */
async function readBounded(response: Response, signal: AbortSignal): Promise<string> {
  if (response.body === null) return "";
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  const stopped = new Promise<{ done: true; value?: undefined }>((resolve) =>
    signal.addEventListener("abort", () => resolve({ done: true }), { once: true }),
  );
  // The abort also rejects the read. In either case the answer is what has arrived so far.
  const read = (): Promise<ReadableStreamReadResult<Uint8Array>> =>
    reader.read().catch((error: unknown) => {
      if (signal.aborted) return { done: true, value: undefined };
      throw error;
    });
  while (length < MOST_ANSWER && !signal.aborted) {
    const { done, value } = await Promise.race([read(), stopped]);
    if (done) break;
    parts.push(value);
    length += value.byteLength;
  }
  await reader.cancel().catch(() => undefined);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return new TextDecoder().decode(whole.subarray(0, MOST_ANSWER));
}

/** The outcome that an HTTP answer means, as most destinations use the statuses. `now`: ms. */
export function outcomeOf({ status, headers }: Answer, now: number): Outcome {
  const result = resultOf(status);
  const moved = status >= 300 && status < 400 ? ": it moved, and redirects are not followed" : "";
  const reason = result === "delivered" ? null : `answered ${status}${moved}`;
  return { result, reason, status, retryAfter: retryAfterOf(headers, now) };
}

function resultOf(status: number): DeliveryResult {
  if (status >= 200 && status < 300) return "delivered";
  if (status === 410) return "gone";
  if (status === 429) return "slow_down";
  if (status === 401 || status === 403 || status === 404 || status === 405) return "denied";
  if (status >= 300 && status < 400) return "denied"; // it moved: redirects are not followed
  if (status === 408 || status === 425 || status >= 500) return "unavailable";
  return "refused";
}

const LONGEST_WAIT = DAY;

/**
 * All three forms of an HTTP date begin with the day of the week. Without this check Date.parse takes almost anything.
 */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** How long Retry-After asks to wait, ms, a day at most; null if it asks nothing (RFC 9110, section 10.2.3). */
export function retryAfterOf(headers: Headers, now: number): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, LONGEST_WAIT);
  const wait = HTTP_DATE.test(text) ? Date.parse(text) - now : Number.NaN;
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 0), LONGEST_WAIT);
}

/** The outcome of a request without an answer. Any other error is a bug and is thrown on. */
export function outcomeOfError(error: unknown): Outcome {
  if (!(error instanceof NoAnswer)) throw error;
  return { result: error.result, reason: error.message, status: null, retryAfter: null };
}

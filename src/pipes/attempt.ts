// One attempt to deliver a batch. It has a deadline that holds whatever the kind does, and gives an account of what
// went over the wire.

import { describeUnquoted } from "../lib/outage.ts";
import { ATTEMPT_DEADLINE, pipeFetch, type Exchange } from "./transport/http.ts";
import { hopsWith } from "../model/hops.ts";
import { newId } from "../lib/time-id.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kinds/kind.ts";

/** How long a kind may take to clean up once its time is up, ms. */
const GRACE = 1_000;

/** What an attempt did. */
export interface Account {
  /** The attempt's id, which the destination is told. */
  id: string;
  outcome: Outcome;
  /** Requests and answers in order, without secrets. */
  exchanges: Exchange[];
  /** When it began, and how long it took, ms. */
  at: number;
  took: number;
}

/** Whether plain http to this machine is allowed, as it is in local development alone. */
export function allowsLoopback(env: Env): boolean {
  return (env as { PIPES_LOOPBACK?: unknown }).PIPES_LOOPBACK === "yes";
}

/** Tries to deliver the batch. Never rejects. `call`: in place of `fetch`. */
export async function attempt(
  env: Env,
  {
    kind,
    settings,
    kept,
    call,
  }: { kind: Kind; settings: unknown; kept: Attempt["kept"]; call?: typeof fetch },
  batch: readonly Outgoing[],
): Promise<Account> {
  const at = Date.now();
  const id = newId(at);
  const exchanges: Exchange[] = [];
  const note = (exchange: Exchange): void => void exchanges.push(exchange);
  const abort = new AbortController();
  const late = Promise.withResolvers<never>();
  const giveUp = (): void => late.reject(new Error("the kind did not end what it began"));
  let timer = setTimeout(() => {
    abort.abort();
    timer = setTimeout(giveUp, GRACE);
  }, ATTEMPT_DEADLINE);
  const { signal } = abort;
  const loopback = allowsLoopback(env);
  const own: Attempt = {
    id,
    now: at,
    fetch: pipeFetch(note, { signal, loopback, hops: hopsWith(batch), ...(call && { fetch: call }) }),
    note,
    signal,
    loopback,
    env,
    kept,
  };
  let outcome: Outcome | null = null;
  try {
    outcome = await Promise.race([kind.deliver(batch, settings, own), late.promise]);
  } catch (error) {
    const reason = abort.signal.aborted ? "no answer within 15 seconds" : "the attempt broke off";
    if (!abort.signal.aborted)
      console.error({ message: "a kind of pipe threw", kind: kind.id, ...describeUnquoted(error) });
    outcome = { result: "unavailable", reason, status: null, retryAfter: null };
  } finally {
    clearTimeout(timer);
    // After an answer nothing is left to abort, and an abort is expensive: it creates an error and calls every
    // listener.
    if (outcome?.result !== "delivered" && typeof outcome?.status !== "number") abort.abort();
  }
  return { id, outcome, exchanges, at, took: Date.now() - at };
}

const MOST_EXCERPT = 500;
/**
 * An address, plain or escaped for a URL. Tried from a word's beginning only: from each of its letters it would take
 * the square of its length.
 */
const ADDRESS = /(?<![^\s"'<>(),;:])[^\s"'<>(),;:]+(?:@|%40)[^\s"'<>(),;:]+/gi;

/** The excerpt of the last answer that the log keeps: its beginning, without addresses. */
export function excerptOf(exchanges: readonly Exchange[]): string | null {
  const body = exchanges.at(-1)?.response?.body ?? "";
  const text = body.slice(0, 4 * MOST_EXCERPT).replaceAll(ADDRESS, "(address)");
  return text === "" ? null : text.slice(0, MOST_EXCERPT);
}

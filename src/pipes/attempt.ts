// One attempt to deliver a batch: with a deadline that holds whatever the kind does, and an account of what went over the wire.
import { ATTEMPT_DEADLINE, pipeFetch, type Exchange } from "./transport/http.ts";
import { newId } from "../lib/time-id.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kinds/kind.ts";

/** ms that a kind has to end what it began once its time is up. */
const GRACE = 1_000;

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

/** Whether plain http to this machine is allowed: in local development alone. */
export function allowsLoopback(env: Env): boolean {
  return (env as { PIPES_LOOPBACK?: unknown }).PIPES_LOOPBACK === "yes";
}

/** Tries to deliver the batch. Never rejects. */
export async function attempt(
  env: Env,
  { kind, settings, kept }: { kind: Kind; settings: unknown; kept: Attempt["kept"] },
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
  const fetch = pipeFetch(note, { signal, loopback });
  const own: Attempt = { id, now: at, fetch, note, signal, loopback, env, kept };
  let outcome: Outcome | null = null;
  try {
    outcome = await Promise.race([kind.deliver(batch, settings, own), late.promise]);
  } catch (error) {
    const reason = abort.signal.aborted ? "no answer within 15 seconds" : "the attempt broke off";
    if (!abort.signal.aborted)
      console.error({ message: "a kind of pipe threw", kind: kind.id, error: nameOf(error) });
    outcome = { result: "unavailable", reason, status: null, retryAfter: null };
  } finally {
    clearTimeout(timer);
    // Nothing is left to be ended of what went well, and an abort is dear: it makes an error and tells all who listen.
    if (outcome?.result !== "delivered") abort.abort();
  }
  return { id, outcome, exchanges, at, took: Date.now() - at };
}

/** Only the kind: the words may quote what was sent. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

const MOST_EXCERPT = 500;

/** What the log keeps of the last answer: its beginning, without addresses. */
export function excerptOf(exchanges: readonly Exchange[]): string | null {
  const body = exchanges.at(-1)?.response?.body ?? "";
  const text = body
    .slice(0, 4 * MOST_EXCERPT)
    .replaceAll(/[^\s"'<>(),;:]+(@|%40)[^\s"'<>(),;:]+/gi, "(address)");
  return text === "" ? null : text.slice(0, MOST_EXCERPT);
}

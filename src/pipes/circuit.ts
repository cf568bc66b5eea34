// The circuit breaker of a pipe: what each delivery says about the destination, and what follows from it. A destination
// that fails again and again opens the circuit: nothing is sent for a while, then a few events are tried (probes). One
// event that arrives closes it. What the destination says about a single event never counts against the destination: it
// is up as long as something else gets through. Pure: time and randomness are parameters, and the caller stores the
// state that comes back.

import type { DeliveryResult } from "./kinds/kind.ts";
import { HOUR, MINUTE, SECOND } from "../lib/time.ts";

/** Waits before a probe, ms, by the number of probes before it. The last one repeats. */
const PROBE_WAITS = [5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE] as const;

/** A pipe whose destination took nothing for so long, ms, is paused. */
export const PATIENCE = 75 * HOUR;

/** A destination that took an event so recently, ms, is up, whatever it says about other events. */
const LATELY = MINUTE;
/** For events that failed before, which are more likely to be to blame themselves. */
const LATELY_FOR_RETRIES = HOUR;

/** How many failures in a row open the circuit. */
export interface Limits {
  /** Requests without an answer, or with one that says "not now". */
  failures: number;
  /** Events that the destination denied: 401, 403, 404 and the like, which concern everything or this event alone. */
  denials: number;
}

/** The limits of a destination that took nothing within the last minute. */
export const LIMITS: Limits = { failures: 5, denials: 10 };
/**
 * The limits of one that is up. Some events may bring a receiver down, or lead to where it finds nothing; so many of
 * them one after the other mean that it changed a moment ago.
 */
export const LIMITS_WHILE_UP: Limits = { failures: 20, denials: 1_000 };

/** With fewer events refused one after the other, nothing is known of the destination. */
export const LEAST_REFUSED = 20;

/** Why nothing more is to be sent for a while. */
export interface Stop {
  result: Exclude<DeliveryResult, "delivered" | "refused">;
  /** For people; never a secret, nor an address. */
  reason: string;
  /** How long the destination asked to be left alone, ms; null if it did not ask. */
  retryAfter: number | null;
}

/** An open circuit. Times in ms. */
export interface OpenCircuit extends Pick<Stop, "result" | "reason"> {
  /** When it opened, or when a person last resumed the pipe. */
  since: number;
  /** Nothing is sent before this; then the next probe is. */
  until: number;
  /** How many probes failed since it opened, the failure that opened it included. */
  probes: number;
}

/** What a pipe remembers of its destination. Times in ms. */
export interface DestinationState {
  /** Requests in a row that got no answer, or one that says "not now". */
  consecutiveFailures: number;
  /** Events in a row that were denied at their first try. */
  consecutiveDenials: number;
  /** Events that were refused or denied at their first try since the last one that arrived. */
  consecutiveRefusals: number;
  /** When the first delivery failed after the last one that succeeded; null if none has. */
  failing_since: number | null;
  /** Null while it is closed. */
  circuit: OpenCircuit | null;
  delivered: number;
  delivered_at: number | null;
  failed_at: number | null;
  /** Why the last delivery failed. */
  failure: string | null;
}

/** What one delivery found out. */
export interface Findings {
  /** How many events arrived, and how many were refused at their first try. Further refusals of these are no news. */
  delivered: number;
  refused: number;
  /** Whether the destination took or refused anything: it is there, and lets us in. */
  answered: boolean;
  /** Why the first of the events failed that did not arrive; null if none failed. */
  failure: string | null;
  /** As in {@link DestinationState}, after this delivery. */
  consecutiveFailures: number;
  consecutiveDenials: number;
  stop: Stop | null;
}

/** What follows from a delivery. */
export interface Decision<S> {
  state: S;
  /** Whether nothing more may be sent now. */
  stopped: boolean;
  /** Why the pipe must be paused; null if it need not. */
  pause: string | null;
}

/** Takes in what a delivery found out. `now`: ms; `random`: 0 to 1. */
export function judgeDelivery<S extends DestinationState>(
  before: S,
  findings: Findings,
  now: number,
  random: number,
): Decision<S> {
  const counted = countDelivery(before, findings, now);
  const circuit = findings.answered || findings.delivered > 0 ? null : before.circuit;
  return findings.stop === null
    ? goOn(counted, circuit, now)
    : openCircuit(counted, circuit, findings.stop, now, random);
}

/** Until when the destination counts as up, ms. `retried`: for events that failed before. */
export function upUntil(
  { delivered_at }: Pick<DestinationState, "delivered_at">,
  { retried }: { retried: boolean },
): number {
  if (delivered_at === null) return -Infinity;
  return delivered_at + (retried ? LATELY_FOR_RETRIES : LATELY);
}

/** Whether the open circuit wants probes: a few events, one after the other. */
export function isProbing({ circuit }: Pick<DestinationState, "circuit">): boolean {
  return circuit !== null && circuit.result !== "slow_down";
}

/**
 * Whether the destination refuses everything, as far as is known. If so, no event is to blame, and none is given up:
 * the pipe will be paused.
 */
export function refusesAll({
  consecutiveRefusals,
  failing_since,
}: Pick<DestinationState, "consecutiveRefusals" | "failing_since">): boolean {
  return failing_since !== null && consecutiveRefusals >= LEAST_REFUSED;
}

/** Whether the circuit is open and no probe is due yet. `now`: ms. */
export function isWaiting({ circuit }: Pick<DestinationState, "circuit">, now: number): boolean {
  return circuit !== null && circuit.until > now;
}

/** Lets the next probe go at once and forgets how long the circuit was open: a person mended something. `now`: ms. */
export function resetCircuit<S extends DestinationState>(state: S, now: number): S {
  const circuit = state.circuit === null ? null : { ...state.circuit, since: now, until: 0, probes: 0 };
  return { ...state, circuit, consecutiveDenials: 0, consecutiveRefusals: 0, failing_since: null };
}

/** How long to wait before the next probe, ms. `probes`: how many failed before; `random`: 0 to 1. */
export function probeWait(probes: number, random: number): number {
  return jittered(PROBE_WAITS[Math.min(probes, PROBE_WAITS.length - 1)] ?? HOUR, random);
}

/** The wait, ms, up to a fifth more or less, so that many pipes do not wait in step. `random`: 0 to 1. */
export function jittered(wait: number, random: number): number {
  return Math.round(wait * (0.8 + 0.4 * random));
}

function countDelivery<S extends DestinationState>(
  before: S,
  { delivered, refused, failure, consecutiveFailures, consecutiveDenials, stop }: Findings,
  now: number,
): S {
  const arrived = delivered > 0;
  const reason = stop?.reason ?? failure;
  return {
    ...before,
    consecutiveFailures,
    consecutiveDenials,
    consecutiveRefusals: arrived ? 0 : before.consecutiveRefusals + refused,
    failing_since: arrived ? null : (before.failing_since ?? (reason === null ? null : now)),
    delivered: before.delivered + delivered,
    delivered_at: arrived ? now : before.delivered_at,
    failed_at: reason === null ? before.failed_at : now,
    failure: reason ?? before.failure,
  };
}

/** Nothing speaks against the next request. An open circuit stays as it is if nothing was sent. */
function goOn<S extends DestinationState>(state: S, circuit: OpenCircuit | null, now: number): Decision<S> {
  const next = { ...state, circuit: circuit?.result === "slow_down" ? null : circuit };
  const isLate = refusesAll(state) && now - (state.failing_since ?? now) > PATIENCE;
  const pause = isLate ? `nothing got through for 75 hours: ${state.failure ?? ""}` : null;
  return { state: next, stopped: isLate, pause };
}

function openCircuit<S extends DestinationState>(
  state: S,
  before: OpenCircuit | null,
  { result, reason, retryAfter }: Stop,
  now: number,
  random: number,
): Decision<S> {
  const probes = before?.probes ?? 0;
  const since = before?.since ?? now;
  const until = now + Math.max(retryAfter ?? 0, probeWait(probes, random));
  return {
    state: { ...state, circuit: { result, reason, since, until, probes: probes + 1 } },
    stopped: true,
    pause: reasonToPause(result, reason, now - since),
  };
}

function reasonToPause(result: Stop["result"], reason: string, openFor: number): string | null {
  if (result === "gone") return `${reason}: the destination asks not to be called again`;
  return openFor > PATIENCE ? `nothing got through for 75 hours: ${reason}` : null;
}

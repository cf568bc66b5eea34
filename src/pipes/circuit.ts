// The circuit breaker of a pipe: what each delivery says about the destination, and what follows from it. A destination
// that fails again and again opens the circuit: nothing is sent for a while, then a few events are tried (probes). One
// event that arrives closes it. Pure: time and randomness are parameters, and the caller stores the state that comes
// back.

import type { DeliveryResult } from "./kinds/kind.ts";
import { HOUR, MINUTE, SECOND } from "../lib/time.ts";

/** Waits before a probe, ms, by the number of probes before it. The last one repeats. */
const PROBE_WAITS = [5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE] as const;

/** A pipe whose destination took nothing for so long, ms, is paused. */
export const PATIENCE = 75 * HOUR;

/** Failures in a row that open the circuit. */
export const MOST_FAILURES = 5;

/**
 * A destination that refuses so many events in a row wants none of them. Going on would give up each of them in the
 * end.
 */
export const MOST_REFUSALS = 200;

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
  /** Events refused since the last one that arrived. */
  consecutiveRefusals: number;
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
  /** How many events arrived, and how many were refused for good. */
  delivered: number;
  refused: number;
  /** Why the first of the events failed that did not arrive; null if none failed. */
  failure: string | null;
  /** Requests in a row that failed, those of earlier deliveries included. */
  consecutiveFailures: number;
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
  const circuit = findings.delivered > 0 ? null : before.circuit;
  return findings.stop === null
    ? judgeAnswers(counted, circuit)
    : openCircuit(counted, circuit, findings.stop, now, random);
}

/** Whether the circuit is open and no probe is due yet. `now`: ms. */
export function isWaiting({ circuit }: Pick<DestinationState, "circuit">, now: number): boolean {
  return circuit !== null && circuit.until > now;
}

/** Lets the next probe go at once and forgets how long the circuit was open: a person mended something. `now`: ms. */
export function resetCircuit<S extends DestinationState>(state: S, now: number): S {
  const circuit = state.circuit === null ? null : { ...state.circuit, since: now, until: 0, probes: 0 };
  return { ...state, circuit, consecutiveRefusals: 0 };
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
  { delivered, refused, failure, consecutiveFailures, stop }: Findings,
  now: number,
): S {
  const arrived = delivered > 0;
  const reason = stop?.reason ?? failure;
  return {
    ...before,
    consecutiveFailures,
    consecutiveRefusals: arrived ? 0 : before.consecutiveRefusals + refused,
    delivered: before.delivered + delivered,
    delivered_at: arrived ? now : before.delivered_at,
    failed_at: reason === null ? before.failed_at : now,
    failure: reason ?? before.failure,
  };
}

/**
 * The destination answers. Its circuit stays open only if too many requests failed before and nothing has arrived
 * since.
 */
function judgeAnswers<S extends DestinationState>(state: S, circuit: OpenCircuit | null): Decision<S> {
  const { consecutiveFailures, consecutiveRefusals, failure } = state;
  const next = { ...state, circuit: consecutiveFailures >= MOST_FAILURES ? circuit : null };
  if (consecutiveRefusals < MOST_REFUSALS) return { state: next, stopped: false, pause: null };
  const pause = `the destination refused ${consecutiveRefusals} events one after the other: ${failure ?? ""}`;
  return { state: next, stopped: true, pause };
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
  const failures = result === "slow_down" ? 0 : Math.max(state.consecutiveFailures, MOST_FAILURES);
  return {
    state: {
      ...state,
      consecutiveFailures: failures,
      circuit: { result, reason, since, until, probes: probes + 1 },
    },
    stopped: true,
    pause: reasonToPause(result, reason, now - since),
  };
}

function reasonToPause(result: Stop["result"], reason: string, openFor: number): string | null {
  if (result === "gone") return `${reason}: the destination asks not to be called again`;
  return openFor > PATIENCE ? `nothing got through for 75 hours: ${reason}` : null;
}

// What the kinds that write to people through an incoming webhook have in common. The webhook's URL is its password.

import * as z from "zod";
import { outcomeOf, outcomeOfError, refusalOf, type Answer } from "../transport/http.ts";
import type { Attempt, Outcome } from "./kind.ts";

/** The URL of an incoming webhook: https and a public host, or this machine (as local development may call it). */
export const hookUrl = z
  .string("must be the URL of an incoming webhook")
  .max(2048, "must be at most 2,048 characters")
  .superRefine((text, context) => {
    const refusal = refusalOf(text, true);
    if (refusal !== null) context.addIssue(refusal);
  });

/** Whether people see addresses. */
export const addressesSetting = z
  .enum(["masked", "full"], "must be masked or full")
  .default("masked")
  .meta({ description: "How addresses are shown: `masked` as a***@example.com" });

/** Posts JSON to a webhook. `meaningOf`: the outcome that an answer means. */
export async function postToHook(
  attempt: Attempt,
  { url, body, meaningOf }: { url: string; body: unknown; meaningOf: (answer: Answer) => Outcome },
): Promise<Outcome> {
  try {
    const answer = await attempt.fetch({
      method: "POST",
      url,
      headers: { "content-type": "application/json; charset=utf-8", "tidings-attempt": attempt.id },
      body: JSON.stringify(body),
      secrets: secretsOf(url),
    });
    return meaningOf(answer);
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** How a service for people answers. */
export interface Manners {
  /** Whether this success is the service's own. Any other comes from a proxy, or a landing page. */
  isTaken: boolean;
  /** What a success of the service has, for the reason of another one. */
  expected: string;
  /** How long to wait if it asks to slow down, ms: what its body says, and what is right if it says nothing. */
  told?: number | null;
  wait: number;
}

/** The outcome that an answer means. `ofError`: says more about an answer that is neither a success nor "slow down". */
export function outcomeByManners(
  answer: Answer,
  now: number,
  { isTaken, expected, told = null, wait }: Manners,
  ofError: (outcome: Outcome) => Outcome,
): Outcome {
  const outcome = outcomeOf(answer, now);
  if (outcome.result === "slow_down") return { ...outcome, retryAfter: told ?? outcome.retryAfter ?? wait };
  if (outcome.result !== "delivered") return ofError(outcome);
  const reason = `answered ${answer.status}, but not with ${expected}`;
  return isTaken ? outcome : { ...outcome, result: "unavailable", reason };
}

/** Shorter values in a URL's query are no secrets, and stand in too many texts. */
const LEAST_SECRET = 12;

/** The parts of the URL that stand in no record: all of it, its path, and what looks like a key in its query. */
function secretsOf(url: string): string[] {
  const { href, pathname, search, searchParams } = new URL(url);
  const values = [...searchParams.values()].filter((value) => value.length >= LEAST_SECRET);
  const path = pathname.length > 1 ? [pathname + search, pathname] : [];
  return [url, href, ...path, ...values];
}

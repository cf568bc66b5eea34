// Reads the suppression policies: [vars.SUPPRESSION] for all sources, and the table `suppression` of a source for its
// exceptions. A mistake is reported and makes only its own table ineffective.

import { listOf, oneOf, optional, share, table, wholeNumber, type Check } from "./checks.ts";
import { about, type Report } from "./report.ts";
import type { ValueOf } from "./tables.ts";
import {
  DEFAULT_POLICY,
  DEFAULT_STORM,
  EVENT_REASONS,
  type Policies,
  type StormPolicy,
  type SuppressionPolicy,
} from "../model/suppression/policy.ts";

const whole = optional(wholeNumber("must be a whole number", 1, "must be at least 1"));
const REASONS = `must be of ${EVENT_REASONS.join(", ")}`;
const fields = {
  soft_bounces: whole,
  soft_bounce_days: whole,
  soft_bounce_window_days: whole,
  reasons: optional(listOf(oneOf(EVENT_REASONS, REASONS), "must be a list of reasons")),
  scope: optional(oneOf(["global", "list"], 'must be "global" or "list"')),
};
const ofSource = table(fields, "must be a table");
const generalFields = {
  ...fields,
  storm_share: optional(share("must be a number from 0 to 1")),
  storm_outcomes: whole,
};
const general = table(generalFields);

/** The settings of a source's table `suppression`, and those of SUPPRESSION. */
export const POLICY_SETTINGS: readonly string[] = Object.keys(fields);
export const SUPPRESSION_SETTINGS: readonly string[] = Object.keys(generalFields);

/**
 * The policies of all sources. `forAll`: the value of SUPPRESSION; `bySource`: each source's `suppression`, or
 * undefined. Reports every mistake.
 */
export function readPolicies(
  forAll: unknown,
  bySource: ReadonlyMap<string, unknown>,
  report: Report,
): Policies {
  const base = policyOf(valueOf(general, forAll, "SUPPRESSION", report), DEFAULT_POLICY);
  const own = new Map<string, SuppressionPolicy>();
  for (const [name, given] of bySource) {
    if (given === undefined) continue;
    own.set(
      name,
      policyOf(valueOf(ofSource, given, `SOURCES.${name}.suppression`, about(report, name)), base),
    );
  }
  const windows = [base, ...own.values()].map(({ softBounceWindowDays }) => softBounceWindowDays);
  return { of: (source) => own.get(source) ?? base, longestWindowDays: Math.max(...windows) };
}

/**
 * The storm policy in SUPPRESSION. It reports no mistakes, because {@link readPolicies} reports those of the same
 * table.
 */
export function readStorm(forAll: unknown): StormPolicy {
  const checked = general(forAll);
  if (!checked.ok) return DEFAULT_STORM;
  const { storm_share, storm_outcomes } = checked.value;
  return {
    share: storm_share ?? DEFAULT_STORM.share,
    outcomes: storm_outcomes ?? DEFAULT_STORM.outcomes,
  };
}

function valueOf<T>(check: Check<T>, given: unknown, setting: string, report: Report): T | null {
  const checked = check(given);
  if (checked.ok) return checked.value;
  for (const { path, message } of checked.issues) report([setting, ...path].join("."), message);
  return null;
}

function policyOf(given: ValueOf<typeof ofSource> | null, base: SuppressionPolicy): SuppressionPolicy {
  return {
    softBounces: given?.soft_bounces ?? base.softBounces,
    softBounceDays: given?.soft_bounce_days ?? base.softBounceDays,
    softBounceWindowDays: given?.soft_bounce_window_days ?? base.softBounceWindowDays,
    reasons: given?.reasons ?? base.reasons,
    scope: given?.scope ?? base.scope,
  };
}

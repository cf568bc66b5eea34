// What suppresses a contact, out of the configuration: [vars.SUPPRESSION] for all sources, and for one source what its own
// table `suppression` says instead. A mistake is reported, and costs its table alone.

import * as z from "zod";
import type { Report } from "./config.ts";
import {
  DEFAULT_POLICY,
  DEFAULT_STORM,
  EVENT_REASONS,
  type Policies,
  type StormPolicy,
  type SuppressionPolicy,
} from "../model/suppression/policy.ts";

const whole = z.int("must be a whole number").min(1, "must be at least 1");
const REASONS = `must be of ${EVENT_REASONS.join(", ")}`;
const fields = {
  soft_bounces: whole.optional(),
  soft_bounce_days: whole.optional(),
  soft_bounce_window_days: whole.optional(),
  reasons: z.array(z.enum(EVENT_REASONS, REASONS), "must be a list of reasons").optional(),
  scope: z.enum(["global", "list"], 'must be "global" or "list"').optional(),
};
const OfSource = z.strictObject(fields, "must be a table");
const SHARE = "must be a number from 0 to 1";
const General = z.strictObject({
  ...fields,
  storm_share: z.number(SHARE).min(0, SHARE).max(1, SHARE).optional(),
  storm_outcomes: whole.optional(),
});

/** The policies of all sources. `general`: SUPPRESSION; `bySource`: each source's `suppression`, undefined for none. */
export function readPolicies(
  general: unknown,
  bySource: ReadonlyMap<string, unknown>,
  report: Report,
): Policies {
  const base = policyOf(checked(General, general, "SUPPRESSION", report), DEFAULT_POLICY);
  const own = new Map<string, SuppressionPolicy>();
  for (const [name, table] of bySource) {
    if (table === undefined) continue;
    own.set(name, policyOf(checked(OfSource, table, `SOURCES.${name}.suppression`, report), base));
  }
  const windows = [base, ...own.values()].map(({ softBounceWindowDays }) => softBounceWindowDays);
  return { of: (source) => own.get(source) ?? base, longestWindowDays: Math.max(...windows) };
}

/** When a destination counts as refusing everybody. Mistakes are those that {@link readPolicies} reports. */
export function readStorm(general: unknown): StormPolicy {
  const table = General.safeParse(general).data ?? {};
  return {
    share: table.storm_share ?? DEFAULT_STORM.share,
    outcomes: table.storm_outcomes ?? DEFAULT_STORM.outcomes,
  };
}

function checked<S extends z.ZodType>(
  schema: S,
  table: unknown,
  setting: string,
  report: Report,
): z.output<S> | null {
  const parsed = schema.safeParse(table);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) report([setting, ...path].join("."), message);
  return null;
}

function policyOf(table: z.output<typeof OfSource> | null, base: SuppressionPolicy): SuppressionPolicy {
  return {
    softBounces: table?.soft_bounces ?? base.softBounces,
    softBounceDays: table?.soft_bounce_days ?? base.softBounceDays,
    softBounceWindowDays: table?.soft_bounce_window_days ?? base.softBounceWindowDays,
    reasons: table?.reasons ?? base.reasons,
    scope: table?.scope ?? base.scope,
  };
}

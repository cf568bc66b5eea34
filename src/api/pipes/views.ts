// What /v1/pipes takes and answers, and how settings of a kind are checked, parted and put together again.

import * as z from "zod";
import { compileFilter } from "../../pipes/filter/filter.ts";
import type { Kind } from "../../pipes/kinds/kind.ts";
import { kinds } from "../../pipes/kinds/index.ts";
import type { PipeHealth } from "../../pipes/state.ts";
import type { PipeRecord } from "../../store/pipes/pipes.ts";
import { instant } from "../kit/parameters.ts";
import { ProblemError, type ParameterError } from "../kit/problem.ts";
import { time } from "../schemas.ts";
import { iso, isoOrNull } from "../views.ts";

const KINDS = Object.keys(kinds);

const name = z
  .string("must be a text")
  .regex(/^[\w.-]{1,64}$/, "must be letters, digits, dots, dashes, at most 64")
  .meta({ examples: ["crm"] });
const kind = z.enum(KINDS, `must be one of ${KINDS.join(", ")}`).meta({ examples: ["webhook"] });
const settings = z.record(z.string(), z.unknown(), "must be an object").meta({
  examples: [{ url: "https://crm.example.com/hooks/mail" }],
  description: "As /v1/pipe-kinds describes them",
});
const filter = z
  .string("must be a text")
  .nullable()
  .superRefine((text, context) => {
    const compiled = text === null ? null : compileFilter(text);
    if (compiled !== null && !compiled.ok) context.addIssue({ code: "custom", message: compiled.reason });
  })
  .meta({
    examples: ['type in ["bounced", "complained"] && source == "mailjet"'],
    description: "An expression (CEL) over the event; null passes everything",
  });
const whole = (from: number, to: number) =>
  z
    .int(`must be a whole number from ${from} to ${to}`)
    .min(from, `must be a whole number from ${from} to ${to}`)
    .max(to, `must be a whole number from ${from} to ${to}`);
const OPTIONS = {
  batch: whole(1, 1_000).describe("Most events in one request; a kind's own limit holds where it is lower"),
  concurrency: whole(1, 16).describe("Requests under way at once"),
  rate: z
    .number("must be a number")
    .min(0.1, "must be from 0.1 to 1000")
    .max(1_000, "must be from 0.1 to 1000")
    .nullable()
    .describe("Requests a second; null for as many as go"),
  ordered: z.boolean("must be true or false").describe("Keep the order of each contact's events"),
  log_share: z
    .number("must be from 0 to 1")
    .min(0, "must be from 0 to 1")
    .max(1, "must be from 0 to 1")
    .describe("The share of successes that the log keeps; failures always are"),
};
const DEFAULTS = { batch: 1_000, concurrency: 4, rate: null, ordered: false, log_share: 0.005 };
const start = z
  .union(
    [
      z.enum(["now", "beginning"]),
      z.strictObject({ time: instant }),
      z.strictObject({ seq: z.int().min(0).describe("Passes on what lies behind this place") }),
    ],
    'must be "now", "beginning", { "time": ... } or { "seq": ... }',
  )
  .default("now")
  .meta({ description: "Where in the stored feed it begins" });

const optional = {
  batch: OPTIONS.batch.optional(),
  concurrency: OPTIONS.concurrency.optional(),
  rate: OPTIONS.rate.optional(),
  ordered: OPTIONS.ordered.optional(),
  log_share: OPTIONS.log_share.optional(),
};
export const NewPipe = z.strictObject({
  name,
  kind,
  settings,
  filter: filter.default(null),
  start,
  ...optional,
});
export const PipeChange = z.strictObject({
  name: name.optional(),
  settings: settings.optional().describe("Those that are named change; null takes one away"),
  filter: filter.optional(),
  ...optional,
});

const circuit = z
  .object({
    verdict: z.string().meta({ examples: ["unavailable"] }),
    reason: z.string().meta({ examples: ["answered 503"] }),
    since: time,
    until: time.describe("When it is tried again"),
  })
  .nullable();
export const Pipe = z
  .object({
    id: z.string(),
    name,
    kind: z.string(),
    settings: settings.describe("Secret ones are not shown: `secrets` names those that are set"),
    secrets: z.array(z.string()),
    filter: z.string().nullable(),
    ...OPTIONS,
    status: z.enum(["running", "failing", "paused"]),
    paused: z.object({ reason: z.string(), since: time }).nullable(),
    created_at: time,
    changed_at: time,
    health: z
      .object({
        position: z.int().describe("Events until this `seq` are done, or stand among the waiting"),
        behind: z.int().describe("Events (by `seq`) that it has not looked at yet"),
        waiting: z.int().describe("Events that failed alone and are tried again"),
        delivered: z.int(),
        filtered: z.int().describe("Those that the filter kept back"),
        given_up: z.int().describe("Those that failed for 75 hours"),
        delivered_at: time.nullable(),
        failed_at: time.nullable(),
        failure: z.string().nullable().describe("Why the last one failed"),
        down: circuit.describe("Why nothing is sent at present"),
        redeliveries: z.int().describe("How many are under way"),
      })
      .nullable(),
  })
  .meta({ id: "Pipe" });

/** The options that were passed, on those that are. */
export function optionsOf(
  passed: z.output<typeof NewPipe> | z.output<typeof PipeChange>,
  present: PipeRecord["options"] = DEFAULTS,
): PipeRecord["options"] {
  const { batch, concurrency, rate, ordered, log_share } = passed;
  return {
    batch: batch ?? present.batch,
    concurrency: concurrency ?? present.concurrency,
    rate: rate === undefined ? present.rate : rate,
    ordered: ordered ?? present.ordered,
    log_share: log_share ?? present.log_share,
  };
}

/** The settings as the kind takes them; a problem that names each wrong one. */
export function checkedSettings(
  { settings: schema }: Kind,
  passed: Record<string, unknown>,
): Record<string, unknown> {
  const checked = schema.safeParse(passed);
  if (checked.success) return checked.data as Record<string, unknown>;
  const errors: ParameterError[] = checked.error.issues.flatMap((issue) => {
    const path = ["settings", ...issue.path].map(String).join(".");
    if (issue.code !== "unrecognized_keys") return [{ parameter: path, reason: issue.message }];
    return issue.keys.map((key) => ({
      parameter: `${path}.${key}`,
      reason: "is not a setting of this kind",
    }));
  });
  const detail = errors.map(({ parameter, reason }) => `${parameter}: ${reason}`).join("; ");
  throw new ProblemError(400, detail, errors);
}

/** The settings that may be shown, and those that are sealed. */
export function splitSecrets({ secrets }: Kind, whole: Record<string, unknown>) {
  const entries = Object.entries(whole).filter(([, value]) => value !== undefined);
  const of = (secret: boolean) =>
    Object.fromEntries(entries.filter(([key]) => secrets.includes(key) === secret));
  return { open: of(false), secret: of(true) };
}

/** The present settings with those that change; null takes one away. */
export function mergeSettings(
  present: Record<string, unknown>,
  change: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...present, ...change }).filter(([, value]) => value !== null));
}

/** `secrets`: names of those that are set; `end`: the feed's last place. */
export function pipeView(
  record: PipeRecord,
  secrets: readonly string[],
  health: PipeHealth | null,
  end: number,
) {
  const { id, name: named, kind: own, settings: open, filter: text, options, paused, paused_at } = record;
  const failing = health !== null && health.down !== null;
  const status: "paused" | "failing" | "running" =
    paused !== null ? "paused" : failing ? "failing" : "running";
  return {
    id,
    name: named,
    kind: own,
    settings: open,
    secrets: [...secrets],
    filter: text,
    ...options,
    status,
    paused: paused === null ? null : { reason: paused, since: iso(paused_at ?? 0) },
    created_at: iso(record.created_at),
    changed_at: iso(record.changed_at),
    health: health === null ? null : healthShape(health, end),
  };
}

function healthShape(health: PipeHealth, end: number) {
  const { place, retries, delivered, filtered, given_up, delivered_at, failed_at, failure, down } = health;
  return {
    position: place.events,
    behind: Math.max(0, end - place.events),
    waiting: retries,
    delivered,
    filtered,
    given_up,
    delivered_at: isoOrNull(delivered_at),
    failed_at: isoOrNull(failed_at),
    failure,
    down:
      down === null
        ? null
        : { verdict: down.verdict, reason: down.reason, since: iso(down.since), until: iso(down.until) },
    redeliveries: health.redeliveries.length,
  };
}

// What /v1/pipes takes and answers.

import * as z from "zod";
import { compileFilter } from "../../pipes/filter/filter.ts";
import { filterWords } from "../../pipes/filter/words.ts";
import { kinds } from "../../pipes/kinds/index.ts";
import type { PipeOptions } from "../../store/pipes/pipes.ts";
import { feedCursor, instant } from "../kit/parameters.ts";
import { time } from "../schemas.ts";

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

/** An expression that compiles. */
export const filterText = z.string("must be a text").superRefine((text, context) => {
  const compiled = compileFilter(text, filterWords(null));
  if (!compiled.ok) context.addIssue({ code: "custom", message: compiled.reason });
});
const filter = filterText.nullable().meta({
  examples: ['type in ["bounced", "complained"] && source == "mailjet"'],
  description:
    "An expression (CEL) over the event; null passes on everything. One that comes out the same for every event, such as " +
    'type == "bounce", is refused; `false` alone passes on nothing',
});

const wholeNumber = (from: number, to: number) =>
  z
    .int(`must be a whole number from ${from} to ${to}`)
    .min(from, `must be a whole number from ${from} to ${to}`)
    .max(to, `must be a whole number from ${from} to ${to}`);

const options = {
  batch: wholeNumber(1, 1_000).describe("Most events in one request, unless the kind's own limit is lower"),
  concurrency: wholeNumber(1, 16).describe("How many requests may be under way at once"),
  rate: z
    .number("must be a number")
    .min(0.1, "must be from 0.1 to 1000")
    .max(1_000, "must be from 0.1 to 1000")
    .nullable()
    .describe("Requests a second; null for no limit"),
  ordered: z
    .boolean("must be true or false")
    .describe("Keep the order of each contact's events; those of different contacts may change places"),
  log_share: z
    .number("must be from 0 to 1")
    .min(0, "must be from 0 to 1")
    .max(1, "must be from 0 to 1")
    .describe("The share of successful requests that the log keeps; failures are always kept"),
} satisfies Record<keyof PipeOptions, z.ZodType>;

const optionalOptions = {
  batch: options.batch.optional(),
  concurrency: options.concurrency.optional(),
  rate: options.rate.optional(),
  ordered: options.ordered.optional(),
  log_share: options.log_share.optional(),
};

/** Older clients pass the `seq` of the last event that they have. */
const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER).meta({
  deprecated: true,
  description:
    "Use `after`. With several databases it is a place in one feed; the others start at the time of that event",
});
const start = z
  .union(
    [
      z.enum(["now", "beginning"]),
      z.strictObject({ time: instant }),
      z.strictObject({ after: feedCursor.describe("A cursor of /v1/events") }),
      z.strictObject({ seq }),
    ],
    'must be "now", "beginning", { "time": ... } or { "after": "<cursor>" }',
  )
  .default("now")
  .meta({
    description: "Where in the feed of events it starts; in the feeds of all databases, if there are several",
  });

/** A pipe to create. */
export const NewPipe = z
  .strictObject({ name, kind, settings, filter: filter.default(null), start, ...optionalOptions })
  .transform(({ batch, concurrency, rate, ordered, log_share, ...pipe }) => ({
    ...pipe,
    options: given({ batch, concurrency, rate, ordered, log_share }),
  }));

/** A change of a pipe. */
export const PipeChange = z
  .strictObject({
    name: name.optional(),
    settings: settings.optional().describe("Those that are named change; null removes one"),
    filter: filter.optional(),
    ...optionalOptions,
  })
  .transform(({ batch, concurrency, rate, ordered, log_share, ...change }) => ({
    ...change,
    options: given({ batch, concurrency, rate, ordered, log_share }),
  }));

/** A preview of a pipe to create, or of a change. */
export const PreviewRequest = z
  .strictObject({
    pipe: z
      .string()
      .optional()
      .describe("Id or name of a pipe, whose settings and filter apply where none are passed"),
    kind: kind.default("webhook"),
    settings: settings.optional(),
    filter: filter.optional(),
    event: z.string().optional().describe("The id of a stored event"),
    sample: z
      .record(z.string(), z.unknown(), "must be an object")
      .optional()
      .meta({
        description: "Fields of an event, as /v1/events shows it",
        examples: [{ type: "bounced", bounce: "hard", contact: "ann@example.com" }],
      }),
  })
  .refine(({ event, sample }) => event === undefined || sample === undefined, {
    path: ["sample"],
    message: "pass event or sample, not both",
  });

/** What a filter lets through of the latest events. */
export const FilterCheck = z
  .object({
    events: z.int().describe("How many of the latest events were looked at, at most 1,000"),
    passed: z.int(),
    failed: z.int().describe("On how many the filter failed; they are not passed on"),
    reason: z.string().nullable().describe("Why it failed on the first of them"),
    summary: z.string().meta({ examples: ["Of the last 1,000 events this lets through 12."] }),
  })
  .describe("What the filter lets through of the latest events");

/** The options that were passed. */
function given(passed: { [K in keyof PipeOptions]: PipeOptions[K] | undefined }): Partial<PipeOptions> {
  return Object.fromEntries(Object.entries(passed).filter(([, value]) => value !== undefined));
}

const openCircuit = z
  .object({
    verdict: z.string().meta({ examples: ["unavailable"] }),
    reason: z.string().meta({ examples: ["answered 503"] }),
    since: time,
    until: time.describe("When it is tried again"),
  })
  .nullable();

const health = z
  .object({
    position: z
      .string()
      .describe("A cursor of /v1/events: all events before it are done, or wait to be tried again"),
    behind: z.int().describe("How many events it has not looked at yet, in the feeds of all databases"),
    waiting: z
      .int()
      .describe("How many events failed alone and wait to be tried again; these hold up no others"),
    delivered: z.int(),
    filtered: z.int().describe("How many events the filter kept back"),
    given_up: z.int().describe("How many events failed for 75 hours"),
    discarded: z
      .int()
      .describe("How many waiting events were let go: by a person, or because the filter was changed"),
    skipped: z
      .int()
      .describe(
        "How many events were of contacts that the destination does not know, or that get a pipe's own mails",
      ),
    delivered_at: time.nullable(),
    failed_at: time.nullable(),
    failure: z.string().nullable().describe("Why the last delivery failed"),
    down: openCircuit.describe("Why nothing is sent at present"),
    redeliveries: z.int().describe("How many redeliveries are under way"),
  })
  .nullable();

/** Secrets that a rotation replaced. */
export const OlderSecrets = z
  .array(z.object({ until: time.nullable().describe("When it ends; null if it was given without an end") }))
  .describe("The signing secrets that were replaced and still sign, the newest first; never their values");

/** A pipe. */
export const Pipe = z
  .object({
    id: z.string(),
    name,
    kind: z.string(),
    settings: settings.describe(
      "Without the secret ones; `secrets` names those that are set. Of a webhook's URL you see the host (`https://host/…`), " +
        "and, with the scope `admin`, the plain words of its path and the names of its parameters. A masked URL that is " +
        "sent back in a change leaves the URL as it is",
    ),
    secrets: z.array(z.string()),
    older_secrets: OlderSecrets,
    filter: z.string().nullable(),
    ...options,
    status: z
      .enum(["running", "failing", "paused"])
      .describe(
        "`failing`: nothing gets through at present. A destination that refuses some events is `running`",
      ),
    condition: z
      .string()
      .describe("The status in a sentence")
      .meta({ examples: ["It passes events on. 3 events wait for another try: answered 422."] }),
    paused: z.object({ reason: z.string(), since: time }).nullable(),
    created_at: time,
    changed_at: time,
    health,
  })
  .meta({ id: "Pipe" });

/** Secrets that Tidings generated. */
export const GeneratedSecrets = z
  .record(z.string(), z.string())
  .describe("Secrets that were generated, shown this once; empty if you passed your own");

/** An event that waits to be tried again. */
export const Waiting = z.object({
  event: z.string(),
  seq: z.int().describe("The event's `seq`"),
  tries: z.int().describe("How often it was tried"),
  due: time.describe("When it is tried next"),
  reason: z.string().describe("Why it failed the last time"),
});

/** What came of a sample. */
export const SampleResult = z.object({
  outcome: z.string().meta({ examples: ["delivered"] }),
  reason: z.string().nullable(),
  at: time,
  attempt: z.string(),
  exchanges: z.array(
    z.object({
      request: z.object({
        method: z.string(),
        url: z.string(),
        headers: z.record(z.string(), z.string()),
        body: z.string(),
      }),
      response: z
        .object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() })
        .nullable(),
      error: z.string().nullable(),
      took: z.int().describe("ms"),
    }),
  ),
});

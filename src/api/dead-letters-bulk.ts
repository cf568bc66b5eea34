// Decisions about many dead letters at once: to send them all through again after a fix, or to discard them.

import * as z from "zod";
import { replayEnvelopes } from "../process/replay.ts";
import { storeOf } from "../store/db.ts";
import {
  countLetters,
  discardLetters,
  matchLetters,
  type LetterFilter,
} from "../store/dead-letter-filter.ts";
import type { ApiEnv } from "./kit/env.ts";
import { instant, word } from "./kit/parameters.ts";
import { ProblemError, wrongParameter } from "./kit/problem.ts";
import { needsSource } from "./kit/reach.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";

const tags = ["Dead letters"];
/** Dead letters of one call. Each replay takes a read, a row and a message. */
const MOST = 200;

const Filter = z.strictObject({
  source: word.optional(),
  reason: word
    .optional()
    .describe("How the reason begins")
    .meta({ examples: ["the element has no address"] }),
  from: instant.optional().meta({ description: "Received at or after this time" }),
  to: instant.optional().meta({ description: "Received before this time" }),
  dry_run: z.boolean("must be true or false").default(false).describe("Only tell which would be concerned"),
  after: z
    .string()
    .regex(/^[\w.-]{1,100}$/, "is not a cursor; pass what `next` held")
    .optional(),
});
type Asked = z.output<typeof Filter>;

const next = z
  .string()
  .nullable()
  .describe(`Pass it as \`after\`, with the same filter, for the next ${MOST}; null once all are done`);

const Matched = {
  dry_run: z.boolean(),
  dead_letters: z.int().describe("How many this call concerned; in a dry run, all that match"),
  reasons: z
    .array(z.object({ source: z.string(), reason: z.string(), count: z.int() }))
    .describe("In a dry run, the most frequent reasons; else empty"),
};

/** The routes of decisions about many dead letters, mounted on /v1/dead-letters. */
export const deadLettersBulk = router();

const replaying = createRoute({
  ...needs("write", "filters"),
  method: "post",
  path: "/replay",
  tags,
  summary: "Send all dead letters that match through again, after a fix",
  description:
    "A replay sends the whole delivery, so dead letters of the same delivery go along. What is stored already stays single. " +
    "Without a filter, all are meant. It may be stopped and repeated at any time.",
  request: { body: { required: true, content: { "application/json": { schema: Filter } } } },
  responses: {
    202: json(
      "What is on its way, or would be",
      z.object({
        ...Matched,
        deliveries: z.int().describe("How many deliveries were sent, or would be"),
        gone: z.int().describe("How many deliveries are gone; their dead letters can only be discarded"),
        next,
      }),
    ),
    ...problems(400),
  },
});

deadLettersBulk.openapi(replaying, async (c) => {
  const asked = c.req.valid("json");
  const filter = filterOf(asked, c.var.token);
  if (asked.dry_run) {
    const { envelopes, ...figures } = await counted(c.env, filter);
    return c.json({ ...figures, deliveries: envelopes, gone: 0, next: null }, 202);
  }
  const letters = await matchLetters(storeOf(c.env), filter, asked.after ?? "", MOST);
  const replayed = await replayEnvelopes(c.env, [...new Set(letters.map(({ envelope }) => envelope))]);
  if (!replayed.ok)
    throw new ProblemError(503, "The queue did not take it; try again with the same `after`.");
  const done = { dry_run: false, dead_letters: letters.length, reasons: [] };
  return c.json({ ...done, ...replayed.value, next: nextOf(letters) }, 202);
});

const discarding = createRoute({
  ...needs("write", "filters"),
  method: "post",
  path: "/discard",
  tags,
  summary: "Discard all dead letters that match",
  description: "Name at least one of `source`, `reason`, `from` and `to`. Try it with `dry_run` first.",
  request: { body: { required: true, content: { "application/json": { schema: Filter } } } },
  responses: {
    200: json("What was discarded, or would be", z.object({ ...Matched, next })),
    ...problems(400),
  },
});

deadLettersBulk.openapi(discarding, async (c) => {
  const asked = c.req.valid("json");
  if ([asked.source, asked.reason, asked.from, asked.to].every((given) => given === undefined)) {
    const reason = "name a source, a reason, from or to: this would discard all dead letters";
    throw wrongParameter("body", reason);
  }
  const filter = filterOf(asked, c.var.token);
  if (asked.dry_run) {
    const { envelopes: _, ...figures } = await counted(c.env, filter);
    return c.json({ ...figures, next: null }, 200);
  }
  const letters = await matchLetters(storeOf(c.env), filter, asked.after ?? "", MOST);
  const discarded = await discardLetters(storeOf(c.env), c.env.BUCKET, letters);
  return c.json({ dry_run: false, dead_letters: discarded, reasons: [], next: nextOf(letters) }, 200);
});

function filterOf({ source, reason, from, to }: Asked, token: ApiEnv["Variables"]["token"]): LetterFilter {
  if (source !== undefined) needsSource(token, source);
  const sources = source === undefined ? token.sources : [source];
  return { sources, reason: reason ?? null, from: from ?? null, to: to ?? null };
}

async function counted(env: Env, filter: LetterFilter) {
  const { letters, envelopes, reasons } = await countLetters(storeOf(env), filter);
  const shown = reasons.map(({ source, reason, n }) => ({ source, reason, count: n }));
  return { dry_run: true, dead_letters: letters, envelopes, reasons: shown };
}

const nextOf = (letters: readonly { id: string }[]): string | null =>
  letters.length < MOST ? null : (letters.at(-1)?.id ?? null);

// The parameters of the routes about suppressions.

import * as z from "zod";
import { SUPPRESSION_REASONS } from "../../model/suppression/policy.ts";
import type { SuppressionCursor } from "../../store/suppressions/list.ts";
import { changedAfter, readChangeCursor } from "../kit/changes.ts";
import { decodeCursor } from "../kit/cursor.ts";
import { readWholeDomain } from "../../model/whole-domain.ts";
import { address, bom, domain, instant, limit, word } from "../kit/parameters.ts";
import { refuse } from "../kit/refuse.ts";
import { several, severalNames, severalOf } from "../kit/several.ts";

/** Most addresses in one check. */
export const MOST_CHECKED = 1_000;

/** A reason of suppressions. */
export const reason = z.enum(SUPPRESSION_REASONS, `must be one of ${SUPPRESSION_REASONS.join(", ")}`);

/** A person's note about a suppression. */
export const note = z
  .string("must be a text")
  .max(500)
  .meta({ examples: ["asked by phone"] });

/** An address, or a whole domain as `@example.com`. Gives its key. */
export const addressOrDomain = z
  .string()
  .meta({ examples: ["ann@example.com", "@example.com"] })
  .transform((text, context) => {
    const domain = readWholeDomain(text);
    if (domain === null) {
      const read = address.safeParse(text);
      if (read.success) return read.data;
      const message = read.error.issues[0]?.message ?? "must be one email address";
      context.addIssue({ code: "custom", message: `${message} (a whole domain is @example.com)` });
      return z.NEVER;
    }
    if (domain.ok) return domain.value;
    context.addIssue({ code: "custom", message: `must be one address or domain; this ${domain.reason}` });
    return z.NEVER;
  });

const SOME_REASONS = `must be of ${SUPPRESSION_REASONS.join(", ")}`;
/** Reasons, as a list or as a text with commas. */
export const someReasons = z
  .union([z.string(), z.array(z.string())], SOME_REASONS)
  .transform((given) => (Array.isArray(given) ? given : given.split(",").map((one) => one.trim())))
  .pipe(z.array(z.enum(SUPPRESSION_REASONS, SOME_REASONS)).min(1, "must not be empty"));

/** When a suppression is to end. Gives ms. */
const expiresAt = instant
  .refine((at) => at > Date.now(), "must be in the future")
  .nullable()
  .describe("When it ends by itself; null takes an end away");

/** A list or stream, or `global` for all mail. Gives the model's notation, in which '' stands for all mail. */
export const scope = z
  .string("must be a text")
  .max(300)
  .regex(
    /^(global|[a-z0-9]+:\S(.*\S)?)$/,
    'must be "global" or a list as <provider>:<list>, such as mailjet:12',
  )
  .meta({ examples: ["mailjet:12"] })
  .transform((text) => (text === "global" ? "" : text));

const Cursor = z.tuple([z.int(), z.string(), z.string(), z.string(), z.string()]);
const NO_CURSOR = "is not a cursor; pass what `next` held, and the other parameters as before";

/** Of GET /v1/suppressions. Gives the cursor, the limit and the store's filter. */
export const SuppressionsQuery = z
  .strictObject({
    after: z.string().optional(),
    changed_after: changedAfter.optional(),
    limit,
    bom,
    reason: several(SUPPRESSION_REASONS),
    source: severalOf(word),
    scope: severalNames(scope, { examples: ["mailjet:12"] }),
    destination: severalOf(word, { examples: ["gmail"] }),
    domain: severalOf(domain, {
      description: "Domains: their own entries and those of their addresses.",
      examples: ["example.com"],
    }),
    import: word.optional().describe("What the import with this id entered"),
    since: instant
      .optional()
      .meta({ description: "When the evidence happened, not when it was stored: see `changed_after`" }),
    until: instant.optional().meta({ description: "Of the evidence, exclusive" }),
    held: z.literal("true", 'must be "true"').optional().meta({ description: "Only those that are held" }),
    include: z
      .literal("lifted", 'must be "lifted"')
      .optional()
      .meta({ description: "Also those that are lifted or held" }),
  })
  .refine(({ held, include }) => held === undefined || include === undefined, {
    path: ["held"],
    message: "pass held or include, not both",
  })
  .transform(
    (
      { after, changed_after: changed, limit: most, bom: _, held, include, since, until, ...filter },
      context,
    ) => {
      if (changed !== undefined) {
        const other = Object.entries({ held, include, since, until, import: filter.import }).find(
          ([, value]) => value !== undefined,
        );
        if (other !== undefined)
          return refuse(context, other[0], "cannot be combined with changed_after, which tells of all");
        const change = after === undefined ? changed : readChangeCursor(after);
        return change === null
          ? refuse(context, "after", NO_CURSOR)
          : { changed: change, limit: most, filter };
      }
      const place: SuppressionCursor | undefined | null =
        after === undefined ? undefined : decodeCursor(Cursor, after);
      if (place === null) return refuse(context, "after", NO_CURSOR);
      return {
        after: place,
        limit: most,
        filter: { ...filter, since, until, state: stateOf(held, include), now: Date.now() },
      };
    },
  );

function stateOf(held: string | undefined, include: string | undefined): "held" | "all" | "in_force" {
  if (held !== undefined) return "held";
  return include === undefined ? "in_force" : "all";
}

/** The body of PUT /v1/suppressions/{address}. */
export const Suppressing = z.strictObject({
  reason: reason.optional().describe("`manual` by default"),
  note: note.nullable().optional().describe("null takes the note away"),
  expires_at: expiresAt.optional(),
  scope: scope.optional(),
  force: z
    .boolean("must be true or false")
    .optional()
    .describe("Needed to suppress the whole domain of a mailbox provider such as gmail.com"),
});

/** Of DELETE /v1/suppressions/{address}: which suppressions to lift, and why. */
export const LiftQuery = z.strictObject({
  reason: reason.optional(),
  scope: scope.optional(),
  note: note.optional(),
});

/** The body of POST /v1/suppressions/check. */
export const Checking = z.strictObject({
  addresses: z
    .array(z.string("must be a text").max(1_000), "must be a list of addresses")
    .min(1, "must not be empty")
    .max(MOST_CHECKED)
    .meta({ examples: [["ann@example.com", "Bob@Example.com"]] }),
  scope: scope.optional(),
  reasons: someReasons.optional().describe("Only these reasons count; all by default"),
});

/** The query of POST /v1/suppressions/check. */
export const CheckingQuery = z.strictObject({
  reasons: someReasons.optional().describe("As in the body, with commas"),
  partial: z
    .enum(["true", "false"], 'must be "true" or "false"')
    .default("false")
    .transform((text) => text === "true")
    .meta({ type: "boolean", description: "Answer about the other addresses if a database does not answer" }),
});

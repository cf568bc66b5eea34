// The parameters of an import: what the list does not say itself, and which part of it to read.

import * as z from "zod";
import { note, reason, scope } from "../parameters.ts";
import { MOST_ROWS } from "./work.ts";

const count = (least: number, most: number, about: string) =>
  z
    .string()
    .regex(/^\d{1,7}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be a whole number from ${least} to ${most}`)
    .meta({ type: "integer", minimum: least, maximum: most, description: about });

/** The id of an import, as answers have it. */
const importId = z
  .string()
  .regex(/^[\da-z]{10,40}$/, "is no id of an import; pass what `import` of the first answer held")
  .meta({ description: "The id from the answer to the first part, so that all parts are one import" });

/** Of POST /v1/suppressions/import. */
export const ImportQuery = z.strictObject({
  reason: reason
    .optional()
    .meta({ description: "Why the addresses are on the list. For rows that do not say it themselves" }),
  scope: scope.optional().meta({ description: "For rows without a scope; all mail if this is left out" }),
  note: note.optional().meta({ description: "For rows without a note" }),
  dates: z
    .enum(["mdy", "dmy"], 'must be "mdy" or "dmy"')
    .optional()
    .meta({ description: "Whether dates such as 03/04/2026 have the month or the day first" }),
  columns: z
    .string()
    .max(1_000, "is longer than 1,000 characters")
    .transform((text) => text.split(",").map((name) => name.trim()))
    .optional()
    .meta({
      description: "Names of the columns, with commas, for CSV without a header line",
      examples: ["address,reason,since"],
    }),
  dry_run: z
    .enum(["true", "false"], 'must be "true" or "false"')
    .transform((text) => text === "true")
    .optional()
    .meta({ description: "Answer what would happen, and change nothing" }),
  offset: count(0, 9_999_999, "Rows of the body to pass over: `next.offset` of the last answer").optional(),
  limit: count(1, MOST_ROWS, `Most rows of this request. Default: ${MOST_ROWS}`).optional(),
  import: importId.optional(),
});

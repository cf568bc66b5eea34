// /v1/suppressions/import: takes a list from elsewhere. An export of the list of suppressions (CSV or NDJSON) can be
// imported here with its reasons, times and notes. Importing a list twice has the same effect as importing it once.

import * as z from "zod";
import { json, needs, problems } from "../kit/responses.ts";
import { readRows } from "./import-rows.ts";
import { newCommandId } from "../../contact/send-commands.ts";
import { importSuppressions } from "../../contact/suppress.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router, whole } from "../kit/routes.ts";

const MOST_ROWS = 5_000;

const Imported = z
  .object({
    import: z.string().describe("The id of this import, by which `lift` finds what it entered"),
    rows: z.int(),
    added: z
      .int()
      .describe("Suppressions that are in force now and were not before, or not from such an early time"),
    unchanged: z.int().describe("Rows that were in force already, or were lifted after their time"),
    skipped: z.int().describe("Rows of an export that are lifted or held there"),
    rejected: z.int(),
    rejects: z.array(
      z.object({ line: z.int().describe("The header of a CSV is line 1"), reason: z.string() }),
    ),
    estimated: z
      .array(z.object({ line: z.int(), reason: z.string() }))
      .describe("Rows that apply from now, because their `since` cannot be read or is more than a day ahead"),
  })
  .meta({ id: "ImportedSuppressions" });

const FIELDS =
  "`address` (or `contact`, `email`), and optionally `reason`, `note`, `since`, `scope`, `expires_at`";
const importing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/import",
  tags: ["Suppressions"],
  summary: "Import suppressions: CSV with a header, JSON or NDJSON",
  description:
    `Up to ${MOST_ROWS} rows of ${FIELDS}; other fields are ignored. Without a reason a row is \`manual\`, without ` +
    "`since` it applies from now. After a 503 a part may have been imported: send the list again.",
  request: {
    body: {
      required: true,
      content: {
        "text/csv": {
          schema: {
            type: "string",
            examples: ["address,reason,note\nann@example.com,unsubscribed,old list\n"],
          },
        },
        "application/json": { schema: { type: "array", items: { type: "object" } } },
        "application/x-ndjson": { schema: { type: "string" } },
      },
    },
  },
  responses: {
    200: json("How many rows were imported, and which were rejected", Imported),
    ...problems(400, 413),
  },
});

/** The route of /v1/suppressions/import. */
export const suppressionImport = router();

suppressionImport.openapi(importing, async (c) => {
  const now = Date.now();
  const read = readRows(
    c.req.header("content-type") ?? "",
    new Uint8Array(await whole(c.req.arrayBuffer())),
    now,
    MOST_ROWS,
  );
  if (!read.ok && read.reason === "too many")
    throw new ProblemError(413, `There are more than ${MOST_ROWS} rows; send them in parts.`);
  if (!read.ok)
    throw new ProblemError(400, `body: ${read.reason}`, [{ parameter: "body", reason: read.reason }]);
  const { rows, rejects, estimated, skipped } = read.value;
  const id = newCommandId();
  const added = await importSuppressions(c.env, rows, c.var.token.name, id);
  const counts = {
    rows: rows.length + rejects.length + skipped,
    added,
    unchanged: rows.length - added,
    skipped,
  };
  return c.json({ import: id, ...counts, rejected: rejects.length, rejects, estimated }, 200);
});

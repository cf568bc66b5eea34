// /v1/suppressions/import: a list from elsewhere. What the list of suppressions gives as CSV or NDJSON can come in here again,
// reasons, times and notes as they were; importing twice is importing once.

import * as z from "zod";
import { json, needs, problems } from "../kit/responses.ts";
import { readRows } from "./import-rows.ts";
import { importSuppressions } from "../../contact/suppress.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router, whole } from "../kit/routes.ts";

const MOST_ROWS = 5_000;

const Imported = z
  .object({
    rows: z.int(),
    added: z.int().describe("Suppressions that are in force now and were not, or not for that long"),
    unchanged: z.int().describe("Rows that were in force already, or were lifted since"),
    skipped: z.int().describe("Rows of an export that were lifted or held there"),
    rejected: z.int(),
    rejects: z.array(
      z.object({ line: z.int().describe("The header of a CSV is line 1"), reason: z.string() }),
    ),
  })
  .meta({ id: "ImportedSuppressions" });

const FIELDS =
  "`address` (or `contact`, `email`), and where there are any `reason`, `note`, `since`, `scope`";
const importing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/import",
  tags: ["Suppressions"],
  summary: "Import suppressions: CSV with a header, JSON or NDJSON",
  description:
    `Up to ${MOST_ROWS} rows of ${FIELDS}; other fields are passed over. Without a reason a row is \`manual\`, without ` +
    "`since` it counts from now. A 503 may leave a part of it done: send it again.",
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
  responses: { 200: json("What became of the rows", Imported), ...problems(400, 413, 503) },
});

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
  const { rows, rejects, skipped } = read.value;
  const added = await importSuppressions(c.env, rows, c.var.token.name);
  const counts = {
    rows: rows.length + rejects.length + skipped,
    added,
    unchanged: rows.length - added,
    skipped,
  };
  return c.json({ ...counts, rejected: rejects.length, rejects }, 200);
});

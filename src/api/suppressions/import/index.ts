// /v1/suppressions/import: takes a list from elsewhere as it is, in CSV, JSON or NDJSON, from any provider or from Tidings
// itself. The answer tells how the list was read, so that nothing of it is misread or passed over silently. Importing a
// list twice has the same effect as importing it once.

import * as z from "zod";
import { newCommandId } from "../../../contact/send-commands.ts";
import { SUPPRESSION_REASONS } from "../../../model/suppression/policy.ts";
import { wrongParameter } from "../../kit/problem.ts";
import { json, needs, problems } from "../../kit/responses.ts";
import { createRoute, router, whole } from "../../kit/routes.ts";
import { readList, type ReadList } from "./body.ts";
import { plainName, roleOf } from "./columns.ts";
import { ImportQuery } from "./parameters.ts";
import { importPart, MOST_NAMED, MOST_ROWS, type Part } from "./work.ts";

const named = (about: string) =>
  z
    .array(
      z.object({
        line: z
          .int()
          .describe("Of CSV and NDJSON the line of the body, of JSON the place in the list; from 1"),
        reason: z.string(),
      }),
    )
    .describe(`${about}. At most ${MOST_NAMED}`);

const Imported = z
  .object({
    import: z.string().describe("The id of this import. Pass it with the next part"),
    dry_run: z.boolean().describe("Whether this only says what would happen"),
    rows: z.int().describe("Rows of this part"),
    total: z.int().describe("Rows of the body"),
    added: z.int().describe("Suppressions that are new"),
    changed: z.int().describe("Suppressions that are in force since an earlier time than before"),
    unchanged: z.int().describe("Rows that were in force already, or were lifted after their time"),
    skipped: z.int().describe("Rows that are not in force in the list that they come from, or are blocks"),
    rejected: z.int().describe("Rows that name no address, or no reason that is known"),
    reasons: z
      .partialRecord(z.enum(SUPPRESSION_REASONS), z.int())
      .describe("Rows that were taken, by reason"),
    rejects: named("The rejected rows"),
    skips: named("The skipped rows"),
    estimated: named(
      "Rows that apply from now, because their time cannot be read or is more than a day ahead",
    ),
    warnings: z.array(z.string()).describe("What may have been meant otherwise"),
    format: z.object({
      type: z.enum(["csv", "json", "ndjson"]),
      encoding: z.string(),
      delimiter: z.string().nullable().describe("Of CSV; else null"),
      header: z.boolean().nullable().describe("Whether CSV names its columns; else null"),
    }),
    columns: z
      .array(z.object({ name: z.string(), read_as: z.string().nullable() }))
      .describe("What each column was read as; null if it was passed over"),
    next: z
      .object({ offset: z.int(), line: z.int() })
      .nullable()
      .describe("Where the rest begins. Send the same body again with this `offset`; null at the end"),
  })
  .meta({ id: "ImportedSuppressions" });

const importing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/import",
  tags: ["Suppressions"],
  summary: "Import suppressions: a provider's export as it is, or CSV, JSON or NDJSON of your own",
  description:
    "The columns are found by their names, as providers and people write them: an address, and optionally a reason, a time, " +
    `a note, a scope. A request takes up to ${MOST_ROWS} rows or 20 seconds; if \`next\` is not null, send the same body ` +
    "again with that `offset`. A row that names no reason gets that of `reason`, else `manual`; without a time it " +
    "applies from now. After a 503 a part may have been imported: send it again.",
  request: {
    query: ImportQuery,
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
    200: json("How the list was read, and what became of its rows", Imported),
    ...problems(400, 413),
  },
});

/** The route of /v1/suppressions/import. */
export const suppressionImport = router();

suppressionImport.openapi(importing, async (c) => {
  const query = c.req.valid("query");
  const { dry_run: isDry = false, offset = 0, limit = MOST_ROWS, import: id = newCommandId() } = query;
  const body = new Uint8Array(await whole(c.req.arrayBuffer()));
  const list = readList(c.req.header("content-type") ?? "", body, query.columns ?? null);
  if (!list.ok) throw wrongParameter("body", list.reason);
  if (offset > list.value.total) {
    const reason = `is beyond the ${list.value.total} rows of the body`;
    throw wrongParameter("offset", reason);
  }
  const now = Date.now();
  const given = {
    reason: query.reason ?? null,
    scope: query.scope ?? "",
    note: query.note ?? null,
    dates: query.dates ?? null,
    now,
  };
  const about = { id, by: c.var.token.name, now, isDry };
  const part = await importPart(c.env, list.value, given, { offset, limit }, about);
  const { unsaid, ...counts } = part;
  const { total, type, encoding, delimiter, header } = list.value;
  return c.json(
    {
      import: id,
      dry_run: isDry,
      total,
      ...counts,
      warnings: warningsOf(list.value, unsaid, given.reason),
      format: { type, encoding, delimiter, header },
      columns: list.value.columns
        .slice(0, MOST_NAMED)
        .map((name) => ({ name: name.slice(0, 100), read_as: roleOf(plainName(name)) })),
    },
    200,
  );
});

function warningsOf(
  { encoding, columns }: ReadList,
  unsaid: Part["unsaid"],
  reason: string | null,
): string[] {
  const warnings: string[] = [];
  if (unsaid.nobody > 0)
    warnings.push(
      `${unsaid.nobody} rows do not say why they are on the list and are "manual"; pass reason= if they are something else`,
    );
  if (reason !== null && unsaid.row > 0)
    warnings.push(
      `${unsaid.row} rows say themselves why they are on the list, so reason=${reason} does not apply to them`,
    );
  if (encoding === "windows-1252") warnings.push("the text is not UTF-8 and was read as windows-1252");
  if (
    unsaid.row + unsaid.caller + unsaid.nobody > 0 &&
    columns.length > 0 &&
    !columns.some((name) => roleOf(plainName(name)) === "since")
  )
    warnings.push("no column has a time, so the rows apply from now");
  return warnings;
}

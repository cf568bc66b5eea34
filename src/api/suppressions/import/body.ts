// Reads a body into rows, whatever it is written in. It is read twice: first to the end, so that a body that breaks off
// or is no list is refused before anything of it is imported, and then as far as one request goes.

import { CsvError } from "../../../lib/csv/read.ts";
import { piecesOf } from "../../../lib/encoding.ts";
import { fail, ok, type Result } from "../../../lib/result.ts";
import { readCsv } from "./csv.ts";
import { formOf, type BodyForm } from "./form.ts";
import { readJson, readLines, type Rows } from "./json.ts";

/** A list that was read. `delimiter`, `header`: null unless it is CSV; `total`: its rows. */
export interface ReadList extends BodyForm, Rows {
  delimiter: string | null;
  header: boolean | null;
  total: number;
}

/** `columns`: names for a list without a header. Fails with what is wrong with the body. */
export function readList(
  contentType: string,
  body: Uint8Array,
  columns: readonly string[] | null,
): Result<ReadList> {
  const form = formOf(contentType, body);
  if (!form.ok) return form;
  try {
    const rows = rowsOf(form.value, body, columns);
    if (!rows.ok) return rows;
    let total = 0;
    for (const _ of rows.value.rows()) total += 1;
    return ok({ delimiter: null, header: null, ...form.value, ...rows.value, total });
  } catch (error) {
    if (error instanceof CsvError)
      return fail(`is not CSV: the record at line ${error.line} ${error.message}`);
    throw error;
  }
}

function rowsOf(
  { type, encoding }: BodyForm,
  body: Uint8Array,
  columns: readonly string[] | null,
): Result<Rows> {
  const pieces = (): Iterable<string> => piecesOf(body, encoding);
  switch (type) {
    case "csv":
      return readCsv(pieces, columns);
    case "json":
      return readJson([...pieces()].join(""));
    case "ndjson":
      return ok(readLines(pieces));
  }
}

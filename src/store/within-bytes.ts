// A page of rows is bounded by bytes, not only by their number: one event may hold fifty times as much as another, D1
// takes no result beyond 50 MB, and an isolate has 128 MB. The keys and sizes of the rows are read first, in the same
// statement, and of the rows themselves only those that fit.

/** Most bytes of rows in one page. Their text may be twice as long on its way, and what is made of it as large again. */
export const MOST_BYTES = 4_000_000;

/** SQL for about how many bytes an event's row takes. */
export const sizeOfEvent = (events: string): string =>
  `500 + octet_length(${events}.contact) + ${events}.details_size + ${[
    "message_id",
    "campaign",
    "custom_id",
    "tags",
  ]
    .map((column) => `coalesce(octet_length(${events}.${column}), 0)`)
    .join(" + ")}`;

/** A row with its size, which the queries below select. */
export interface SizedRow {
  size: number;
}

/**
 * The query for the rows of `table` whose ids are in `keys`, as many as fit; at least one, if there is any.
 *
 * - `keys`: a query with the columns `key` (unique, and by which the page is in order), `id` and `size`.
 * - `columns`: those of the table to select.
 * - `bytes`: how many fit, if not {@link MOST_BYTES}.
 */
export function withinBytes(
  table: string,
  {
    keys,
    columns,
    order,
    bytes = MOST_BYTES,
  }: { keys: string; columns: string; order: "asc" | "desc"; bytes?: number },
): string {
  return `
    WITH k AS MATERIALIZED (${keys}),
    page AS MATERIALIZED (
      SELECT key, own, size FROM (
        SELECT key, id AS own, size, sum(size) OVER (ORDER BY key ${order} ROWS UNBOUNDED PRECEDING) - size AS before FROM k)
      WHERE before < ${bytes})
    SELECT ${columns}, page.size FROM page CROSS JOIN ${table} ON ${table}.id = page.own ORDER BY page.key ${order}`;
}

/** Whether a page was cut off for its bytes, so that there may be more rows. */
export function isCut(rows: readonly SizedRow[], bytes = MOST_BYTES): boolean {
  return rows.reduce((sum, { size }) => sum + size, 0) >= bytes;
}

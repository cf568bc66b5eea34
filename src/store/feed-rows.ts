// The order of storage. An event is one row, clustered by its id. Which events were stored after which is told by the
// table `feed`: each row holds the ids of up to a thousand events that one transaction stored from one archive object,
// in order of seq. So the order costs one row for each transaction, where an index would cost one for each event.
//
// An event's row knows its own seq, and the feed names an event only there. Events leave the feed in the transaction that
// deletes them, because an id tells which contact it belongs to.

/** SQL for the feed's last seq; 0 before the first event. It never falls: the feed's last row always stays. */
export const FEED_END =
  "coalesce((SELECT first_seq + n - 1 FROM feed WHERE first_seq = (SELECT max(first_seq) FROM feed)), 0)";

/** A stretch of the feed, as SQL: behind the seq `after`, up to and including `last`. */
export interface FeedStretch {
  after: string;
  /** The feed's end if left out. */
  last?: string;
}

/** SQL for the key of the feed's row to which a seq belongs; NULL before the first row. */
export const feedRowOf = (seq: string): string =>
  `(SELECT max(o.first_seq) FROM feed AS o WHERE o.first_seq <= ${seq})`;

/** The names in a row `f` of the feed, `i`, in an order, and the seq of each. */
const NAMES = {
  asc: { table: "json_each(f.ids)", seq: "f.first_seq + i.key" },
  desc: {
    table: "json_each((SELECT json_group_array(value ORDER BY key DESC) FROM json_each(f.ids)))",
    seq: "f.first_seq + json_array_length(f.ids) - 1 - i.key",
  },
} as const;

/** SQL that joins the events `e` that a row `f` of the feed names. `which`: makes the condition on their seq. */
export function eventsNamedBy(which: (seq: string) => string, order: "asc" | "desc" = "asc"): string {
  const { table, seq } = NAMES[order];
  return `CROSS JOIN ${table} AS i ON ${which(seq)} CROSS JOIN events AS e ON e.id = i.value AND e.seq = ${seq}`;
}

/**
 * SQL from FROM to WHERE for the events `e` of a stretch, and the rows `f` of the feed that name them. More conditions may
 * follow, and {@link inFeedOrder} of the same order.
 */
export function walkFeedRows({ after, last = FEED_END }: FeedStretch, order: "asc" | "desc" = "asc"): string {
  return `FROM feed AS f ${eventsNamedBy((seq) => `${seq} > ${after} AND ${seq} <= ${last}`, order)}
    WHERE f.first_seq >= coalesce(${feedRowOf(`${after} + 1`)}, 0) AND f.first_seq <= ${last}`;
}

/**
 * The order of the events in {@link walkFeedRows}. Within a row of the feed, json_each tells the names in their order, so
 * that a query with a LIMIT looks up no event beyond it; with `i.key` here, SQLite would look up all of the row and sort.
 */
export const inFeedOrder = (order: "asc" | "desc"): string => `ORDER BY f.first_seq ${order}`;

/** SQL for the events of a stretch as a table. */
export const eventsWithin = (stretch: FeedStretch): string => `(SELECT e.* ${walkFeedRows(stretch)})`;

/** SQL for the events with the seqs in the JSON array `seqs`, as a table. */
export const eventsWithSeqs = (seqs: string): string => `(
  SELECT e.* FROM (SELECT DISTINCT ${feedRowOf("s.value")} AS first FROM json_each(${seqs}) AS s) AS g
  CROSS JOIN feed AS f ON f.first_seq = g.first
  ${eventsNamedBy((seq) => `${seq} IN (SELECT value FROM json_each(${seqs}))`)})`;

/** SQL for the archive object of the event in `e`. */
export const batchOf = (e: string): string =>
  `(SELECT b.batch FROM feed AS b WHERE b.first_seq = ${feedRowOf(`${e}.seq`)})`;

/** The statement that takes events out of the feed, before their rows are deleted. `doomed`: a query for `id` and `seq`. */
export const leaveFeed = (doomed: string): string => `
  UPDATE feed SET ids = (
    SELECT json_group_array(iif(i.value IN (SELECT id FROM (${doomed})), NULL, i.value) ORDER BY i.key)
    FROM json_each(feed.ids) AS i)
  WHERE first_seq IN (SELECT ${feedRowOf("d.seq")} FROM (${doomed}) AS d)`;

/** The statement that renames events in the feed, before their rows are. ?1: JSON rows of the old id and the new one. */
export const RENAME_IN_FEED = `
  WITH v AS MATERIALIZED (SELECT value->>0 AS old_id, value->>1 AS new_id FROM json_each(?1))
  UPDATE feed SET ids = (
    SELECT json_group_array(coalesce(v.new_id, i.value) ORDER BY i.key)
    FROM json_each(feed.ids) AS i LEFT JOIN v ON v.old_id = i.value)
  WHERE first_seq IN (SELECT ${feedRowOf("e.seq")} FROM v CROSS JOIN events AS e ON e.id = v.old_id)`;

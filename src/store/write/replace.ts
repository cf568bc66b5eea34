// Stores the result of renormalising history: rows are changed in place or deleted, and all counters follow, in one
// transaction. Storing the same replacements again changes nothing.

import { contactPrefix } from "../../model/event-id.ts";
import type { StoredRow } from "../events/by-archive-object.ts";
import { countCampaigns, countTags, countTime, countUp, OF_DAY, UNIQUES_OF } from "./counters.ts";
import { leaveFeed, RENAME_IN_FEED } from "../feed-rows.ts";
import { COUNT_REST } from "./counting.ts";
import { endedMessages } from "./ended-messages.ts";
import { DISTURB_RECOUNT } from "../stats/recount.ts";
import { beginsWith } from "../prefix-range.ts";
import { detailsCodec, storedValue, type DetailsCodec } from "../events/details.ts";
import { INSERT_KINDS, isKind, kindRow, kindsOf } from "./event-kinds.ts";
import { DROP_FIRSTS } from "./firsts.ts";
import type { EventRow } from "./rows.ts";
import { DAY } from "../../lib/time.ts";
import { FIVE_MINUTES } from "../../model/stats/counts.ts";

/** A row as it is and as it should be. */
export interface Replacement {
  before: StoredRow;
  /** Null if the row is to be deleted. */
  after: EventRow | null;
  /** Its new id, which no row has; left out if it keeps its own. */
  id?: string;
}

const CONCERNED = "id IN (SELECT value FROM json_each(?1))";
const CONCERNED_EVENTS = `(SELECT * FROM events WHERE ${CONCERNED})`;

/** ?1: JSON rows of {@link toValues}; their kinds exist. */
const UPDATE = `
  UPDATE event_rows AS e SET id = v.new_id, contact = v.contact, at = v.at, kind = v.kind, message_id = v.message_id,
    campaign = v.campaign, custom_id = v.custom_id, tags = v.tags, details = ${storedValue("v.details")}
  FROM (SELECT r.value->>0 AS id, r.value->>1 AS new_id, r.value->>2 AS contact, r.value->>3 AS at, k.kind,
    ${textsOf(5)}
    FROM json_each(?1) AS r CROSS JOIN event_kinds AS k ON ${isKind("k", "(r.value->4)")}) AS v
  WHERE e.id = v.id`;

/** Only the texts, and only of rows that are still as they were read: another run may have changed them since. */
const UPDATE_TEXTS = `
  UPDATE event_rows AS e SET message_id = v.message_id, campaign = v.campaign, custom_id = v.custom_id, tags = v.tags,
    details = ${storedValue("v.details")}
  FROM (SELECT r.value->>0 AS id, ${textsOf(1)}, ${textsOf(6, "old_")} FROM json_each(?1) AS r) AS v
  WHERE e.id = v.id AND e.message_id IS v.old_message_id AND e.campaign IS v.old_campaign
    AND e.custom_id IS v.old_custom_id AND e.tags IS v.old_tags AND e.details IS ${storedValue("v.old_details")}`;

/** SQL for an event's texts in a JSON row `r`, from this place on. */
function textsOf(from: number, prefix = ""): string {
  return ["message_id", "campaign", "custom_id", "tags", "details"]
    .map((column, i) => `r.value->>${from + i} AS ${prefix}${column}`)
    .join(", ");
}

const LEAVE_FEED = leaveFeed(`SELECT id, seq FROM ${CONCERNED_EVENTS}`);
const DELETE = `DELETE FROM event_rows WHERE ${CONCERNED}`;

const UNCOUNT_SOURCES = `
  UPDATE sources SET events = events - v.n FROM (
    SELECT source, count(*) AS n FROM events WHERE ${CONCERNED} GROUP BY 1) AS v
  WHERE sources.source = v.source`;

// ?1: JSON rows of a message's id, and the prefix of its contact's ids.
const MAILS = "SELECT value->>0, value->>1 FROM json_each(?1)";
const PREFIXES = "(SELECT DISTINCT value->>1 AS prefix FROM json_each(?1))";

/** As when storing, a message's custom id is that of its first stored event. */
const RENEW_MESSAGES = `
  INSERT INTO message_rows (message_id, prefix, kind, custom_id)
  SELECT message_id, prefix, kind, custom_id FROM (
    SELECT e.message_id, who.prefix, e.kind, e.custom_id, min(e.seq)
    FROM ${PREFIXES} AS who CROSS JOIN event_rows AS e ON ${beginsWith("e.id", "who.prefix")}
    WHERE (e.message_id, who.prefix) IN (${MAILS}) GROUP BY e.message_id, who.prefix)
  WHERE true
  ON CONFLICT DO UPDATE SET custom_id = excluded.custom_id WHERE custom_id IS NOT excluded.custom_id`;

const DELETE_MESSAGES = `
  DELETE FROM message_rows WHERE (message_id, prefix) IN (${endedMessages(MAILS, PREFIXES, "true")})`;

/** Deletes cells whose counts are all 0, unless they note deleted rows (`gone`). ?1: JSON rows of the cells' keys. */
const EMPTY: Readonly<Record<string, string>> = {
  rollups: `DELETE FROM rollups WHERE n = 0 AND gone = 0 AND (bucket, source, type, bounce, machine, destination) IN
    (SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?1))`,
  day_rollups: `DELETE FROM day_rollups WHERE n = 0 AND gone = 0 AND (day, source, type, bounce, machine, destination) IN
    (SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?1))`,
  campaign_rollups: `DELETE FROM campaign_rollups WHERE n = 0 AND gone = 0 AND uniques = 0 AND unique_humans = 0
    AND (day, campaign, source, type, bounce, machine) IN
    (SELECT value->>0, value->>5, value->>1, value->>2, value->>3, value->>4 FROM json_each(?1))`,
  tag_rollups: `DELETE FROM tag_rollups WHERE n = 0 AND gone = 0 AND (day, tag, source, type, bounce, machine) IN
    (SELECT value->>0, value->>5, value->>1, value->>2, value->>3, value->>4 FROM json_each(?1))`,
};

/** Statements that run in the transaction of the replacements, such as those that count what it deletes. */
export interface Alongside {
  /** Directly after the statement that deletes events; it runs if any replacement deletes one. */
  afterEvents: readonly D1PreparedStatement[];
  /** Directly after the statement that deletes messages; it runs if any event had a message. */
  afterMessages: readonly D1PreparedStatement[];
  /** After all others. */
  last: readonly D1PreparedStatement[];
}
const NOTHING: Alongside = { afterEvents: [], afterMessages: [], last: [] };

/**
 * Stores the replacements, all of them or none. `changes`: `texts` if only message id, campaign and details differ; then
 * rows that changed since they were read stay as they are, and a recount under way begins again.
 */
export async function storeReplacements(
  db: D1Database,
  replacements: readonly Replacement[],
  changes: "all" | "texts" = "all",
  alongside: Alongside = NOTHING,
): Promise<void> {
  if (replacements.length === 0) return;
  const codec = await detailsCodec();
  const statements: D1PreparedStatement[] = [];
  const add = (sql: string, value: unknown): void =>
    void statements.push(db.prepare(sql).bind(JSON.stringify(value)));
  const kept = replacements.flatMap(({ before, after, id = before.id }) =>
    after === null ? [] : [{ before, after, id }],
  );
  const gone = replacements.flatMap(({ before, after }) => (after === null ? [before.id] : []));
  const ids = replacements.map(({ before }) => before.id);
  const keptIds = kept.map(({ id }) => id);
  const groups = groupsOf(replacements);
  const renamed = kept.flatMap(({ before, id }) => (id === before.id ? [] : [[before.id, id]]));
  statements.push(...COUNT_REST.map((sql) => db.prepare(sql)));
  add(UNIQUES_OF.minus, groups);
  add(DROP_FIRSTS, groups);
  for (const sql of counting(-1)) add(sql, ids);
  if (gone.length > 0) add(UNCOUNT_SOURCES, gone);
  if (changes === "texts") {
    add(
      UPDATE_TEXTS,
      replacements.map((one) => toTexts(one, codec)),
    );
    statements.push(...DISTURB_RECOUNT.map((sql) => db.prepare(sql)));
  } else if (kept.length > 0) {
    if (renamed.length > 0) add(RENAME_IN_FEED, renamed);
    statements.push(db.prepare(INSERT_KINDS).bind(kindsOf(kept.map(ofItsSource)).json));
    add(
      UPDATE,
      kept.map((one) => toValues(one, codec)),
    );
  }
  if (gone.length > 0) {
    add(LEAVE_FEED, gone);
    add(DELETE, gone);
    statements.push(...alongside.afterEvents);
  }
  for (const sql of counting(1)) add(sql, keptIds);
  add(UNIQUES_OF.plus, groups);
  for (const [table, cells] of Object.entries(cellsOf(replacements))) add(EMPTY[table] ?? "", cells);
  const messages = messagesOf(replacements);
  if (messages.length > 0) {
    for (const sql of [RENEW_MESSAGES, DELETE_MESSAGES]) add(sql, messages);
    statements.push(...alongside.afterMessages);
  }
  statements.push(...alongside.last);
  await db.batch(statements);
}

/** The statements that add or subtract the rows with the ids in ?1 (JSON) in all counters. */
function counting(sign: 1 | -1): string[] {
  return [
    countUp("rollups", countTime(CONCERNED_EVENTS), sign),
    countUp("day_rollups", countTime(CONCERNED_EVENTS, OF_DAY), sign),
    countUp("campaign_rollups", countCampaigns(CONCERNED_EVENTS), sign),
    countUp("tag_rollups", countTags(CONCERNED_EVENTS), sign),
  ];
}

/** The row as it should be. It stays its source's, and says what that source's provider was. */
function ofItsSource({ before, after }: { before: StoredRow; after: EventRow }): EventRow {
  return { ...after, source: before.source, provider: before.provider };
}

/** Id, new id, contact, time, kind, and the texts. */
function toValues(
  { before, after, id }: Replacement & { after: EventRow },
  { pack }: DetailsCodec,
): unknown[] {
  const { contact, at, message_id, campaign, custom_id, tags, details } = after;
  const kind = kindRow(ofItsSource({ before, after }));
  return [before.id, id, contact, at, kind, message_id, campaign, custom_id, tags, pack(details)];
}

/** Id, the texts, and the texts as they were read. */
function toTexts({ before, after }: Replacement, { pack }: DetailsCodec): unknown[] {
  const { id, message_id, campaign, custom_id, tags, kept } = before;
  const old = [message_id, campaign, custom_id, tags, kept];
  if (after === null) return [id, ...old, ...old];
  const { details } = after;
  return [
    id,
    after.message_id,
    after.campaign,
    after.custom_id,
    after.tags,
    details === before.details ? kept : pack(details),
    ...old,
  ];
}

/**
 * The unique opens and clicks that may move: contact, campaign, type, and the prefix of the contact's ids. Each once.
 */
function groupsOf(replacements: readonly Replacement[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const row of replacements.flatMap(({ before, after }) =>
    after === null ? [before] : [before, after],
  )) {
    const { contact, campaign, type } = row;
    if (campaign === null || (type !== "opened" && type !== "clicked")) continue;
    const group = [contact, campaign, type, contactPrefix(contact)];
    groups.set(JSON.stringify(group), group);
  }
  return [...groups.values()];
}

function rowsOf(replacements: readonly Replacement[]): EventRow[] {
  return replacements.flatMap(({ before, after }) => (after === null ? [before] : [before, after]));
}

/** The messages concerned: id, and the prefix of the contact's ids. Each once. */
function messagesOf(replacements: readonly Replacement[]): string[][] {
  const messages = new Map<string, string[]>();
  for (const { message_id, contact } of rowsOf(replacements)) {
    if (message_id === null) continue;
    const message = [message_id, contactPrefix(contact)];
    messages.set(JSON.stringify(message), message);
  }
  return [...messages.values()];
}

/** The keys of the counters' cells in which the rows were counted, by table. */
function cellsOf(replacements: readonly Replacement[]): Record<keyof typeof EMPTY, unknown[][]> {
  const rows = replacements.map(({ before }) => before);
  const how = ({ source, type, bounce, machine }: StoredRow) => [source, type, bounce ?? "", machine];
  const day = ({ at }: StoredRow) => at - (at % DAY);
  return {
    rollups: rows.map((row) => [row.at - (row.at % FIVE_MINUTES), ...how(row), row.destination]),
    day_rollups: rows.map((row) => [day(row), ...how(row), row.destination]),
    campaign_rollups: rows.map((row) => [day(row), ...how(row), row.campaign ?? ""]),
    tag_rollups: rows.flatMap((row) => tagsOf(row).map((tag) => [day(row), ...how(row), tag])),
  };
}

function tagsOf({ tags }: EventRow): string[] {
  return tags === null ? [] : (JSON.parse(tags) as string[]);
}

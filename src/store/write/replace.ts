// Stores the result of renormalising history: rows are changed in place or deleted, and all counters follow, in one
// transaction. Storing the same replacements again changes nothing.

import type { Db } from "../db.ts";
import { contactPrefix } from "../../model/event-id.ts";
import type { StoredRow } from "../events/by-archive-object.ts";
import { countCampaigns, countTags, countTime, countUp, OF_DAY, UNIQUES_OF } from "./counters.ts";
import { leaveFeed, RENAME_IN_FEED } from "../feed-rows.ts";
import { COUNT_REST } from "./counting.ts";
import { endedMessages } from "./ended-messages.ts";
import { DISTURB_RECOUNT } from "../stats/recount.ts";
import { isOf } from "../prefix-range.ts";
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

const UPDATE = `
  UPDATE events SET id = v.new_id, contact = v.contact, at = v.at, type = v.type, bounce = v.bounce, destination = v.destination,
    machine = v.machine, message_id = v.message_id, campaign = v.campaign, details = v.details
  FROM (SELECT value->>0 AS id, value->>1 AS contact, value->>2 AS at, value->>3 AS type, value->>4 AS bounce,
    value->>5 AS destination, value->>6 AS machine, value->>7 AS message_id, value->>8 AS campaign, value->>9 AS details,
    value->>10 AS new_id FROM json_each(?1)) AS v
  WHERE events.id = v.id`;

/** Only the texts, and only of rows that are still as they were read: another run may have changed them since. */
const UPDATE_TEXTS = `
  UPDATE events SET message_id = v.message_id, campaign = v.campaign, details = v.details
  FROM (SELECT value->>0 AS id, value->>1 AS message_id, value->>2 AS campaign, value->>3 AS details,
    value->>4 AS old_message_id, value->>5 AS old_campaign, value->>6 AS old_details FROM json_each(?1)) AS v
  WHERE events.id = v.id AND events.message_id IS v.old_message_id AND events.campaign IS v.old_campaign
    AND events.details IS v.old_details`;

const LEAVE_FEED = leaveFeed(`SELECT id, seq FROM ${CONCERNED_EVENTS}`);
const DELETE = `DELETE FROM events WHERE ${CONCERNED}`;

const UNCOUNT_SOURCES = `
  UPDATE sources SET events = events - v.n FROM (
    SELECT source, count(*) AS n FROM events WHERE ${CONCERNED} GROUP BY 1) AS v
  WHERE sources.source = v.source`;

// ?1: JSON rows of a message's id, its contact, and the prefix of the contact's ids.
const MAILS = "SELECT value->>0, value->>1 FROM json_each(?1)";
const CONTACTS = "(SELECT DISTINCT value->>1 AS contact, value->>2 AS prefix FROM json_each(?1))";

/** As when storing, a message's custom id is that of its first stored event. */
const RENEW_MESSAGES = `
  INSERT INTO messages (message_id, contact, custom_id, source)
  SELECT message_id, contact, details->>'custom_id', source FROM events WHERE id IN (
    SELECT id FROM (
      SELECT e.id, min(e.seq) FROM ${CONTACTS} AS who CROSS JOIN events AS e ON ${isOf("e", "who")}
      WHERE (e.message_id, e.contact) IN (${MAILS}) GROUP BY e.message_id, e.contact))
  ON CONFLICT DO UPDATE SET custom_id = excluded.custom_id WHERE custom_id IS NOT excluded.custom_id`;

const DELETE_MESSAGES = `
  DELETE FROM messages WHERE (message_id, contact) IN (${endedMessages(MAILS, CONTACTS, "true")})`;

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
  db: Db,
  replacements: readonly Replacement[],
  changes: "all" | "texts" = "all",
  alongside: Alongside = NOTHING,
): Promise<void> {
  if (replacements.length === 0) return;
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
    add(UPDATE_TEXTS, replacements.map(toTexts));
    statements.push(...DISTURB_RECOUNT.map((sql) => db.prepare(sql)));
  } else if (kept.length > 0) {
    if (renamed.length > 0) add(RENAME_IN_FEED, renamed);
    add(UPDATE, kept.map(toValues));
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

function toValues({ before, after, id }: Replacement & { after: EventRow }): unknown[] {
  const { contact, at, type, bounce, destination, machine, message_id, campaign, details } = after;
  const values = [contact, at, type, bounce ?? "", destination, machine, message_id, campaign, details];
  return [before.id, ...values, id];
}

function toTexts({ before, after }: Replacement): unknown[] {
  const { id, message_id, campaign, details } = before;
  return [id, after?.message_id, after?.campaign, after?.details, message_id, campaign, details];
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

/** The messages concerned: id, contact, and the prefix of the contact's ids. Each once. */
function messagesOf(replacements: readonly Replacement[]): string[][] {
  const messages = new Map<string, string[]>();
  for (const { message_id, contact } of rowsOf(replacements)) {
    if (message_id === null) continue;
    const message = [message_id, contact, contactPrefix(contact)];
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

function tagsOf({ details }: EventRow): string[] {
  const { tags = [] } = JSON.parse(details ?? "{}") as { tags?: string[] };
  return tags;
}

// Databases with many events in them. The rows are made in SQL, in the shape and with the ids that real events have, so
// that the index is as large and as scattered.

import type { Progress } from "../../src/cli/progress.ts";
import { contactPrefix } from "../../src/model/event-id.ts";
import { contactOf } from "./events.ts";
import { askLab, type Running } from "./runtime.ts";
import { detailsCodec } from "../../src/store/events/details.ts";
import { FEED_END } from "../../src/store/feed-rows.ts";
import { IS_COUNTED } from "../../src/store/write/counting.ts";
import { nameInFeed, nextSeq } from "../support/feed-sql.ts";

const CHUNK = 25_000;

const DATABASES = { small: "DB", large: "DB_LARGE" } as const;

/**
 * Fills a database with `total` events of as many contacts as told, three to a message, and their counters. `tail`: how
 * many of the last events are left uncounted.
 */
export async function fill(
  lab: Running,
  size: keyof typeof DATABASES,
  total: number,
  contacts: number,
  progress: Progress,
  tail = 0,
): Promise<void> {
  const run = async (statements: { sql: string; values?: unknown[] }[]): Promise<void> =>
    void (await askLab<null>(lab, "/sql", { database: DATABASES[size], statements }));
  await run([{ sql: FILLING }]);
  for (let first = 0; first < contacts; first += CHUNK / 5) {
    const some = Array.from({ length: Math.min(CHUNK / 5, contacts - first) }, (_, i) => {
      const contact = contactOf(first + i);
      return [first + i, contact, contactPrefix(contact)];
    });
    const sql =
      "INSERT INTO filling SELECT value->>0, value->>1, value->>2 FROM json_each(?1) ORDER BY value->>0";
    await run([{ sql, values: [JSON.stringify(some)] }]);
  }
  await run([{ sql: FILL_KINDS }]);
  for (let first = 0; first < total; first += CHUNK) {
    const last = Math.min(total, first + CHUNK) - 1;
    await run([
      { sql: insertEvents(nextSeq("1 + n")), values: [first, last, contacts, total] },
      { sql: INSERT_MESSAGES, values: [first, last, contacts] },
    ]);
    progress.show(last + 1, total, `filling the ${size} database`);
  }
  await run([{ sql: nameInFeed("01k5gqfp8w0000000000000000") }, { sql: COUNTED, values: [tail] }]);
  for (const sql of [ROLLUPS, DAYS, CAMPAIGNS, "DROP TABLE filling"]) {
    progress.show(total, total, `counting in the ${size} database`);
    await run([{ sql }]);
  }
}

/** When the events of a filled database begin, s since the epoch, and for how long they go on, s. */
export const FILLED_FROM = 1_789_800_000;
export const MONTH = 30 * 86_400;

/** Whole numbers from the first parameter to the second; a number that is bound is a real one. */
const COUNTING = `WITH RECURSIVE counting (n) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT n + 1 FROM counting WHERE n < ?2)`;

/** Whom the events are about: number, address and the prefix of ids. It must be filled before, and goes afterwards. */
export const FILLING = "CREATE TABLE filling (number INTEGER PRIMARY KEY, contact TEXT, prefix TEXT)";

/** What the events' details are, as they are stored. */
const DETAILS = (await detailsCodec()).pack(
  JSON.stringify({
    ip: "203.0.113.7",
    geo: "CH",
    user_agent:
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
  }),
);

/** The statement for the kinds of the events, once the contacts are known. */
export const FILL_KINDS = `
  INSERT INTO event_kinds (source, provider, type, bounce, reason, destination, machine)
  SELECT 'mailjet', 'mailjet', t.value, '', '', d.destination, ''
  FROM json_each('["delivered", "opened", "clicked"]') AS t
  CROSS JOIN (SELECT DISTINCT substr(contact, instr(contact, '@') + 1) AS destination FROM filling) AS d
  WHERE true ON CONFLICT DO NOTHING`;

/**
 * The statement for the events from number ?1 to ?2, of ?3 contacts and ?4 events in all. `seq`: SQL for the seq of the
 * event with the number n. The id's time is written in ten characters of base 32; hexadecimal digits are in its alphabet,
 * too, and sort the same.
 */
export const insertEvents = (seq: string): string => `${COUNTING}
  INSERT INTO event_rows (seq, id, kind, contact, at, received_at, message_id, campaign, line, element, details)
  SELECT ${seq}, f.prefix || printf('%010x', t.at) || lower(hex(randomblob(8))),
    (SELECT kind FROM event_kinds AS k WHERE k.source = 'mailjet'
      AND k.type = CASE n % 3 WHEN 0 THEN 'delivered' WHEN 1 THEN 'opened' ELSE 'clicked' END
      AND k.destination = substr(f.contact, instr(f.contact, '@') + 1) AND k.bounce = '' AND k.reason = '' AND k.machine = ''),
    f.contact, t.at * 1000, (t.at + 1) * 1000, '1942177738' || (n / 3), 7000 + n / 3 % 97, n % 20, n % 50,
    unhex('${DETAILS}')
  FROM (SELECT n, ${FILLED_FROM} + n * ${MONTH} / CAST(?4 AS INTEGER) AS at FROM counting) AS t
  JOIN filling AS f ON f.number = (n / 3) * 7919 % CAST(?3 AS INTEGER)`;

/** The statement for their messages. The same parameters without the last one. */
export const INSERT_MESSAGES = `${COUNTING}
  INSERT INTO message_rows (message_id, prefix, kind, custom_id)
  SELECT '1942177738' || (n / 3), f.prefix, (SELECT min(kind) FROM event_kinds), NULL
  FROM counting JOIN filling AS f ON f.number = (n / 3) * 7919 % CAST(?3 AS INTEGER) WHERE n % 3 = 0
  ON CONFLICT DO NOTHING`;

/** The counters are filled below. ?1: how many events are left uncounted. */
const COUNTED = `UPDATE counting SET position = ${FEED_END} - CAST(?1 AS INTEGER)`;

/** What the database held before is older, and counted. */
const OWN = `at >= ${FILLED_FROM} * 1000 AND ${IS_COUNTED}`;

const ROLLUPS = `
  INSERT INTO rollups (bucket, source, type, bounce, machine, destination, n)
  SELECT at / 300000 * 300000, source, type, bounce, machine, destination, count(*)
  FROM events WHERE ${OWN} GROUP BY 1, 2, 3, 6`;

const DAYS = `
  INSERT INTO day_rollups (day, source, type, bounce, machine, destination, n)
  SELECT bucket / 86400000 * 86400000, source, type, bounce, machine, destination, sum(n)
  FROM rollups WHERE bucket >= ${FILLED_FROM} * 1000 GROUP BY 1, 2, 3, 4, 5, 6`;

const CAMPAIGNS = `
  INSERT INTO campaign_rollups (day, campaign, source, type, bounce, machine, n)
  SELECT at / 86400000 * 86400000, campaign, source, type, '', '', count(*) FROM events
  WHERE ${OWN} GROUP BY 1, 2, 3, 4`;

/** Suppresses every twentieth contact of a filled small database. */
export async function suppress(lab: Running): Promise<void> {
  await askLab<null>(lab, "/sql", {
    database: DATABASES.small,
    statements: [{ sql: CONTACTS }, { sql: SUPPRESSIONS }],
  });
}

const CONTACTS = `
  INSERT INTO contacts (contact, version, suppressed, since)
  SELECT DISTINCT contact, 1, 'hard_bounce', 1789800000000 FROM event_rows WHERE CAST(substr(contact, 11, 8) AS INTEGER) % 20 = 0`;

const SUPPRESSIONS = `
  INSERT INTO suppressions (contact, reason, scope, event, source, at, destination, version)
  SELECT contact, suppressed, '', 'filled', 'mailjet', since, substr(contact, instr(contact, '@') + 1), version FROM contacts`;

// Growth: what storing an event costs when the database holds ten thousand and when it holds a million. The rows are
// made in SQL, in the shape and with the ids that real events have, so that the index is as large and as scattered; then
// the same slices go through the whole consumer into both, in turns.

import type { Progress } from "../../../src/local/progress.ts";
import { contactPrefix } from "../../../src/model/id.ts";
import { BEGAN, contactOf, type EventPlan } from "../events.ts";
import { figureOf, inTurns, ratioOf, spread } from "../figures.ts";
import type { PartResult } from "../results.ts";
import { askLab, type Running } from "../runtime.ts";
import { startStoreLab, storeOnce } from "../store-lab.ts";

const SLICE = 1_000;
const CONTACTS = 100_000;
/** Contacts of the slices; they lie all over the index. */
const MEASURED = 2_000;
const CHUNK = 25_000;

interface Line {
  name: "tidings" | "large";
  /** µs an event, a round each: in the consumer, and of these in the database. */
  consumer: number[];
  database: number[];
}

export async function growth(quick: boolean, progress: Progress): Promise<PartResult> {
  const [small, large] = quick ? [2_000, 50_000] : [10_000, 1_000_000];
  const rounds = quick ? 4 : 16;
  const lab = await startStoreLab();
  await fill(lab, "small", small, small, progress);
  await fill(lab, "large", large, Math.min(CONTACTS, large / 10), progress);
  const lines: Line[] = (["tidings", "large"] as const).map((name) => ({
    name,
    consumer: [],
    database: [],
  }));
  for (let round = -2; round < rounds; round++) {
    for (const [place, line] of inTurns([...lines.entries()], round)) {
      const timing = await storeOnce(lab, line.name, sliceOf(place, round + 2), SLICE);
      if (round < 0) continue; // makes the contacts known
      line.consumer.push((timing.ms * 1000) / SLICE);
      line.database.push((timing.database * 1000) / SLICE);
    }
    progress.show(round + 3, rounds + 2, "storing slices");
  }
  await lab.stop();
  return resultOf(lines, [small, large]);
}

function sliceOf(place: number, round: number): EventPlan[] {
  return Array.from({ length: SLICE }, (_, i) => {
    const n = round * SLICE + i;
    const contact = (n % MEASURED) * Math.floor(CONTACTS / MEASURED);
    return { kind: "open", mail: (place + 5) * 1_000_000 + n, contact, time: BEGAN + (n % 600) };
  });
}

const DATABASES = { small: "DB", large: "DB_LARGE" } as const;

/** Fills a database with `total` events of as many contacts as told, three to a message, and their counters. */
async function fill(
  lab: Running,
  size: keyof typeof DATABASES,
  total: number,
  contacts: number,
  progress: Progress,
): Promise<void> {
  const run = async (statements: { sql: string; values?: unknown[] }[]): Promise<void> =>
    void (await askLab<null>(lab, "/sql", { database: DATABASES[size], statements }));
  await run([{ sql: "CREATE TABLE filling (number INTEGER PRIMARY KEY, contact TEXT, prefix TEXT)" }]);
  for (let first = 0; first < contacts; first += CHUNK / 5) {
    const some = Array.from({ length: Math.min(CHUNK / 5, contacts - first) }, (_, i) => {
      const contact = contactOf(first + i);
      return [first + i, contact, contactPrefix(contact)];
    });
    const sql =
      "INSERT INTO filling SELECT value->>0, value->>1, value->>2 FROM json_each(?1) ORDER BY value->>0";
    await run([{ sql, values: [JSON.stringify(some)] }]);
  }
  for (let first = 0; first < total; first += CHUNK) {
    const last = Math.min(total, first + CHUNK) - 1;
    await run(
      [EVENTS, MESSAGES].map((sql) => ({ sql: `${COUNTING} ${sql}`, values: [first, last, contacts] })),
    );
    progress.show(last + 1, total, `filling the ${size} database`);
  }
  await run([{ sql: ROLLUPS }, { sql: DAYS }, { sql: CAMPAIGNS }, { sql: "DROP TABLE filling" }]);
}

/** Numbers from the first parameter to the second, and a time for each: two days, a bit apart. */
const COUNTING = `WITH RECURSIVE counting (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM counting WHERE n < ?2)`;

// The id's time is written in ten characters of base 32; hexadecimal digits are in its alphabet, too, and sort the same.
const EVENTS = `
  INSERT INTO events (id, contact, at, received_at, source, provider, type, bounce,
    destination, machine, message_id, campaign, batch, line, element, details)
  SELECT f.prefix || printf('%010x', 1789800000 + n / 6) || lower(hex(randomblob(8))), f.contact,
    (1789800000 + n / 6) * 1000, (1789800001 + n / 6) * 1000, 'mailjet', 'mailjet',
    CASE n % 3 WHEN 0 THEN 'delivered' WHEN 1 THEN 'opened' ELSE 'clicked' END, '',
    substr(f.contact, instr(f.contact, '@') + 1), '',
    '1942177738' || (n / 3), 7000 + n % 5, '01k5gqfp8w' || lower(hex(randomblob(8))), n % 20, n % 50,
    '{"ip":"203.0.113.7","geo":"CH","user_agent":"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15"}'
  FROM counting JOIN filling AS f ON f.number = (n / 3) * 7919 % ?3`;

const MESSAGES = `
  INSERT INTO messages (message_id, contact, custom_id, source)
  SELECT '1942177738' || (n / 3), f.contact, NULL, 'mailjet'
  FROM counting JOIN filling AS f ON f.number = (n / 3) * 7919 % ?3 WHERE n % 3 = 0
  ON CONFLICT DO NOTHING`;

const ROLLUPS = `
  INSERT INTO rollups (bucket, source, type, bounce, machine, destination, n)
  SELECT at / 300000 * 300000, source, type, bounce, machine, destination, count(*)
  FROM events GROUP BY 1, 2, 3, 6`;

const DAYS = `
  INSERT INTO day_rollups (day, source, type, bounce, machine, destination, n)
  SELECT bucket / 86400000 * 86400000, source, type, bounce, machine, destination, sum(n)
  FROM rollups GROUP BY 1, 2, 3, 4, 5, 6`;

const CAMPAIGNS = `
  INSERT INTO campaign_rollups (day, campaign, source, type, bounce, machine, n)
  SELECT at / 86400000 * 86400000, campaign, source, type, '', '', count(*) FROM events GROUP BY 1, 2, 3, 4`;

function resultOf([small, large]: Line[], sizes: readonly number[]): PartResult {
  if (small === undefined || large === undefined) throw new Error("nothing was measured");
  const grown = ratioOf(large.consumer, small.consumer);
  const inDatabase = ratioOf(large.database, small.database);
  return {
    tables: [
      {
        title: "Growth: µs an event in slices of 1,000, contacts known",
        columns: ["events stored", "consumer", "of these in D1"],
        rows: [
          ...[small, large].map(({ consumer, database }, i) => [
            (sizes[i] ?? 0).toLocaleString("en-US"),
            spread(figureOf(consumer)),
            spread(figureOf(database)),
          ]),
          ["ratio", spread(grown), spread(inDatabase)],
        ],
      },
    ],
    charts: [
      {
        name: "cost",
        title: "Storing an event, by how many are stored",
        axis: "µs an event",
        groups: [small, large].map((line, i) => ({
          label: `${(sizes[i] ?? 0).toLocaleString("en-US")} stored`,
          bars: (["consumer", "database"] as const).map((series) => {
            const { median, least, most } = figureOf(line[series]);
            return { series, value: median, least, most };
          }),
        })),
      },
    ],
    targets: [
      {
        what: `cost per event at ${sizes[1]?.toLocaleString("en-US")} stored / at ${sizes[0]?.toLocaleString("en-US")}`,
        got: grown.median,
        bound: { most: 1.15 },
        unit: "",
      },
    ],
    data: { lines: [small, large] },
  };
}

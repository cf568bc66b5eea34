// A trial in an account of one's own: what this machine cannot tell is how fast the real D1 stores, and what its size
// does. Synthetic events go into a database that is named on the command line, in groups of 100, 1,000 and 5,000, and D1's
// own figures are noted: rows written, the time inside of it, the size. At the end some events are deleted and as many
// stored again, which shows whether the size counts what was freed. Two million events write some three million rows:
// less than $5, or nothing where the plan's included rows last.

import { parseArgs } from "node:util";
import { startProgress, type Progress } from "../../../src/cli/progress.ts";
import { shutDown } from "../../../src/cli/shutdown.ts";
import { CONTACT_CHARS, EVENT_ID_LENGTH } from "../../../src/model/event-id.ts";
import { FILL_KINDS, FILLING, insertEvents, INSERT_MESSAGES } from "../filled.ts";
import { keepShowing } from "../keep-showing.ts";
import { printTable, RESULTS, writeResult } from "../results.ts";
import { makeStorage } from "../runtime.ts";
import { trierOf, type Answer, type Place, type Trier } from "./execute.ts";
import { trialTables, type Sample, type Trial } from "./report.ts";

const USAGE = `npm run bench -- trial --database NAME [--events N] [--local]

  Stores N synthetic events (2,000,000 if left out) in the D1 database NAME of the account that wrangler is logged in to,
  and notes the rows written, the time inside of D1 and the size. It takes about half an hour, and less than $5 beyond
  the plan. NAME must be a database made for this (npx wrangler d1 create NAME), without any event: delete it afterwards.
  --local      in a new database on this machine, to see that it works; with --persist-to FOLDER it stays there`;

const LARGEST = 5_000;
/** The groups that are stored, and how many of the smaller ones; the largest stores the rest. */
const GROUPS = [
  { together: 100, most: 60 },
  { together: 1_000, most: 60 },
  { together: LARGEST, most: Infinity },
] as const;
const FEWEST = 20_000;
const CONTACTS = 100_000;
const BATCH = "01k5gqfp8w0000000000000000";

/** Runs the trial with these arguments, and ends the process. */
export async function runTrial(args: readonly string[]): Promise<void> {
  const { database, events, place } = readOptions(args);
  const trier = trierOf(database, place);
  const progress = keepShowing(startProgress("trial"));
  progress.show(0, events, "looking for events");
  await refuseUsed(trier, database);
  await trier.migrate();
  await trier.execute([FILLING, FILL_CONTACTS, FILL_KINDS]);
  const trial = await store(trier, events, progress);
  progress.end();
  const result = { tables: trialTables(trial), charts: [], targets: [], data: trial };
  for (const table of result.tables) printTable(table);
  writeResult("trial", result);
  console.log(`\nThe figures are in ${RESULTS}. Delete the database: npx wrangler d1 delete ${database}`);
  await shutDown(0);
}

function readOptions(args: readonly string[]): { database: string; events: number; place: Place } {
  const text = { type: "string" } as const;
  const options = { database: text, events: text, local: { type: "boolean" }, "persist-to": text } as const;
  const { values } = parseArgs({ args: [...args], options });
  const events = Number(values.events ?? 2_000_000);
  if (values.database === undefined || !Number.isInteger(events) || events < FEWEST)
    throw new Error(`name a database, and at least ${FEWEST.toLocaleString("en-US")} events\n\n${USAGE}`);
  const place = values.local === true ? { folder: values["persist-to"] ?? makeStorage() } : "account";
  return { database: values.database, events, place };
}

/** Rejects if the database holds any event, or tables of something else. */
async function refuseUsed(trier: Trier, database: string): Promise<void> {
  const sql =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";
  const [tables] = await trier.execute([sql]);
  const names = (tables?.results ?? []).map(({ name }) => String(name));
  if (names.length === 0) return;
  if (!names.includes("events") || !names.includes("feed"))
    throw new Error(`${database} has tables that are not Tidings': the trial needs a database of its own`);
  const [answer] = await trier.execute(["SELECT EXISTS (SELECT 1 FROM events) AS used"]);
  if (Number(answer?.results[0]?.["used"]) !== 0)
    throw new Error(`${database} has events: the trial needs a database of its own`);
}

/** Their prefixes are as random as those that hash an address. */
const FILL_CONTACTS = `
  INSERT INTO filling
  WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${CONTACTS - 1})
  SELECT i, 'recipient.' || printf('%08d', i) || '@example.com', substr(lower(hex(randomblob(8))), 1, ${CONTACT_CHARS}) FROM n`;

async function store(trier: Trier, events: number, progress: Progress): Promise<Trial> {
  const groups: Trial["groups"] = [];
  let first = 0;
  /** Requests that store as many events as are deleted before, or some more. */
  const again = Math.ceil(events / 20 / LARGEST);
  const put = async (together: number): Promise<Sample> => {
    const last = first + together - 1;
    const sample = sampleOf(await trier.execute(statementsOf(first, last, events)), together);
    first += together;
    progress.show(first, events + again * LARGEST, `groups of ${together.toLocaleString("en-US")}`);
    return sample;
  };
  for (const { together, most } of GROUPS) {
    const share = most === Infinity ? events - first : Math.max(together, events / 50);
    const calls = Math.min(most, Math.floor(share / together));
    const samples: Sample[] = [];
    for (let call = 0; call < calls; call++) samples.push(await put(together));
    groups.push({ together, samples });
  }
  const full = groups.at(-1)?.samples.at(-1)?.size ?? null;
  const deleted = sampleOf(await trier.execute(["DELETE FROM events WHERE id < '1'"]), 0);
  const later: Sample[] = [];
  while (later.length < again) later.push(await put(LARGEST));
  return { events, groups, freed: { full, deleted, again: later } };
}

/** Events, messages and feed of one transaction. */
function statementsOf(first: number, last: number, total: number): string[] {
  const values = [first, last, CONTACTS, total];
  const bound = (sql: string): string =>
    sql.replaceAll(/\?(\d)/g, (_, n: string) => String(values[Number(n) - 1]));
  return [insertEvents("1 + n"), INSERT_MESSAGES, INSERT_FEED].map(bound);
}

/** As long as the real ones, the names in the feed: to look up the ids just stored would read the whole table. */
const INSERT_FEED = `
  WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
  INSERT INTO feed (first_seq, n, batch, stored_at, ids)
  SELECT 1 + min(i), count(*), '${BATCH}', 0, json_group_array(lower(hex(randomblob(${EVENT_ID_LENGTH / 2}))))
  FROM n GROUP BY (i - ?1) / 1000`;

function sampleOf(answers: readonly Answer[], events: number): Sample {
  const sum = (of: (meta: Answer["meta"]) => number | undefined): number =>
    answers.reduce((total, { meta }) => total + (of(meta) ?? 0), 0);
  return {
    events,
    rows: answers.some(({ meta }) => meta.rows_written === undefined)
      ? null
      : sum(({ rows_written }) => rows_written),
    duration: sum(({ duration }) => duration),
    size: answers.at(-1)?.meta.size_after ?? null,
  };
}

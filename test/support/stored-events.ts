// The stored events for checks that look into the database: with their details as JSON, and with all of them together.

import { env } from "cloudflare:workers";
import { detailsCodec } from "../../src/store/events/details.ts";
import { batchOf } from "../../src/store/feed-rows.ts";
import { tableNames } from "./database.ts";

interface Row {
  reason: string | null;
  custom_id: string | null;
  tags: string | null;
  details: string | null;
}

/** All rows of `events`, with the object of the archive that each came from. `order`: the columns of ORDER BY. */
export async function storedEvents<T extends { details: string | null }>(order = "id"): Promise<T[]> {
  const { results } = await env.DB.prepare(
    `SELECT *, ${batchOf("events")} AS batch FROM events ORDER BY ${order}`,
  ).all<Row>();
  const { unpack } = await detailsCodec();
  return results.map((row) => ({ ...row, details: allDetails(row, unpack(row.details)) })) as unknown as T[];
}

/** The details as JSON, with those that have a column of their own. */
function allDetails({ reason, custom_id, tags }: Row, json: string | null): string | null {
  const all = {
    ...(reason === null ? {} : { reason }),
    ...(custom_id === null ? {} : { custom_id }),
    ...(tags === null ? {} : { tags: JSON.parse(tags) as unknown }),
    ...(JSON.parse(json ?? "{}") as object),
  };
  return Object.keys(all).length === 0 ? null : JSON.stringify(all);
}

/** All rows of each table as text, by the table's name. Those of events are read with their details. */
export async function textsOfTables(): Promise<[table: string, text: string][]> {
  const names = (await tableNames()).filter((name) => name !== "event_rows");
  const found = await env.DB.batch(names.map((name) => env.DB.prepare(`SELECT * FROM "${name}"`)));
  const texts = found.map(({ results }, i): [string, string] => [names[i] ?? "", JSON.stringify(results)]);
  return [...texts, ["events", JSON.stringify(await storedEvents())]];
}

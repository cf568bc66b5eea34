// The least that storing can do: one call to each contact's Durable Object that writes one row, and the same event and
// message rows, already made, inserted in bulk, with one row for their order. No parsing, no decision, no state, no
// archive, no counters.

import { DurableObject } from "cloudflare:workers";

export interface FloorEnv {
  FLOOR: { getByName(contact: string): { keep(ids: string[]): Promise<void> } };
  DB: Pick<D1Database, "prepare" | "batch">;
}

/** The fields of an event, in the order of COLUMNS below. */
export type FloorRow = (string | number | null)[];

const COLUMNS =
  "id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id, campaign, line, element, details";
const VALUES = COLUMNS.split(", ").map((_, i) => `value->>${i}`);
const [ID, CONTACT] = [0, 1];

/** Tables with as many rows an event as Tidings has, and of the same kind. */
export const FLOOR_SCHEMA = [
  `CREATE TABLE events (${COLUMNS.replace("id", "id TEXT PRIMARY KEY")}) WITHOUT ROWID`,
  "CREATE TABLE messages (message_id, contact, custom_id, source, PRIMARY KEY (message_id, contact)) WITHOUT ROWID",
  "CREATE TABLE feed (place INTEGER PRIMARY KEY, ids TEXT NOT NULL)",
];

export async function storeFloor(rows: readonly FloorRow[], { FLOOR, DB }: FloorEnv): Promise<void> {
  const byContact = Map.groupBy(rows, (row) => String(row[CONTACT]));
  await Promise.all(
    [...byContact].map(async ([contact, own]) => {
      await FLOOR.getByName(contact).keep(own.map((row) => String(row[ID])));
    }),
  );
  const json = JSON.stringify(rows);
  await DB.batch([
    DB.prepare(
      `INSERT INTO events (${COLUMNS}) SELECT ${VALUES.join(", ")} FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING`,
    ).bind(json),
    DB.prepare("INSERT INTO feed (ids) SELECT json_group_array(value->>0) FROM json_each(?1)").bind(json),
    DB.prepare(
      `INSERT INTO messages (message_id, contact, custom_id, source) SELECT value->>10, value->>1, NULL, value->>4
       FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
    ).bind(json),
  ]);
}

export class FloorContact extends DurableObject {
  keep(ids: string[]): void {
    this.ctx.storage.kv.put("ids", ids);
  }
}

// Answers that are kept ready: each event as the text that /v1 tells of it, a row of a plain table in the order of
// storage. Reading such rows is the least that reading events can take, whatever form they are stored in.

import type { Progress } from "../../src/cli/progress.ts";
import { askLab, type Running } from "./runtime.ts";

const PAGE = 1_000;

const TABLE = "CREATE TABLE ready (place INTEGER PRIMARY KEY, contact TEXT NOT NULL, body TEXT NOT NULL)";
const INDEX = "CREATE INDEX ready_contact ON ready (contact, place)";
const INSERT =
  "INSERT INTO ready (place, contact, body) SELECT value->>0, value->>1, value->>2 FROM json_each(?1)";

/** Makes the table `ready` in the lab's first database, from its first events. The lab serves /v1 and runs SQL. */
export async function makeReady(lab: Running, events: number, progress: Progress): Promise<void> {
  await askLab<null>(lab, "/sql", { statements: [{ sql: TABLE }] });
  let after: string | null = "";
  for (let place = 0; place < events && after !== null;) {
    const page: EventsPage = await readPage(lab, after);
    const rows = page.events.map((event, i) => [place + i + 1, event.contact, JSON.stringify(event)]);
    await askLab<null>(lab, "/sql", { statements: [{ sql: INSERT, values: [JSON.stringify(rows)] }] });
    place += rows.length;
    after = page.next;
    progress.show(place, events, "keeping answers ready");
  }
  await askLab<null>(lab, "/sql", { statements: [{ sql: INDEX }] });
}

interface EventsPage {
  events: { contact: string }[];
  next: string | null;
}

async function readPage({ url }: Running, after: string): Promise<EventsPage> {
  const path = `/v1/events?limit=${PAGE}${after === "" ? "" : `&after=${encodeURIComponent(after)}`}`;
  const response = await fetch(new URL(path, url), { headers: { authorization: "Bearer bench-only" } });
  const text = await response.text();
  if (!response.ok) throw new Error(`a page failed: ${text.slice(0, 300)}`);
  return JSON.parse(text) as EventsPage;
}

// Looks at the database after each of its transactions: records all events that ever existed, and checks that the
// system events for pipes match the changes of the suppressions exactly.

import { env } from "cloudflare:workers";
import { readSecrets } from "../../src/pipes/settings.ts";

/** An event or a system event that existed at some time. */
export interface SeenRow {
  seq: number;
  id: string;
  contact: string | null;
  /** All types that it ever had: parsing the archive again may change them. */
  types: Set<string>;
}

interface Suppression {
  contact: string;
  reason: string;
  scope: string;
  event: string;
  lifted_at: number | null;
  held: number | null;
}

/** A pipe as it was when it was created. */
export interface SeenPipe {
  id: string;
  making: number;
  start: { events: number; notices: number };
  /** The system events that existed when the pipe was created, and the last one that had ever existed. */
  found: Set<number>;
  last: number;
}

/** The records of the observer. `look` compares the database with them. */
export interface Observer {
  look(): Promise<void>;
  events: Map<number, SeenRow>;
  notices: Map<number, SeenRow>;
  /** The existing pipes, by name. */
  pipes: Map<string, SeenPipe>;
  /** Ids of all pipes that ever existed, by the number of their creation. */
  made: Map<number, string>;
  wrong: string[];
}

/** An observer of an empty database. */
export function makeObserver(): Observer {
  let before = new Map<string, Suppression>();
  const removed = new Set<unknown>();
  let telling = false;
  const observer: Observer = {
    events: new Map(),
    notices: new Map(),
    pipes: new Map(),
    made: new Map(),
    wrong: [],
    look: async () => {
      const [events, notices, pipes, suppressions, erasures] = await env.DB.batch<Record<string, unknown>>(
        [
          "SELECT seq, id, contact, type FROM events ORDER BY seq",
          "SELECT seq, id, contact, type, data FROM notices WHERE type <> 'gone' ORDER BY seq",
          "SELECT id, name, start, secrets, deleted_at FROM pipes",
          "SELECT contact, reason, scope, event, lifted_at, held FROM suppressions",
          `SELECT contact, tombstone, begun,
             (SELECT count(*) FROM notices AS n WHERE n.contact = x.contact AND n.type <> 'contact.erased' AND n.at <= x.erased_at)
               AS told,
             (SELECT count(*) FROM attempts AS a WHERE instr(a.events, '"' || x.prefix) > 0) AS attempts
           FROM erasures AS x WHERE contact IS NOT NULL`,
        ].map((sql) => env.DB.prepare(sql)),
      );
      const told = (notices?.results ?? []) as unknown as Row[];
      const fresh = told.filter(({ seq }) => !observer.notices.has(seq));
      note(observer, observer.events, (events?.results ?? []) as unknown as Row[], "event");
      note(observer, observer.notices, told, "notice");
      const hadPipes = telling;
      const present = (pipes?.results ?? []) as unknown as PipeRow[];
      telling = present.length > 0;
      await notePipes(
        observer,
        present.filter(({ deleted_at }) => deleted_at === null),
        told,
      );
      const rows = (suppressions?.results ?? []) as unknown as Suppression[];
      const now = new Map(rows.map((row) => [keyOf(row), row]));
      const leaving = new Set((erasures?.results ?? []).map(({ contact }) => contact as string));
      for (const { tombstone, begun, told: before, attempts } of erasures?.results ?? []) {
        if (begun !== 1 || removed.has(tombstone)) continue;
        removed.add(tombstone);
        if (before !== 0 || attempts !== 0)
          observer.wrong.push(`of ${String(tombstone)} there are still notices or attempts`);
        if (hadPipes && !told.some(({ id }) => id === `${String(tombstone)}-erased`))
          observer.wrong.push(`nobody is told of the erasure ${String(tombstone)}`);
      }
      const wanted = hadPipes ? changesOf(before, now, leaving).sort() : [];
      const found = fresh.flatMap(wordsOf).sort();
      if (wanted.join() !== found.join())
        observer.wrong.push(
          `of suppressions is told ${found.join() || "nothing"}, not ${wanted.join() || "anything"}`,
        );
      before = now;
    },
  };
  return observer;
}

interface Row {
  seq: number;
  id: string;
  contact: string | null;
  type: string;
  data?: string;
}

interface PipeRow {
  id: string;
  name: string;
  start: string;
  secrets: string;
  deleted_at: number | null;
}

async function notePipes(
  { pipes, made, notices }: Observer,
  present: readonly PipeRow[],
  told: readonly Row[],
): Promise<void> {
  for (const [name, { id }] of pipes) if (!present.some((one) => one.id === id)) pipes.delete(name);
  for (const { id, name, start, secrets } of present) {
    if (pipes.has(name)) continue;
    const opened = await readSecrets(env, { id, secrets });
    const url = opened.ok ? opened.value["url"] : "";
    const making = Number(new URL(typeof url === "string" ? url : "").pathname.slice(1));
    const found = new Set(told.map(({ seq }) => seq));
    const last = Math.max(0, ...notices.keys());
    made.set(making, id);
    pipes.set(name, { id, making, start: JSON.parse(start) as SeenPipe["start"], found, last });
  }
}

function note({ wrong }: Observer, seen: Map<number, SeenRow>, rows: readonly Row[], what: string): void {
  for (const { seq, id, contact, type } of rows) {
    const known = seen.get(seq);
    if (known === undefined) seen.set(seq, { seq, id, contact, types: new Set([type]) });
    else if (known.id === id) known.types.add(type);
    else wrong.push(`${what} ${seq} was ${known.id}, and is ${id}`);
  }
}

const keyOf = ({ contact, reason, scope, event }: Suppression): string =>
  JSON.stringify([contact, reason, scope, event]);

/**
 * The suppressions that began and ended, in words. Those that are deleted with their contact are reported as an
 * erasure.
 */
function changesOf(
  before: ReadonlyMap<string, Suppression>,
  now: ReadonlyMap<string, Suppression>,
  leaving: ReadonlySet<string>,
): string[] {
  const inForce = (row: Suppression | undefined): boolean =>
    row !== undefined && row.lifted_at === null && row.held === null;
  const began = [...now].filter(([key, row]) => inForce(row) && !inForce(before.get(key)));
  const ended = [...before].filter(
    ([key, row]) =>
      inForce(row) && !inForce(now.get(key)) && !(now.get(key) === undefined && leaving.has(row.contact)),
  );
  return [
    ...began.map(([key]) => `contact.suppressed ${key}`),
    ...ended.map(([key]) => `contact.lifted ${key}`),
  ];
}

function wordsOf({ type, contact, data = "{}" }: Row): string[] {
  if (type !== "contact.suppressed" && type !== "contact.lifted") return [];
  const { reason, scope, event } = JSON.parse(data) as {
    reason: string;
    scope: string | null;
    event: string;
  };
  return [`${type} ${JSON.stringify([contact, reason, scope ?? "", event])}`];
}

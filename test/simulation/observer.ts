// Looks at the database after each of its transactions: which events there ever were, and whether what pipes are told beside
// them is what happened to the suppressions, no less and no more.

import { env } from "cloudflare:workers";

export interface SeenRow {
  seq: number;
  id: string;
  contact: string | null;
  /** All that it ever was: history read anew may tell it otherwise. */
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

export interface Observer {
  look(): Promise<void>;
  events: Map<number, SeenRow>;
  notices: Map<number, SeenRow>;
  /** Pipes by name: id, where they begin, and the notices that there were when they were made. */
  pipes: Map<string, { id: string; start: { events: number; notices: number }; found: Set<number> }>;
  wrong: string[];
}

export function makeObserver(): Observer {
  let before = new Map<string, Suppression>();
  const removed = new Set<unknown>();
  const observer: Observer = {
    events: new Map(),
    notices: new Map(),
    pipes: new Map(),
    wrong: [],
    look: async () => {
      const [events, notices, pipes, suppressions, erasures] = await env.DB.batch<Record<string, unknown>>(
        [
          "SELECT seq, id, contact, type FROM events ORDER BY seq",
          "SELECT seq, id, contact, type, data FROM notices WHERE type <> 'gone' ORDER BY seq",
          "SELECT id, name, start FROM pipes",
          "SELECT contact, reason, scope, event, lifted_at, held FROM suppressions",
          "SELECT contact, tombstone, begun FROM erasures WHERE contact IS NOT NULL",
        ].map((sql) => env.DB.prepare(sql)),
      );
      const told = (notices?.results ?? []) as unknown as Row[];
      const fresh = told.filter(({ seq }) => !observer.notices.has(seq));
      note(observer, observer.events, (events?.results ?? []) as unknown as Row[], "event");
      note(observer, observer.notices, told, "notice");
      const hadPipes = observer.pipes.size > 0;
      for (const { id, name, start } of (pipes?.results ?? []) as {
        id: string;
        name: string;
        start: string;
      }[])
        if (!observer.pipes.has(name))
          observer.pipes.set(name, {
            id,
            start: JSON.parse(start) as { events: number; notices: number },
            found: new Set(told.map(({ seq }) => seq)),
          });
      const rows = (suppressions?.results ?? []) as unknown as Suppression[];
      const now = new Map(rows.map((row) => [keyOf(row), row]));
      const leaving = new Set((erasures?.results ?? []).map(({ contact }) => contact as string));
      for (const { tombstone, begun } of erasures?.results ?? []) {
        if (begun !== 1 || removed.has(tombstone)) continue;
        removed.add(tombstone);
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

/** What began and what ended, in words. What goes with its contact is told as an erasure. */
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

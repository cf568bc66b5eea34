// Checks after the last request: every accepted element must end as an event, duplicate, ping or dead letter, and
// everything stored must be readable.

import { setTimeout as sleep } from "node:timers/promises";
import type { Edge } from "../../src/cli/edge.ts";
import { countDeadLetters, readEvents, readSources, sumOf, type Api } from "../../src/demo/read-back.ts";
import { totalOf, type Counts } from "../../src/demo/traffic/traffic.ts";
import type { Driven } from "./drive.ts";
import type { WorkerLog } from "./worker-log.ts";

const POLL = 500; // ms
const STALLED = 45_000; // ms without any movement
/** How long the last batch may wait, ms. Requests of senders that left must also have arrived by then. */
const REST = 4_000;
const MOST_LOOKS = 20;
const EMAIL_QUEUE = "tidings-email-events";

/** Waits until every accepted envelope is acknowledged and the queue is idle; otherwise reports the problem. */
export async function waitForRest(
  edge: Edge,
  driven: Driven,
  log: WorkerLog,
  onChange: (done: number, all: number) => void,
): Promise<string[]> {
  let moved = Date.now();
  let before = -1;
  let open = driven.accepted;
  while (Date.now() - moved < (open.length > 0 ? STALLED : REST)) {
    await edge.tick(); // the spool's way into the queue
    open = open.filter((id) => !log.acknowledged.has(id));
    onChange(driven.accepted.length - open.length, driven.accepted.length);
    if (acknowledgedBy(log) !== before) moved = Date.now();
    before = acknowledgedBy(log);
    await sleep(POLL);
  }
  const wrong: string[] = [];
  if (open.length > 0 && log.gaps() === 0)
    wrong.push(`${open.length} envelopes were answered with 200 and never acknowledged, such as ${open[0]}`);
  const events = log.messages.get(EMAIL_QUEUE) ?? 0;
  if (events < driven.emailEvents && log.gaps() === 0)
    wrong.push(`of ${driven.emailEvents} email events in the queue ${events} were acknowledged`);
  return wrong;
}

function acknowledgedBy({ messages }: WorkerLog): number {
  return [...messages.values()].reduce((sum, n) => sum + n, 0);
}

/** Checks that the sources' counts include every element. */
export async function holdAgainstCounts(
  api: Api,
  log: WorkerLog,
): Promise<{ counts: Counts; wrong: string[] }> {
  // The request of a sender that left may still be in flight.
  for (let left = MOST_LOOKS; ; left -= 1) {
    const counts = totalOf((await readSources(api)).values());
    const elements = [...log.acknowledged.values()].reduce((sum, n) => sum + n, 0);
    const told = sumOf(counts);
    // Elements of a lost log line are counted all the same. An email event has the id of its time, and if that is long
    // past, the note that it was counted is forgotten at once.
    const most = elements + (log.again.get(EMAIL_QUEUE) ?? 0);
    if (told >= elements && (told <= most || log.gaps() > 0)) return { counts, wrong: [] };
    if (left <= 1) {
      return { counts, wrong: [`the sources count ${told} elements, and ${elements} were acknowledged`] };
    }
    await sleep(POLL);
  }
}

/** How many events and dead letters are read one by one, and how many at once. */
const SAMPLE = 20;
const AT_ONCE = 6;

/** Reads everything back, and a part one by one; replays some dead letters and waits until they are processed. */
export async function readAll(
  edge: Edge,
  api: Api,
  token: string,
  counts: Counts,
  log: WorkerLog,
): Promise<string[]> {
  const wrong: string[] = [];
  const events = await readEvents(api);
  if (events.length !== counts.events)
    wrong.push(`the feed shows ${events.length} events, the sources count ${counts.events}`);
  const letters = await countDeadLetters(api);
  if (letters !== counts.dead_letters)
    wrong.push(`${letters} dead letters are listed, the sources count ${counts.dead_letters}`);
  const { dead_letters } = await api<{ dead_letters: { id: string }[] }>("/dead-letters?limit=1000");
  const every = <T>(all: readonly T[]): T[] => all.filter((_, i) => i % Math.ceil(all.length / SAMPLE) === 0);
  const calls: [method: string, path: string, status: number][] = [
    ...every(events).flatMap(({ id, contact }): [string, string, number][] => [
      ["GET", `/events/${id}`, 200],
      ["GET", `/contacts/${encodeURIComponent(contact)}`, 200],
      ["GET", `/contacts/${encodeURIComponent(contact)}/timeline`, 200],
    ]),
    ...every(dead_letters).flatMap(({ id }, i): [string, string, number][] => [
      ["GET", `/dead-letters/${id}`, 200],
      i % 3 === 0 ? ["POST", `/dead-letters/${id}/replay`, 202] : ["GET", `/dead-letters/${id}`, 200],
    ]),
  ];
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let call = calls[next++]; call !== undefined; call = calls[next++]) {
      const [method, path, status] = call;
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${edge.url}/v1${path}`, { method, headers });
      await answer.arrayBuffer();
      if (answer.status !== status)
        wrong.push(`${method} /v1${path} was answered with ${answer.status}, not ${status}`);
    }
  };
  const before = acknowledgedBy(log);
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  const replayed = calls.filter(([method]) => method === "POST").length;
  const began = Date.now();
  while (acknowledgedBy(log) < before + replayed && Date.now() - began < STALLED) await sleep(POLL);
  const through = acknowledgedBy(log) - before;
  if (through < replayed && log.gaps() === 0)
    wrong.push(`of ${replayed} dead letters that were replayed ${through} went through`);
  return wrong;
}

/** Discards some dead letters; each must be gone. */
export async function discardSome(edge: Edge, api: Api, token: string): Promise<string[]> {
  const wrong: string[] = [];
  const { dead_letters } = await api<{ dead_letters: { id: string }[] }>("/dead-letters?limit=20");
  for (const { id } of dead_letters) {
    const url = `${edge.url}/v1/dead-letters/${id}`;
    const headers = { authorization: `Bearer ${token}` };
    const { status } = await fetch(url, { method: "DELETE", headers });
    const again = await fetch(url, { headers });
    await again.arrayBuffer();
    if (status !== 204 || again.status !== 404)
      wrong.push(`DELETE ${url}: ${status}, and then GET: ${again.status}`);
  }
  return wrong;
}

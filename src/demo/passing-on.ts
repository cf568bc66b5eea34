// Two pipes of the demo, to receivers on this machine: one passes everything on to a receiver that fails as real ones do, the
// other only what its filter lets through. In the end each receiver must have every event that it should.

import { setTimeout as sleep } from "node:timers/promises";
import { format } from "../cli/progress.ts";
import { readSuppressed, type Api, type ReadEvent } from "./read-back.ts";
import { startReceiver, type Receiver, type Troubles } from "./receiver.ts";
import { rowsOf, type Row } from "./report.ts";
import { beforeExit } from "../cli/shutdown.ts";

/** Types that the second pipe's filter lets through. */
const WANTED = ["bounced", "complained"];
const FILTER = `type in ${JSON.stringify(WANTED)}`;
const TROUBLES: Troubles = { down: 2_000, after: ["refuse", "cut", "refuse"] };

const POLL = 250; // ms
/** ms without any movement: longer than the second look at a destination that is down waits. */
const STALLED = 30_000;
const LONGEST = 180_000; // ms

export interface DemoPipe {
  id: string;
  receiver: Receiver;
}

export interface DemoPipes {
  /** Everything, in requests of up to a hundred events. */
  all: DemoPipe;
  /** What the filter lets through, one event a request. */
  some: DemoPipe;
}

/** Starts the receivers and makes the pipes. `url`: of the Worker. */
export async function makePipes(url: string, token: string): Promise<DemoPipes> {
  const make = async (
    name: string,
    troubles: Troubles,
    more: object,
    settings: object,
  ): Promise<DemoPipe> => {
    const receiver = await startReceiver(troubles);
    beforeExit(async () => await receiver.stop());
    const answer = await fetch(`${url}/v1/pipes`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name, kind: "webhook", settings: { url: receiver.url, ...settings }, ...more }),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`POST /v1/pipes was answered with ${answer.status}: ${text}`);
    const { pipe, made }: { pipe: { id: string }; made: { signing_secret: string } } = JSON.parse(text);
    receiver.trust(made.signing_secret);
    return { id: pipe.id, receiver };
  };
  return {
    all: await make("everything", TROUBLES, {}, { batch: true }),
    some: await make("bounces", { down: 0, after: [] }, { filter: FILTER }, {}),
  };
}

/** What the receivers have to have in the end. */
export interface Due {
  /** Stored events. */
  events: readonly ReadEvent[];
  /** Contacts whose suppression is told as an extra event. */
  suppressed: readonly string[];
}

export async function readDue(api: Api, events: readonly ReadEvent[]): Promise<Due> {
  return { events, suppressed: await readSuppressed(api) };
}

/** Waits until the receivers have it all and the pipes rest, or nothing moves any more. `onChange` is told how much is there. */
export async function waitUntilPassed(
  api: Api,
  { all, some }: DemoPipes,
  due: Due,
  onChange: (done: number, all: number) => void,
): Promise<void> {
  const start = Date.now();
  let moved = start;
  let before = -1;
  while (Date.now() - moved < STALLED && Date.now() - start < LONGEST) {
    const done = arrived(all, due) + told(all, due);
    onChange(done, due.events.length + due.suppressed.length);
    const rest = (await isAtRest(api, all)) && (await isAtRest(api, some));
    if (rest && done >= due.events.length + due.suppressed.length) return;
    const heard = all.receiver.heard.events.size + some.receiver.heard.events.size;
    if (heard !== before) moved = Date.now();
    before = heard;
    await sleep(POLL);
  }
}

interface Health {
  health: { behind: number; waiting: number } | null;
}

/** Whether the pipe is at the feed's end and has nothing to try again. */
async function isAtRest(api: Api, { id }: DemoPipe): Promise<boolean> {
  const { health } = await api<Health>(`/pipes/${id}`);
  return health !== null && health.behind === 0 && health.waiting === 0;
}

/** How many of the stored events the receiver has, by id. */
function arrived({ receiver }: DemoPipe, { events }: Due): number {
  return events.filter(({ id }) => receiver.heard.events.has(id)).length;
}

/** Of how many suppressed contacts the receiver was told. */
function told({ receiver }: DemoPipe, { suppressed }: Due): number {
  const extra = [...receiver.heard.events.values()].filter(({ type }) => type === "contact.suppressed");
  const contacts = new Set(extra.map(({ contact }) => contact));
  return suppressed.filter((contact) => contacts.has(contact)).length;
}

/** What came of it, as rows that have to be as expected, and as the lines to show. */
export function comparePassed({ all, some }: DemoPipes, due: Due): { rows: Row[]; text: string } {
  const { heard } = all.receiver;
  const wanted = due.events.filter(({ type }) => WANTED.includes(type));
  const rows = rowsOf("Passed on to receivers on this machine", [
    ["every stored event, by its id", due.events.length, arrived(all, due)],
    ["suppressed contacts, told beside", due.suppressed.length, told(all, due)],
    [`through the filter ${FILTER}`, wanted.length, some.receiver.heard.events.size],
    ["these very ones, by their ids", wanted.length, arrived(some, { ...due, events: wanted })],
    [
      "requests whose signature was right",
      heard.requests + some.receiver.heard.requests,
      heard.verified + some.receiver.heard.verified,
    ],
  ]);
  const text = [
    "Passed on by two pipes (Standard Webhooks, verified by their library)",
    `  ${count(heard.events.size, "event")} in ${count(heard.requests, "request")} to one that was down for ${TROUBLES.down / 1000} s (${count(heard.down, "request")}), answered ${heard.refused} with 503`,
    `  and took ${heard.cut} without saying so: ${count(heard.repeats, "event")} came again, each known by its id`,
    `  ${count(some.receiver.heard.events.size, "event")} in ${count(some.receiver.heard.requests, "request")} to one with a filter`,
  ].join("\n");
  return { rows, text };
}

function count(n: number, word: string): string {
  return `${format(n)} ${word}${n === 1 ? "" : "s"}`;
}

/** Commands to try the pipes with, once the report is there. `url`: of the Worker. */
export function pipeHints(url: string, token: string, { all }: DemoPipes): string {
  const auth = `-H 'authorization: Bearer ${token}'`;
  return [
    "The pipes, how they are, and a sample event over one of them:",
    "",
    `  curl ${auth} ${url}/v1/pipes`,
    `  curl ${auth} -X POST ${url}/v1/pipes/${all.id}/test`,
    "",
    "What was not taken at once:",
    "",
    `  curl ${auth} '${url}/v1/attempts?pipe=${all.id}'`,
    "",
  ].join("\n");
}

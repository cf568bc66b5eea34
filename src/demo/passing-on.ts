// The demo's two pipes, to receivers on this machine: one passes all events on to a receiver that fails as real ones
// do, the other only the events that its filter lets through. In the end each receiver must have every event that is
// due to it.

import { setTimeout as sleep } from "node:timers/promises";
import { format } from "../cli/progress.ts";
import { readSuppressed, type Api, type ReadEvent } from "./read-back.ts";
import { startReceiver, type Receiver, type Troubles } from "./receiver.ts";
import { rowsOf, type Row } from "./report.ts";
import { beforeExit } from "../cli/shutdown.ts";

/** The types that the second pipe's filter lets through. */
const WANTED = ["bounced", "complained"];
const FILTER = `type in ${JSON.stringify(WANTED)}`;
const TROUBLES: Troubles = { down: 2_000, after: ["refuse", "cut", "refuse"] };

const POLL = 250; // ms
/** ms without any progress. Longer than the wait before a second probe of a destination that is down. */
const STALLED = 30_000;
const LONGEST = 180_000; // ms

/** A pipe of the demo, and the receiver that it leads to. */
export interface DemoPipe {
  id: string;
  receiver: Receiver;
}

/** The demo's two pipes. */
export interface DemoPipes {
  /** Passes all events on, in requests of up to a hundred events. */
  all: DemoPipe;
  /** Passes on the events that the filter lets through, one per request. */
  some: DemoPipe;
}

/** Starts the receivers and creates the pipes; `url` is the Worker's. Throws if the API refuses a pipe. */
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

/** The events that the receivers must have in the end. */
export interface Due {
  /** All stored events. */
  events: readonly ReadEvent[];
  /** Contacts whose suppression is reported as a system event. */
  suppressed: readonly string[];
}

/** Reads what the receivers must have in the end; `events` are the stored ones. */
export async function readDue(api: Api, events: readonly ReadEvent[]): Promise<Due> {
  return { events, suppressed: await readSuppressed(api) };
}

/**
 * Waits until the receivers have all events and the pipes are idle, or until there is no progress any more. `onChange`
 * gets the number of events that have arrived, and of all events.
 */
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
    const done = arrived(all, due) + suppressionsArrived(all, due);
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

/** Whether the pipe is at the end of the feed and has nothing to retry. */
async function isAtRest(api: Api, { id }: DemoPipe): Promise<boolean> {
  const { health } = await api<Health>(`/pipes/${id}`);
  return health !== null && health.behind === 0 && health.waiting === 0;
}

/** The number of stored events that the receiver has, compared by id. */
function arrived({ receiver }: DemoPipe, { events }: Due): number {
  return events.filter(({ id }) => receiver.heard.events.has(id)).length;
}

/** The number of suppressed contacts of which the receiver has a system event. */
function suppressionsArrived({ receiver }: DemoPipe, { suppressed }: Due): number {
  const extra = [...receiver.heard.events.values()].filter(({ type }) => type === "contact.suppressed");
  const contacts = new Set(extra.map(({ contact }) => contact));
  return suppressed.filter((contact) => contacts.has(contact)).length;
}

/** The result as rows to compare with the expected values, and as the lines to show. */
export function comparePassed({ all, some }: DemoPipes, due: Due): { rows: Row[]; text: string } {
  const { heard } = all.receiver;
  const wanted = due.events.filter(({ type }) => WANTED.includes(type));
  const rows = rowsOf("Passed on to receivers on this machine", [
    ["every stored event, by its id", due.events.length, arrived(all, due)],
    ["suppressed contacts, as system events", due.suppressed.length, suppressionsArrived(all, due)],
    [`through the filter ${FILTER}`, wanted.length, some.receiver.heard.events.size],
    ["the same ones, by their ids", wanted.length, arrived(some, { ...due, events: wanted })],
    [
      "requests with a valid signature",
      heard.requests + some.receiver.heard.requests,
      heard.verified + some.receiver.heard.verified,
    ],
  ]);
  const text = [
    "Passed on by two pipes (Standard Webhooks, verified by their library)",
    `  ${count(heard.events.size, "event")} in ${count(heard.requests, "request")} to one that was down for ${TROUBLES.down / 1000} s (${count(heard.down, "request")}), answered ${heard.refused} with 503`,
    `  and cut off ${heard.cut} after taking them: ${count(heard.repeats, "event")} came again, each recognised by its id`,
    `  ${count(some.receiver.heard.events.size, "event")} in ${count(some.receiver.heard.requests, "request")} to one with a filter`,
  ].join("\n");
  return { rows, text };
}

function count(n: number, word: string): string {
  return `${format(n)} ${word}${n === 1 ? "" : "s"}`;
}

/** Commands for trying the pipes after the report; `url` is the Worker's. */
export function pipeHints(url: string, token: string, { all }: DemoPipes): string {
  const auth = `-H 'authorization: Bearer ${token}'`;
  return [
    "The pipes, their state, and a sample event through one of them:",
    "",
    `  curl ${auth} ${url}/v1/pipes`,
    `  curl ${auth} -X POST ${url}/v1/pipes/${all.id}/test`,
    "",
    "Deliveries that did not succeed at once:",
    "",
    `  curl ${auth} '${url}/v1/attempts?pipe=${all.id}'`,
    "",
  ].join("\n");
}

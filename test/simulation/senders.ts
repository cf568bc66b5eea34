// The ESPs, which post parcels until they see a 200, and the queue, which hands messages to the consumer.

import worker from "../../src/index.ts";
import { withBasic } from "../../src/demo/traffic/requests.ts";
import type { Random } from "../../src/demo/traffic/random.ts";
import type { SignedRequest } from "../../src/demo/traffic/types.ts";
import { headerOf } from "../../src/model/envelope.ts";
import { DEADLY } from "./deadly.ts";
import { rotates, SECOND_PASSWORD } from "./configuration.ts";
import { fetchFrom, inContext, invocation, type Begun, type Simulation } from "./history.ts";
import { batchOf, settle, take } from "./queue.ts";
import { respelled } from "./spellings.ts";
import { garbledBody } from "./mentions.ts";
import { LOOP, LOOP_TOKEN } from "./returns.ts";
import type { Parcel } from "./world.ts";

/** In place of the number of a parcel. */
const NO_PARCEL = -1;

/** An element that neither Mailjet nor a home-made system can mean. */
const POISON = { event: " ", email: "ann@example.com" };

/** The ESP posts a parcel; it goes on until it has seen a 200. */
export function post(simulation: Simulation, index: number, backup: boolean, name: string): Begun | null {
  const parcel = simulation.world.parcels[index];
  if (parcel === undefined) return null;
  const { gate, witness, rotation } = simulation;
  const letter = letterOf(parcel, simulation.content);
  const second = rotation === 2 || (rotation === 1 && simulation.content.chance(0.5));
  const path = backup ? `/backup${letter.path}` : letter.path;
  const sign = second && rotates(parcel) ? withBasic(SECOND_PASSWORD) : parcel.dialect.sign;
  const signed = sign({ ...letter, path }, gate.now());
  const { method, headers } = signed;
  const body = parcel.garbled === undefined ? signed.body : garbledBody(parcel.garbled);
  const request = new Request(`https://edge.example${signed.path}`, { method, headers, body });
  const begun = invocation(
    name,
    async (bindings) => await fetchFrom(request, bindings, simulation),
    (died) => {
      const { value } = begun.runner.outcome;
      if (!died && value === 200) {
        simulation.acknowledged.add(index);
        // What kills is never archived.
        if (parcel.kills !== true && (typeof body === "string" || body === null))
          witness.accepted.push({
            source: parcel.dialect.source,
            body: body ?? "",
            parcel: index,
            envelope: simulation.made.get(begun.runner) ?? "",
          });
      } else if (!died && value !== 503) {
        witness.refused.push(`${parcel.dialect.source} was answered ${String(value)}`);
      }
    },
  );
  simulation.brings.set(begun.runner, index);
  return begun;
}

/** A receiver posts what it brings back; it goes on until it has seen a 200. */
export function bringBack(simulation: Simulation, name: string, random: Random | null): Begun | null {
  const { returns, refused, accepted } = simulation.witness;
  const open = returns.all.filter((one) => !one.accepted);
  const returning = open[random === null ? 0 : random.between(0, open.length - 1)];
  if (returning === undefined) return null;
  const { body } = returning;
  const headers = { ...returning.headers, authorization: `Bearer ${LOOP_TOKEN}` };
  const request = new Request(`https://edge.example/webhooks/${LOOP}`, { method: "POST", headers, body });
  const begun = invocation(
    name,
    async (bindings) => await fetchFrom(request, bindings, simulation),
    (died) => {
      const { value } = begun.runner.outcome;
      if (died || value === 503) return;
      if (value !== 200) return void refused.push(`what came back was answered ${String(value)}`);
      returning.accepted = true;
      accepted.push({ source: LOOP, body, parcel: NO_PARCEL, envelope: "" });
    },
  );
  returns.posts.set(begun.runner, returning);
  return begun;
}

/** The body of a parcel: its reports, with the unreadable elements among them. */
function letterOf(
  { dialect, reports, poison, filler, garbled, kills }: Parcel,
  content: Random,
): SignedRequest {
  const letter = dialect.compose(reports.map(respelled), content);
  if (garbled !== undefined || poison + filler === 0 || letter.body === null) return letter;
  const body: unknown = JSON.parse(letter.body, (_key, value: unknown, context?: { source: string }) =>
    // Numbers keep their digits, however long.
    typeof value === "number" && context !== undefined ? JSON.rawJSON(context.source) : value,
  );
  const elements = Array.isArray(body) ? body : isBatch(body) ? body.events : [body];
  const noise = Array.from({ length: filler / 8 }, () => content.digits(8)).join("");
  const filled =
    noise === "" ? elements : elements.map((one, i) => (i === 0 ? { ...Object(one), noise } : one));
  const unreadable = kills === true ? { ...POISON, note: DEADLY, noise } : POISON;
  return { ...letter, body: JSON.stringify(poison > 0 ? [...filled, unreadable] : filled) };
}

function isBatch(body: unknown): body is { events: unknown[] } {
  return typeof body === "object" && body !== null && "events" in body && Array.isArray(body.events);
}

/** A consumer gets a batch. */
export function deliver(
  { queues, gate, witness, pipes }: Simulation,
  which: "main" | "dead",
  { most, broken = false }: { most: number; broken?: boolean | undefined },
  name: string,
  random: Random | null,
): Begun | null {
  const delivered = take(queues, which, most, gate.now(), random);
  if (delivered.length === 0) return null;
  const batch = batchOf(which === "main" ? "tidings-deliveries" : "tidings-dead", delivered);
  const began = gate.now();
  const ids = delivered.map(({ message }) => headerOf(message.body).id);
  for (const id of ids) witness.processed.add(id);
  const begun = invocation(
    name,
    async (bindings) =>
      broken
        ? gate.die(begun.runner)
        : await inContext({ pipes }, async (context) => await worker.queue(batch, bindings, context)),
    (died) => {
      for (const id of ids) witness.consumed.set(id, { began, ended: gate.now() });
      settle(queues, which, delivered, died, gate.now(), random);
    },
  );
  begun.runner.mortal = true;
  return begun;
}

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
import type { Parcel } from "./world.ts";

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
          witness.accepted.push({ source: parcel.dialect.source, body: body ?? "", parcel: index });
      } else if (!died && value !== 503) {
        witness.refused.push(`${parcel.dialect.source} was answered ${String(value)}`);
      }
    },
  );
  simulation.brings.set(begun.runner, index);
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
  for (const { message } of delivered) witness.processed.add(headerOf(message.body).id);
  const begun = invocation(
    name,
    async (bindings) =>
      broken
        ? gate.die(begun.runner)
        : await inContext({ pipes }, async (context) => await worker.queue(batch, bindings, context)),
    (died) => settle(queues, which, delivered, died, gate.now(), random),
  );
  begun.runner.mortal = true;
  return begun;
}

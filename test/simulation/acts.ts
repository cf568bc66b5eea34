// Turns the acts of a history into runs of the Worker: people's requests to the API, scheduled runs, replays, and acts
// on pipes.

import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import type { Random } from "../../src/demo/traffic/random.ts";
import { counting } from "./counting.ts";
import { fetchFrom, invocation, type Asked, type Begun, type Simulation } from "./history.ts";
import { doingOf } from "./pipe-acts.ts";
import type { PipeAct } from "./pipe-world.ts";
import { askRebuild, install } from "./rebuilding.ts";
import { bringBack, deliver, post } from "./senders.ts";
import type { Act } from "./world.ts";

const HOUR = 3_600_000;

/** The invocation for an act; null if there is nothing to do. */
export async function begin(
  simulation: Simulation,
  act: Act,
  name: string,
  random: Random | null,
  acts: readonly Act[] = [],
): Promise<Begun | null> {
  switch (act.kind) {
    case "send":
      return post(simulation, act.parcel, act.backup, name);
    case "return":
      return bringBack(simulation, name, random);
    case "consume":
      return deliver(simulation, "main", act, name, random);
    case "bury":
      return deliver(simulation, "dead", { most: 20, broken: act.broken }, name, random);
    case "sweep":
      return sweeping(name);
    case "make":
    case "change":
    case "delete":
    case "leftover":
    case "pause":
    case "resume":
    case "redeliver":
    case "discard":
    case "alarm":
      return await pipeAct(simulation, act, acts, name, random);
    case "suppress":
    case "lift":
    case "erase":
    case "remove":
      return ask(simulation, act, name);
    case "renormalise":
      return invocation(
        name,
        async (bindings) => await fetchFrom(renormalising(simulation), bindings, simulation),
      );
    case "count":
      return counting(act.by, name);
    case "install":
      return install(simulation, act.name, name);
    case "rebuild":
      return askRebuild(simulation, name);
    case "replay": {
      const letters = await env.DB.prepare("SELECT id FROM dead_letters ORDER BY id").all<{ id: string }>();
      const ids = letters.results.map(({ id }) => id);
      const id = ids[random === null ? 0 : random.between(0, ids.length - 1)];
      return id === undefined ? null : replay(simulation, id, name);
    }
  }
}

/** A scheduled run. */
export function sweeping(name: string): Begun {
  const begun = invocation(name, async (bindings) => {
    await worker.scheduled(
      { scheduledTime: 0, cron: "", noRetry: () => {} },
      bindings,
      createExecutionContext(),
    );
  });
  begun.runner.mortal = true;
  return begun;
}

/** A person replays a dead letter. */
export function replay(simulation: Simulation, id: string, name: string): Begun {
  const headers = { authorization: `Bearer ${simulation.apiToken}` };
  const request = new Request(`https://edge.example/v1/dead-letters/${id}/replay`, {
    method: "POST",
    headers,
  });
  return invocation(name, async (bindings) => await fetchFrom(request, bindings, simulation));
}

/** A person changes a pipe, or the pipe's alarm goes off. */
async function pipeAct(
  { pipes, gate, witness, apiToken }: Simulation,
  act: PipeAct,
  acts: readonly Act[],
  name: string,
  random: Random | null,
): Promise<Begun | null> {
  const doing = pipes === null ? null : await doingOf(pipes, act, acts, gate.now(), random);
  if (doing === null) return null;
  if ("ring" in doing) {
    const begun = invocation(
      name,
      async (bindings) => await doing.ring(begun.runner, bindings),
      (died) => {
        doing.rung(died, gate.now());
        if (begun.runner.outcome.value instanceof Error)
          witness.refused.push(`an alarm failed: ${begun.runner.outcome.value.message}`);
      },
    );
    return begun;
  }
  const { method = "POST", path, body, fine, done } = doing;
  const begun = invocation(
    name,
    async (bindings) => {
      const headers = { authorization: `Bearer ${apiToken}`, "content-type": "application/json" };
      const init = { method, headers, body: body === null ? null : JSON.stringify(body) };
      return await fetchFrom(new Request(`https://edge.example/v1/${path}`, init), bindings, { pipes });
    },
    (died) => {
      const { value } = begun.runner.outcome;
      if (!died && value === 200) done?.();
      if (!died && value !== 503 && !fine.some((one) => one === value))
        witness.refused.push(`${act.kind} was answered ${String(value)}`);
    },
  );
  return begun;
}

/** Parses all archived deliveries again, with apply. */
function renormalising({ world, gate, apiToken }: Simulation): Request {
  const [from, to] = [world.start - HOUR, gate.now() + HOUR].map((ms) => new Date(ms).toISOString());
  return new Request("https://edge.example/v1/history/renormalise", {
    method: "POST",
    headers: { authorization: `Bearer ${apiToken}`, "content-type": "application/json" },
    body: JSON.stringify({ from, to, apply: true, limit: 200 }),
  });
}

/** The request for each kind of task, and the statuses that report its success. */
const ASKING = {
  suppress: { method: "PUT", path: "suppressions", done: [200] },
  lift: { method: "DELETE", path: "suppressions", done: [200, 404] },
  erase: { method: "DELETE", path: "contacts", done: [200, 202] },
  remove: { method: "DELETE", path: "sources", done: [202] },
} as const satisfies Record<Asked["kind"], { method: string; path: string; done: readonly number[] }>;

const ofWhat = (act: Asked): string =>
  act.kind === "remove" ? `${act.source}/data?confirm=${act.source}` : act.contact;

/**
 * A person suppresses, lifts or erases a contact, or removes the data of a source, and repeats the request until an
 * answer reports success.
 */
function ask({ owed, witness, gate, pipes, apiToken }: Simulation, act: Asked, name: string): Begun {
  const { method, path, done: answers } = ASKING[act.kind];
  const at = gate.now();
  const begun = invocation(
    name,
    async (bindings) => {
      const headers = { authorization: `Bearer ${apiToken}` };
      const url = `https://edge.example/v1/${path}/${ofWhat(act)}`;
      return await fetchFrom(new Request(url, { method, headers }), bindings, { pipes });
    },
    (died) => {
      const { value } = begun.runner.outcome;
      const done = !died && answers.some((answer) => answer === value);
      if (done) owed.delete(act);
      else owed.add(act);
      if (done && act.kind === "erase") witness.promised.push({ contact: act.contact, at });
      if (done && act.kind === "remove") witness.removals.push({ source: act.source, at });
      if (!done && !died && value !== 503) witness.refused.push(`${act.kind} was answered ${String(value)}`);
    },
  );
  return begun;
}

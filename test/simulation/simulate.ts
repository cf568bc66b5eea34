// Runs one history against the Worker's own three doors, on the real local database, objects and bucket, lets everything
// come to rest without further faults, and then asks the reference what is wrong.

import { createExecutionContext, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import worker from "../../src/index.ts";
import { withBasic } from "../../src/demo/traffic/requests.ts";
import { randomFrom, type Random } from "../../src/demo/traffic/random.ts";
import type { SignedRequest } from "../../src/demo/traffic/types.ts";
import { headerOf } from "../../src/model/envelope.ts";
import { makeGate, type Gate, type Listener, type Producer, type Runner } from "./gate.ts";
import { batchOf, enqueue, makeQueues, settle, take, type Queues } from "./queue.ts";
import { loadLazyModules } from "../lazy.ts";
import { checkUnderWay } from "./erased.ts";
import { doingOf, healPipes, lookAfterRound, makePipes, type PipeSide } from "./pipe-acts.ts";
import { checkPiped } from "./piped.ts";
import type { PipeAct } from "./pipe-world.ts";
import { check, type Witness } from "./reference.ts";
import { checkKept, look } from "./retention.ts";
import { MISTAKEN } from "./reports.ts";
import type { Act, Parcel, Round, World } from "./world.ts";

await loadLazyModules();

/** How often everything is delivered, swept and replayed before it counts as never coming to rest. */
const MOST_HEALINGS = 40;
const HOUR = 3_600_000;
const SECOND_PASSWORD = "next:second-secret";
/** Another one for each history: the Worker notes a token's first use, and every history has to begin alike. */
let apiToken = "";
let histories = 0;
/** An element that neither Mailjet nor a home-made system can mean. */
const POISON = { event: "open", email: "ann@example.com", time: "yesterday", timestamp: "yesterday" };
/** Sources that take nothing but signatures by their keys. */
const SIGNING_ONLY: ReadonlySet<string> = new Set(["lettermint", "unisender"]);

export interface Verdict {
  /** What is wrong; empty where every promise was kept. */
  violations: string[];
  log: string[];
  witness: Witness;
}

interface Simulation {
  world: World;
  queues: Queues;
  gate: Gate;
  rotation: Round["rotation"];
  /** Whether all sources are told rightly. */
  mended: boolean;
  /** The parcel that a runner brings. */
  brings: Map<Runner, number>;
  witness: Witness;
  /** Parcels for which the ESP saw a 200. */
  acknowledged: Set<number>;
  /** What people asked for and were not told that it is done. */
  owed: Set<Asked>;
  /** What an ESP may vary between two deliveries is drawn anew for each. */
  content: Random;
  pipes: PipeSide | null;
}

/** What somebody asks for, and goes on asking for until it is done. */
type Asked = Extract<Act, { contact: string }>;

export async function simulate(world: World): Promise<Verdict> {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: world.start });
  const quiet = (["log", "warn", "error"] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation(() => {}),
  );
  const random = randomFrom(world.seed + 1);
  const chance = vi.spyOn(Math, "random").mockImplementation(() => random.next());
  const bytes = vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    if (array instanceof Uint8Array) for (let i = 0; i < array.length; i++) array[i] = random.between(0, 255);
    return array;
  });
  try {
    await forget(world);
    if (world.pipes.length === 0) return await play(world, null);
    // All within an object, because only there may its storage be used.
    const home = env.PIPES.getByName("the home of simulated pipes");
    return await runInDurableObject(home, async (_pipe, state) => await play(world, state));
  } finally {
    for (const spy of [...quiet, chance, bytes]) spy.mockRestore();
    if (vi.isMockFunction(globalThis.fetch)) vi.mocked(globalThis.fetch).mockRestore();
    vi.useRealTimers();
  }
}

async function play(world: World, home: DurableObjectState | null): Promise<Verdict> {
  apiToken = `simulation-${(histories += 1)}`;
  const queues = makeQueues();
  const brings = new Map<Runner, number>();
  const witness: Witness = {
    world,
    envelopes: new Map(),
    processed: new Set(),
    accepted: [],
    refused: [],
    received: new Map(),
    known: new Map(),
    deeds: [],
    claims: [],
    erasures: [],
    promised: [],
  };
  const producer: Producer = {
    send: (bodies) => enqueue(queues, bodies, gate.now()),
    seen: (frame, runner) => {
      const parcel = brings.get(runner);
      if (parcel === undefined || !(frame instanceof Uint8Array)) return;
      const { id, receivedAt } = headerOf(frame);
      witness.envelopes.set(id, parcel);
      witness.received.set(id, receivedAt);
    },
  };
  const pipes = home === null ? null : await makePipes(world, home, () => gate);
  const gate = makeGate(
    world.start,
    producer,
    listenerOf(witness, pipes),
    () => configurationOf(world, simulation),
    pipes?.objects.of ?? null,
  );
  const content = randomFrom(world.seed + 2);
  const acknowledged = new Set<number>();
  const common = { world, queues, gate, brings, witness, acknowledged, content, pipes };
  const simulation: Simulation = { ...common, rotation: 0, mended: world.mistaken === null, owed: new Set() };
  for (const [i, round] of world.rounds.entries()) {
    gate.log.push(`-- round ${i + 1}, after ${round.wait} ms`);
    simulation.mended ||= world.mistaken === null || i >= world.mistaken.until;
    await playRound(simulation, round);
  }
  gate.log.push("-- no more faults");
  const atRest = await heal(simulation);
  const violations = atRest ? [] : ["it does not come to rest"];
  if (pipes !== null) violations.push(...(await endOfPipes(simulation, pipes)));
  const checked = [...violations, ...witness.refused, ...(await check(witness))];
  const all = checked.length > 0 ? checked : await endWhatIsOld(simulation);
  return { violations: all, log: gate.log, witness };
}

/** Everything is passed on, however long that takes; what is wrong then. */
async function endOfPipes(simulation: Simulation, pipes: PipeSide): Promise<string[]> {
  const { gate, world, witness } = simulation;
  const calm = randomFrom(world.seed + 9);
  gate.log.push("-- the pipes catch up");
  const atRest = await healPipes(pipes, gate, async (act, name) => {
    const begun = await begin(simulation, act, name, null);
    if (begun === null) return;
    await gate.run([begun.runner], 0, calm);
    begun.end(begun.runner.outcome.ended === "died");
  });
  const late = await lookAfterRound(pipes, witness.erasures);
  const wrong = await checkPiped(pipes.piped(witness.erasures));
  return [...(atRest ? [] : ["the pipes do not come to rest"]), ...late, ...wrong];
}

/** Long afterwards two scheduled runs at once, with faults, and then one without: what is wrong after that. */
async function endWhatIsOld({ world, gate }: Simulation): Promise<string[]> {
  if (world.kept === null) return [];
  const before = await look();
  const calm = randomFrom(world.seed + 5);
  gate.log.push(`-- ${world.kept.later} days after the beginning`);
  gate.pass(Math.max(0, world.start + world.kept.later * 24 * HOUR - gate.now()));
  for (const [names, faults] of [
    [["first", "second"], 0.15],
    [["last"], 0],
  ] as const)
    await gate.run(
      names.map((name) => sweeping(name).runner),
      faults,
      calm,
    );
  return await checkKept(before, world.kept, gate.now());
}

async function playRound(simulation: Simulation, round: Round): Promise<void> {
  const { gate } = simulation;
  const random = randomFrom(round.seed);
  gate.pass(round.wait);
  simulation.rotation = round.rotation;
  for (const contact of round.evicted) await evict(contact);
  const { pipes, witness } = simulation;
  pipes?.restart(round);
  const all: Begun[] = [];
  for (const [i, act] of round.acts.entries()) {
    const begun = await begin(simulation, act, `${act.kind} ${i + 1}`, random, round.acts);
    if (begun === null) continue;
    const skew = random.pick([0, 0, -5_000, 5_000]);
    begun.runner.skew = simulation.world.erasing || round.agreed === true ? 0 : skew;
    all.push(begun);
  }
  const runners = all.map(({ runner }) => runner);
  await gate.run(runners, round.faults, random, round.trap);
  for (const begun of all) begun.end(begun.runner.outcome.ended === "died");
  if (witness.erasures.length > 0) witness.refused.push(...(await checkUnderWay()));
  if (pipes !== null) witness.refused.push(...(await lookAfterRound(pipes, witness.erasures)));
}

interface Begun {
  runner: Runner;
  end(died: boolean): void;
}

/** The invocation that an act stands for; null where there is nothing to do. */
async function begin(
  simulation: Simulation,
  act: Act,
  name: string,
  random: Random | null,
  acts: readonly Act[] = [],
): Promise<Begun | null> {
  switch (act.kind) {
    case "send":
      return post(simulation, act.parcel, act.backup, name);
    case "consume":
      return deliver(simulation, "main", act.most, name, random);
    case "bury":
      return deliver(simulation, "dead", 20, name, random);
    case "sweep":
      return sweeping(name);
    case "make":
    case "change":
    case "delete":
    case "leftover":
    case "pause":
    case "resume":
    case "redeliver":
    case "alarm":
      return await pipeAct(simulation, act, acts, name, random);
    case "suppress":
    case "lift":
    case "erase":
      return ask(simulation, act, name);
    case "renormalise":
      return invocation(
        name,
        async (bindings) => await fetchFrom(renormalising(simulation), bindings, simulation),
      );
    case "replay": {
      const letters = await env.DB.prepare("SELECT id FROM dead_letters ORDER BY id").all<{ id: string }>();
      const ids = letters.results.map(({ id }) => id);
      const id = ids[random === null ? 0 : random.between(0, ids.length - 1)];
      return id === undefined ? null : replay(simulation, id, name);
    }
  }
}

function invocation(name: string, start: Runner["start"], end: Begun["end"] = () => {}): Begun {
  return { runner: { name, skew: 0, start, outcome: { ended: "no", value: null } }, end };
}

/** A scheduled run. */
function sweeping(name: string): Begun {
  return invocation(name, async (bindings) => {
    await worker.scheduled(
      { scheduledTime: 0, cron: "", noRetry: () => {} },
      bindings,
      createExecutionContext(),
    );
  });
}

function replay(simulation: Simulation, id: string, name: string): Begun {
  const headers = { authorization: `Bearer ${apiToken}` };
  const request = new Request(`https://edge.example/v1/dead-letters/${id}/replay`, {
    method: "POST",
    headers,
  });
  return invocation(name, async (bindings) => await fetchFrom(request, bindings, simulation));
}

/** Somebody does something to a pipe, or its alarm goes off. */
async function pipeAct(
  { pipes, gate, witness }: Simulation,
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

/** All deliveries that there may be, read anew and applied. */
function renormalising({ world, gate }: Simulation): Request {
  const [from, to] = [world.start - HOUR, gate.now() + HOUR].map((ms) => new Date(ms).toISOString());
  return new Request("https://edge.example/v1/history/renormalise", {
    method: "POST",
    headers: { authorization: `Bearer ${apiToken}`, "content-type": "application/json" },
    body: JSON.stringify({ from, to, apply: true, limit: 200 }),
  });
}

/** How each thing is asked for, and the answers that say that it is done. */
const ASKING = {
  suppress: { method: "PUT", path: "suppressions", done: [200] },
  lift: { method: "DELETE", path: "suppressions", done: [200, 404] },
  erase: { method: "DELETE", path: "contacts", done: [200, 202] },
} as const satisfies Record<Asked["kind"], { method: string; path: string; done: readonly number[] }>;

/** Somebody suppresses, lifts or erases; who is not told that it is done asks again. */
function ask({ owed, witness, gate, pipes }: Simulation, act: Asked, name: string): Begun {
  const { method, path, done: answers } = ASKING[act.kind];
  const at = gate.now();
  const begun = invocation(
    name,
    async (bindings) => {
      const headers = { authorization: `Bearer ${apiToken}` };
      const url = `https://edge.example/v1/${path}/${act.contact}`;
      return await fetchFrom(new Request(url, { method, headers }), bindings, { pipes });
    },
    (died) => {
      const { value } = begun.runner.outcome;
      const done = !died && answers.some((answer) => answer === value);
      if (done) owed.delete(act);
      else owed.add(act);
      if (done && act.kind === "erase") witness.promised.push({ contact: act.contact, at });
      if (!done && !died && value !== 503) witness.refused.push(`${act.kind} was answered ${String(value)}`);
    },
  );
  return begun;
}

/** Notes what each contact's object knew and did. */
function listenerOf(witness: Witness, pipes: PipeSide | null): Listener {
  const { known, claims: asked, erasures } = witness;
  const learn = (contact: string, id: string): void =>
    void known.set(contact, [...(known.get(contact) ?? []), id]);
  return {
    stored: async () => await pipes?.observer.look(),
    claimed: (contact, claims, granted) => {
      for (const [i, { key, origin, received, evidence }] of claims.entries()) {
        asked.push({
          contact,
          key,
          origin,
          received,
          evidence,
          granted: granted[i] === true,
          erasures: erasures.length,
        });
        if (granted[i] === true && evidence !== null) learn(contact, evidence.id);
      }
    },
    acted: (contact, orders, changed, now) => {
      for (const [i, { kind, id }] of orders.entries()) {
        if (changed[i] !== true) continue;
        const lifts = witness.deeds.filter((deed) => deed.contact === contact && deed.kind === "lift");
        const at = kind === "lift" ? now : Math.max(now, ...lifts.map((deed) => deed.at + 1));
        witness.deeds.push({
          contact,
          kind: kind === "lift" ? "lift" : "entry",
          id,
          at,
          known: [...(known.get(contact) ?? [])],
        });
        if (kind === "entry") learn(contact, id);
      }
    },
    erased: (contact, { id, at }) => {
      if (erasures.findLast((one) => one.contact === contact)?.id === id) return; // asked again
      const [own, others] = [true, false].map((is) =>
        witness.deeds.filter((deed) => (deed.contact === contact) === is),
      );
      erasures.push({ contact, id, at, deeds: own ?? [] });
      witness.deeds = others ?? [];
      known.delete(contact);
    },
  };
}

async function fetchFrom(request: Request, bindings: Env, side: Pick<Simulation, "pipes">): Promise<number> {
  return await inContext(side, async (context) => (await worker.fetch(request, bindings, context)).status);
}

/** Where there are pipes, a run ends once they are woken. */
async function inContext<T>(
  { pipes }: Pick<Simulation, "pipes">,
  work: (context: ExecutionContext) => Promise<T> | T,
): Promise<T> {
  if (pipes === null) return await work(createExecutionContext());
  const later: Promise<unknown>[] = [];
  const waitUntil = (promise: Promise<unknown>): void => void later.push(promise);
  const answer = await work({ waitUntil, passThroughOnException: () => {}, props: {} } as ExecutionContext);
  await Promise.allSettled(later);
  return answer;
}

/** The ESP posts a parcel; it goes on until it has seen a 200. */
function post(simulation: Simulation, index: number, backup: boolean, name: string): Begun | null {
  const parcel = simulation.world.parcels[index];
  if (parcel === undefined) return null;
  const { gate, witness, rotation } = simulation;
  const letter = letterOf(parcel, simulation.content);
  const second = rotation === 2 || (rotation === 1 && simulation.content.chance(0.5));
  const path = backup ? `/backup${letter.path}` : letter.path;
  const sign = second && rotates(parcel) ? withBasic(SECOND_PASSWORD) : parcel.dialect.sign;
  const signed = sign({ ...letter, path }, gate.now());
  const { method, headers, body } = signed;
  const request = new Request(`https://edge.example${signed.path}`, { method, headers, body });
  const begun = invocation(
    name,
    async (bindings) => await fetchFrom(request, bindings, simulation),
    (died) => {
      const { value } = begun.runner.outcome;
      if (!died && value === 200) {
        simulation.acknowledged.add(index);
        witness.accepted.push({ source: parcel.dialect.source, body: body ?? "", parcel: index });
      } else if (!died && value !== 503) {
        witness.refused.push(`${parcel.dialect.source} was answered ${String(value)}`);
      }
    },
  );
  simulation.brings.set(begun.runner, index);
  return begun;
}

/** Whether the source also takes a password; those that sign only are not rotated here. */
function rotates({ dialect }: Parcel): boolean {
  return !SIGNING_ONLY.has(dialect.source);
}

/** The letter of a parcel: its reports, with what nobody can read among them. */
function letterOf({ dialect, reports, poison, filler }: Parcel, content: Random): SignedRequest {
  const letter = dialect.compose(reports, content);
  if (poison + filler === 0 || letter.body === null) return letter;
  const body: unknown = JSON.parse(letter.body, (_key, value: unknown, context?: { source: string }) =>
    // Numbers go through as they are written, however long.
    typeof value === "number" && context !== undefined ? JSON.rawJSON(context.source) : value,
  );
  const elements = Array.isArray(body) ? body : isBatch(body) ? body.events : [body];
  const noise = Array.from({ length: filler / 8 }, () => content.digits(8)).join("");
  const filled =
    noise === "" ? elements : elements.map((one, i) => (i === 0 ? { ...Object(one), noise } : one));
  return { ...letter, body: JSON.stringify(poison > 0 ? [...filled, POISON] : filled) };
}

function isBatch(body: unknown): body is { events: unknown[] } {
  return typeof body === "object" && body !== null && "events" in body && Array.isArray(body.events);
}

/** A consumer gets a batch. */
function deliver(
  { queues, gate, witness, pipes }: Simulation,
  which: "main" | "dead",
  most: number,
  name: string,
  random: Random | null,
): Begun | null {
  const delivered = take(queues, which, most, gate.now(), random);
  if (delivered.length === 0) return null;
  const batch = batchOf(which === "main" ? "tidings-deliveries" : "tidings-dead", delivered);
  for (const { message } of delivered) witness.processed.add(headerOf(message.body).id);
  return invocation(
    name,
    async (bindings) =>
      await inContext({ pipes }, async (context) => await worker.queue(batch, bindings, context)),
    (died) => settle(queues, which, delivered, died, gate.now(), random),
  );
}

/** Without faults everything has to come to rest: all parcels accepted, nothing queued, spooled or waiting for a replay. */
async function heal(simulation: Simulation): Promise<boolean> {
  const { world, gate, queues, acknowledged } = simulation;
  simulation.rotation = world.rounds.at(-1)?.rotation ?? 0;
  simulation.mended = true;
  const calm = randomFrom(world.seed + 3);
  const one = async (act: Act, name: string): Promise<void> => {
    const begun = await begin(simulation, act, name, null);
    if (begun === null) return;
    await gate.run([begun.runner], 0, calm);
    begun.end(false);
  };
  for (let n = 0; n < MOST_HEALINGS; n += 1) {
    gate.pass(HOUR);
    for (const [parcel] of world.parcels.entries())
      if (!acknowledged.has(parcel)) await one({ kind: "send", parcel, backup: false }, "again");
    for (const act of simulation.owed) await one(act, "asked again");
    await one({ kind: "sweep" }, "sweep");
    while (queues.main.some(({ visibleAt }) => visibleAt <= gate.now()))
      await one({ kind: "consume", most: 100 }, "consume");
    await one({ kind: "bury" }, "bury");
    const whole = await env.DB.prepare("SELECT id FROM dead_letters WHERE element IS NULL ORDER BY id").all<{
      id: string;
    }>();
    for (const { id } of whole.results) {
      const begun = replay(simulation, id, "replay");
      await gate.run([begun.runner], 0, calm);
    }
    const waiting = queues.main.length + queues.dead.length + whole.results.length;
    const spooled = await env.BUCKET.list({ prefix: "spool/", limit: 1 });
    const told = acknowledged.size === world.parcels.length && simulation.owed.size === 0;
    const erasing = await env.DB.prepare("SELECT id FROM erasures WHERE finished_at IS NULL").first();
    if (waiting > 0 || spooled.objects.length > 0 || !told || erasing !== null) continue;
    if (world.mistaken !== null) await one({ kind: "renormalise" }, "read anew");
    return true;
  }
  return false;
}

function configurationOf(
  { parcels, kept, mistaken }: World,
  { rotation, mended }: Pick<Simulation, "rotation" | "mended">,
): Record<string, unknown> {
  const credentials: Record<string, unknown> = {};
  const sources: Record<string, unknown> = {};
  for (const parcel of parcels) {
    const { source, credentials: own, settings } = parcel.dialect;
    const first = [own ?? []].flat();
    const second = rotates(parcel) ? [SECOND_PASSWORD] : first;
    credentials[source] = [first, [...first, SECOND_PASSWORD], second][rotation];
    if (!rotates(parcel)) credentials[source] = first;
    if (settings !== undefined) sources[source] = settings;
  }
  if (!mended)
    sources[MISTAKEN] = {
      parameters: Object.fromEntries((mistaken?.fields ?? []).map((field) => [field, "none"])),
    };
  return {
    SOURCE_CREDENTIALS: JSON.stringify(credentials),
    SOURCES: sources,
    RETENTION: kept === null ? {} : { events_days: kept.events_days, archive_days: kept.archive_days },
    API_TOKENS: JSON.stringify({ simulation: apiToken }),
  };
}

async function evict(contact: string): Promise<void> {
  // One that is not running has been evicted already, and says so by failing.
  await evictDurableObject(env.CONTACTS.getByName(contact)).catch((error: unknown) => {
    if (!String(error).includes("not currently running")) throw error;
  });
}

/** Empties what an earlier history has left. */
async function forget({ contacts }: World): Promise<void> {
  const tables = [
    "pipes", // first, so that nobody is told what goes
    "notices",
    "attempts",
    "events",
    "messages",
    "contacts",
    "suppressions",
    "rollups",
    "day_rollups",
    "campaign_rollups",
    "tag_rollups",
    "sources",
    "tallies",
    "dead_letters",
    "erasures",
    "erased",
    "batches",
    "recounts",
    "recount_cells",
  ];
  await env.DB.batch(tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  for (;;) {
    const { objects } = await env.BUCKET.list();
    if (objects.length === 0) break;
    await env.BUCKET.delete(objects.map(({ key }) => key));
  }
  for (const contact of contacts) {
    const object = env.CONTACTS.getByName(contact);
    await runInDurableObject(object, async (_instance, { storage }) => await storage.deleteAll());
    await evict(contact);
  }
}

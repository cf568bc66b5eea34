// The receivers of simulated pipes: each behaves by the mood of the round, at random from request to request, and
// records the events that it accepted.

import type { Random } from "../../src/demo/traffic/random.ts";
import type { Gate, Runner } from "./gate.ts";
import type { Mood, PipePlan, Way } from "./pipe-world.ts";
import type { PipeCall } from "./second-deployment.ts";

/** An event or system event that a receiver answered with 2xx, whether or not the answer arrived. */
export interface Taken {
  pipe: number;
  /** The attempt to create a pipe that its URL belongs to. */
  making: number;
  id: string;
  type: string;
  contact: string | null;
}

/** All receivers of a history, and the events that they accepted. */
export interface Receivers {
  /** Takes the place of the network's fetch. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  taken: Taken[];
  /**
   * The receivers' moods, by the number of the pipe. Empty: all work, except for the events that they permanently
   * refuse.
   */
  moods: readonly Mood[];
  /** Requests that no pipe should have made. */
  refused: string[];
}

type Answer = "cut" | "hangs" | { status: number; body: string | null; headers?: Record<string, string> };

/**
 * `runnerOf`: the run that makes the requests of the pipe with this creation number, and whether it may make any.
 * `leadBack`: takes the accepted requests of pipes that lead back.
 */
export function makeReceivers(
  plans: readonly PipePlan[],
  random: Random,
  runnerOf: (making: number) => { runner: Runner; paused: boolean } | null,
  gate: () => Gate,
  leadBack: (way: Way, call: PipeCall) => Promise<void>,
): Receivers {
  const answer = async (pipe: number, told: readonly Taken[], call: PipeCall): Promise<Answer> => {
    const plan = plans[pipe];
    const keep = async (body: string | null = null, status = 200): Promise<Answer> => {
      receivers.taken.push(...told);
      if (plan?.returns !== undefined) await leadBack(plan.returns, call);
      return { status, body };
    };
    const refused = plan === undefined ? undefined : told.find(({ id }) => isRefused(plan, id));
    if (refused !== undefined) return { status: statusOf(refused.id), body: "no" };
    const given = receivers.moods[pipe] ?? "well";
    const mood =
      given === "storm"
        ? random.pick([
            "well",
            "well",
            "well",
            "picky",
            "down",
            "cut",
            "hangs",
            "late",
            "slow",
            "odd",
          ] as const)
        : given;
    switch (mood) {
      case "well":
        return await (random.chance(0.9) ? keep() : keep("<<<\u0000", 202));
      case "down":
        return { status: random.pick([500, 502, 503, 408]), body: "down", ...maybeWait(random) };
      case "cut":
      case "hangs":
        return mood;
      case "late":
        await keep();
        return "hangs";
      case "slow":
        return random.chance(0.3)
          ? { status: 429, body: null, headers: { "retry-after": random.pick(["1", "30", "3600", "soon"]) } }
          : await keep();
      case "denied":
        return { status: random.pick([401, 403, 404, 301]), body: null };
      case "gone":
        return { status: 410, body: null };
      case "picky":
        return told.some(({ id }) => sumOf(id) % 3 === 0) ? { status: 500, body: "oh" } : await keep();
      case "odd":
        return { status: random.pick([400, 413, 422, 503, 302]), body: "x".repeat(100) };
    }
  };
  const receivers: Receivers = {
    taken: [],
    moods: [],
    refused: [],
    fetch: async (url, init) => {
      const { hostname, pathname } = new URL(url);
      const name = hostname.split(".")[0] ?? "";
      const making = Number(pathname.slice(1));
      const pipe = plans.findIndex((one) => one.name === name);
      const found = runnerOf(making);
      const signal = init.signal ?? new AbortController().signal;
      if (found === null) return await aborted(signal); // its run has ended
      if (found.paused) receivers.refused.push(`${name} is paused, and sends`);
      const body = typeof init.body === "string" ? init.body : "[]";
      const told = readBody({ pipe, making }, body);
      const call = { headers: Object.fromEntries(new Headers(init.headers)), body };
      const id = new Headers(init.headers).get("webhook-id") ?? "";
      const what = `post ${name} ${id} of ${told.length}`;
      const heard = await Promise.race([
        gate().enter(found.runner, what, async () => await answer(pipe, told, call)),
        aborted(signal),
      ]);
      if (heard === "hangs") return await aborted(signal);
      if (heard === "cut") throw new TypeError("Network connection lost.");
      return new Response(heard.body, { status: heard.status, headers: heard.headers ?? {} });
    },
  };
  return receivers;
}

/** Whether the receiver refuses this event, for now or permanently. */
export function isRefused({ refuses }: PipePlan, id: string): boolean {
  return refuses > 0 && sumOf(id) % refuses === 0 && sumOf(id) % 5 !== 0;
}

/** What it answers to an event that it refuses: also what elsewhere means that it denies everything. */
function statusOf(id: string): number {
  return [400, 404, 422, 403, 400, 405, 404][sumOf(id) % 7] ?? 400;
}

function sumOf(id: string): number {
  let sum = 0;
  for (let i = 0; i < id.length; i++) sum += id.charCodeAt(i);
  return sum;
}

function maybeWait(random: Random): { headers?: Record<string, string> } {
  return random.chance(0.1) ? { headers: { "retry-after": "120" } } : {};
}

interface Payload {
  type: string;
  data: { id: string; contact: string | null };
}

function readBody(of: Pick<Taken, "pipe" | "making">, text: string): Taken[] {
  const body = JSON.parse(text) as Payload | Payload[];
  return [body].flat().map(({ type, data: { id, contact } }) => ({ ...of, id, type, contact }));
}

async function aborted(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const end = (): void => reject(new Error("aborted"));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

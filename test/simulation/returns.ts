// Receivers of pipes that lead back to a source of the deployment that the events come from: a proxy under another name,
// which passes on each request as it is, or a second deployment. What comes back is posted like an ESP's reports: again
// and again, until the source has answered 200.

import { headerOf } from "../../src/model/envelope.ts";
import type { Runner } from "./gate.ts";
import type { Way } from "./pipe-world.ts";
import { makeSecondDeployment, type PipeCall } from "./second-deployment.ts";

/** The source that such receivers call, and its credential. */
export const LOOP = "loop";
export const LOOP_TOKEN = "the-secret-of-what-comes-back";

/** An event in a request that comes back. */
export interface Told {
  type: string;
  contact: string | null;
  message_id: string | null;
  /** ms */
  at: number;
  /** Through how many pipes the event says that it had come before this request. */
  hops: number;
}

/** A request that comes back. */
export interface Returning extends PipeCall {
  /** Through how many pipes it says that it came. */
  hops: number;
  /** The id of a request with one event; null for an array. */
  id: string | null;
  told: Told[];
  accepted: boolean;
}

/** All that came back in a history. */
export interface Returns {
  all: Returning[];
  /** By the envelope that the source made of it. */
  envelopes: Map<string, Returning>;
  /** By the run that posts it. */
  posts: Map<Runner, Returning>;
  /** Requests that the second deployment refused as a loop. */
  ended: Returning[];
  wrong: string[];
}

export function makeReturns(): Returns {
  return { all: [], envelopes: new Map(), posts: new Map(), ended: [], wrong: [] };
}

/** Takes what the receivers of a history accept and send back. */
export function makeWays(returns: Returns): (way: Way, call: PipeCall) => Promise<void> {
  const second = makeSecondDeployment();
  return async (way, call) => {
    if (way === "proxy") return void returns.all.push(returningOf(call));
    const request = returningOf(call);
    const { status, calls, read, letters } = await second(call);
    returns.all.push(...calls.map(returningOf));
    if (status !== 200) returns.wrong.push(`the second deployment answered ${status}`);
    if (letters > 0) returns.ended.push(request);
    else if (read !== request.told.length)
      returns.wrong.push(`the second deployment read ${read} events of ${request.told.length}`);
  };
}

/** Notes the envelope that a run makes of a request that comes back. Returns whether it is such a run. */
export function noteReturn({ posts, envelopes }: Returns, frame: unknown, runner: Runner): boolean {
  const returning = posts.get(runner);
  if (returning === undefined || !(frame instanceof Uint8Array)) return false;
  envelopes.set(headerOf(frame).id, returning);
  return true;
}

interface Payload {
  type: string;
  timestamp: string;
  data: { contact: string | null; message_id?: string | null; hops?: number | null };
}

function returningOf(call: PipeCall): Returning {
  const headers = new Headers(call.headers);
  const body = JSON.parse(call.body) as Payload | Payload[];
  const told = [body].flat().map(({ type, timestamp, data }): Told => {
    const { contact, message_id = null, hops } = data;
    return { type, contact, message_id, at: Date.parse(timestamp), hops: hops ?? 0 };
  });
  const id = Array.isArray(body) ? null : headers.get("webhook-id");
  return { ...call, hops: Number(headers.get("tidings-hops") ?? 0), id, told, accepted: false };
}

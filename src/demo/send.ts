// Sends as an ESP does: a few requests at a time, and again after a delay if the answer is a 5xx or missing.

import { setTimeout as sleep } from "node:timers/promises";
import { inPool } from "../lib/pool.ts";
import type { PlannedRequest } from "./traffic/types.ts";

const AT_ONCE = 8;
const ATTEMPTS = 5;
const FIRST_DELAY = 250; // ms, doubled each time
const DEADLINE = 30_000; // ms an attempt may take

/** The result of sending. */
export interface Sent {
  /** The number of requests by the status of the last answer; 0 if there was none. */
  statuses: Map<number, number>;
  /** The number of attempts that had to be repeated. */
  retried: number;
  /** Descriptions of requests whose answer differed from the expected one. */
  surprises: string[];
}

/**
 * Sends all requests in order, `AT_ONCE` at a time. After each answer `onAnswer` gets the number of requests that are
 * done.
 */
export async function sendAll(
  url: string,
  requests: readonly PlannedRequest[],
  onAnswer: (done: number) => void,
): Promise<Sent> {
  const sent: Sent = { statuses: new Map(), retried: 0, surprises: [] };
  let done = 0;
  await inPool(requests, { atOnce: AT_ONCE }, async (request) => {
    const status = await sendOne(url, request, sent);
    sent.statuses.set(status, (sent.statuses.get(status) ?? 0) + 1);
    if (status !== request.status) {
      const path = request.path.split("?", 1)[0]; // without the token
      sent.surprises.push(
        `${request.method} ${path}: ${status === 0 ? "no answer" : status}, not ${request.status}`,
      );
    }
    onAnswer(++done);
  });
  return sent;
}

async function sendOne(url: string, request: PlannedRequest, sent: Sent): Promise<number> {
  let status = 0;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    status = await attemptOne(url, request);
    if (status !== 0 && status < 500) return status;
    if (attempt === ATTEMPTS) break;
    sent.retried += 1;
    await sleep(FIRST_DELAY * 2 ** (attempt - 1));
  }
  return status;
}

/** The status of the answer, or 0 if there was none. */
async function attemptOne(url: string, request: PlannedRequest): Promise<number> {
  try {
    const { method, path, headers, body } = request.sign(request, Date.now());
    const signal = AbortSignal.timeout(DEADLINE);
    const answer = await fetch(`${url}${path}`, { method, headers, body, signal });
    await answer.text();
    return answer.status;
  } catch {
    return 0;
  }
}

// Sends the planned requests, a handful at a time, and checks every answer.

import { exchange } from "./exchange.ts";
import { isFromLocalServer, wrongWith } from "./oracles.ts";
import type { WorkerLog } from "./worker-log.ts";
import type { Finding, FuzzRequest, Outcome } from "./types.ts";

const AT_ONCE = 12;
/** Requests that were in flight when a line was logged, or shortly before. */
const SUSPECTS = 40;
const MOST_FINDINGS = 20;

/** The record of the requests that were sent. */
export interface Driven {
  requests: number;
  /**
   * Answers by status; those of the local server, which the Worker never saw; "none" if no answer was required.
   */
  statuses: Map<string, number>;
  kinds: Map<string, number>;
  /** Envelopes that were answered with 200: each must be acknowledged in the queue in the end. */
  accepted: string[];
  /** Messages that went into the queue of Cloudflare Email Service, as far as an answer confirmed it. */
  emailEvents: number;
  findings: Finding[];
  /** The last requests: one of them most likely caused a late line in the log. */
  suspects: FuzzRequest[];
}

/** Sends requests until `isOver`; calls `onAnswer` after each. */
export async function drive(
  port: number,
  plan: (place: number) => FuzzRequest,
  log: WorkerLog,
  isOver: (started: number) => boolean,
  onAnswer: (driven: Driven) => void,
): Promise<Driven> {
  const driven: Driven = {
    requests: 0,
    statuses: new Map(),
    kinds: new Map(),
    accepted: [],
    emailEvents: 0,
    findings: [],
    suspects: [],
  };
  const { suspects } = driven;
  let started = 0;
  const sender = async (): Promise<void> => {
    while (!isOver(started) && driven.findings.length < MOST_FINDINGS) {
      const request = plan(started);
      started += 1;
      suspects.push(request);
      if (suspects.length > SUSPECTS) suspects.shift();
      const outcome = await exchange(port, request);
      note(driven, request, outcome);
      const wrong = wrongWith(request, outcome);
      if (wrong !== null) driven.findings.push({ what: wrong, requests: [request] });
      for (const what of log.newFindings()) driven.findings.push({ what, requests: [...suspects] });
      onAnswer(driven);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return driven;
}

function note(driven: Driven, request: FuzzRequest, { answers }: Outcome): void {
  driven.requests += 1;
  count(driven.kinds, request.kind);
  if (answers.length === 0) count(driven.statuses, "none");
  for (const answer of answers) {
    const { status, headers, body } = answer;
    count(driven.statuses, isFromLocalServer(answer) ? "no proper HTTP" : String(status));
    if (status !== 200 || !/json|text/.test(headers.get("content-type") ?? "")) continue;
    const text = body.toString("utf8");
    const accepted = /^accepted ([0-9a-z]{26})$/m.exec(text)?.[1];
    if (accepted !== undefined) driven.accepted.push(accepted);
    driven.emailEvents += Number(/^\{"queued":(\d+)\}$/.exec(text)?.[1] ?? 0);
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

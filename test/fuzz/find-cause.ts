// Finds which of several suspect requests caused a finding, and the smallest part of it that still does.

import { setTimeout as sleep } from "node:timers/promises";
import { exchange } from "./exchange.ts";
import { wrongWith } from "./oracles.ts";
import { shrink } from "./shrink.ts";
import type { Finding, FuzzRequest } from "./types.ts";
import type { WorkerLog } from "./worker-log.ts";

/** How long to wait for a line in the log, ms: a batch waits for three seconds before it is processed. */
const LOG_DELAY = 5_000;

/**
 * The finding with the fewest and smallest requests that still cause it. `deadline`: ms since the epoch, when the
 * search ends.
 */
export async function findCause(
  finding: Finding,
  port: number,
  log: WorkerLog,
  deadline: number,
): Promise<Finding> {
  const [only] = finding.requests;
  if (only === undefined) return finding;
  const inTime = (): boolean => Date.now() < deadline;
  if (finding.requests.length > 1) {
    return { ...finding, requests: await amongSuspects(finding, port, log, inTime) };
  }
  const fails = async (request: FuzzRequest): Promise<boolean> =>
    inTime() && likeness(wrongWith(request, await exchange(port, request))) === likeness(finding.what);
  return { ...finding, requests: [(await fails(only)) ? await shrink(only, fails) : only] };
}

/** A key that is the same for all findings of one kind, whatever they quote. */
export function likeness(what: string | null): string | undefined {
  return what?.replaceAll(/\/webhooks\/\w+|[0-9a-z]{26,}|\d+/g, "#").slice(0, 120);
}

/** Halves the suspects as long as one half alone causes the same complaint in the log. */
async function amongSuspects(
  finding: Finding,
  port: number,
  log: WorkerLog,
  inTime: () => boolean,
): Promise<readonly FuzzRequest[]> {
  let suspects = finding.requests;
  while (suspects.length > 1 && inTime()) {
    const middle = Math.ceil(suspects.length / 2);
    const [first, second] = [suspects.slice(0, middle), suspects.slice(middle)];
    if (await complains(first, finding.what, port, log)) suspects = first;
    else if (await complains(second, finding.what, port, log)) suspects = second;
    else break; // the finding needs requests of both halves
  }
  return suspects;
}

async function complains(
  requests: readonly FuzzRequest[],
  what: string,
  port: number,
  log: WorkerLog,
): Promise<boolean> {
  log.newFindings();
  await Promise.all(requests.map(async (request) => await exchange(port, request)));
  await sleep(LOG_DELAY);
  return log.newFindings().some((line) => likeness(line) === likeness(what));
}

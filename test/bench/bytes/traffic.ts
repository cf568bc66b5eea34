// The demo's traffic of all providers, as it reaches a database: each report once, in the groups in which its provider
// posts it, with tests of the URL and what cannot be read between them. Repeats and refused requests are left out,
// because they add no event.

import { makeTraffic } from "../../../src/demo/traffic/traffic.ts";
import type { PlannedRequest, Report } from "../../../src/demo/traffic/types.ts";
import type { Posted } from "../labs/bytes.ts";

const SEED = 20_261_121;

/** The requests that carry these many different reports, in order of time. `now`: ms, the end of the two days. */
export function firstRequests(events: number, now: number): PlannedRequest[] {
  const carried = new Set<Report>();
  const isFirst = ({ status, reports }: PlannedRequest): boolean => {
    const before = carried.size;
    if (status !== 200) return false;
    for (const report of reports) carried.add(report);
    return reports.length === 0 || carried.size > before;
  };
  const { requests } = makeTraffic({ seed: SEED, events, now });
  const chosen = requests.filter(isFirst);
  if (carried.size !== events) throw new Error(`the requests carry ${carried.size} reports of ${events}`);
  return chosen;
}

/** A request as it is posted at the time `now`, ms: providers sign the time, too. */
export function signed(request: PlannedRequest, now: number): Posted {
  const { method, path, headers, body } = request.sign(request, now);
  return { method, path: path.replace(/^\/backup/, ""), headers, body };
}

// Which databases failed a moment ago, as this isolate has seen it. What belongs to one that fails is parked (park.ts); after
// two failures in a row it is parked at once for ten seconds, so that others need not wait for its deadline each time.

import { SECOND } from "../lib/time.ts";

/** After so many failures in a row a database rests. */
const MOST_FAILURES = 2;
/** For how long, ms. */
const REST = 10 * SECOND;

interface Health {
  failures: number;
  restsUntil: number;
}

const known = new WeakMap<object, Health>();

/** Whether a database failed so lately that it is not tried. `now`: ms. */
export function isResting(db: object, now: number): boolean {
  return (known.get(db)?.restsUntil ?? 0) > now;
}

/** Notes that a database failed. `now`: ms. */
export function noteFailure(db: object, now: number): void {
  const failures = (known.get(db)?.failures ?? 0) + 1;
  known.set(db, { failures, restsUntil: failures >= MOST_FAILURES ? now + REST : 0 });
}

/** Notes that a database stored something. */
export function noteSuccess(db: object): void {
  known.delete(db);
}

// Loops between pipes and sources. A pipe tells how many pipes an event has come through, its own included, and a source
// of any Tidings remembers it with the event. So a pipe that leads back to where its events come from, at once or by way
// of another deployment, ends after a few rounds. A chain of two or three deployments works as it should.

/** The request header that pipes send and sources read: a whole number from 1. */
export const HOPS_HEADER = "tidings-hops";

/** A delivery that came through so many pipes runs in a circle: it becomes a dead letter and is passed on no more. */
export const MOST_HOPS = 3;

/** How many pipes a request came through; null if none, or if its header is no such number. */
export function hopsOf(header: string | null | undefined): number | null {
  const hops = /^[0-9]{1,3}$/.test(header ?? "") ? Number(header) : 0;
  return hops > 0 ? hops : null;
}

/** What a pipe sends with these events: one more than the most that any of them has. */
export function hopsWith(events: readonly { event: Readonly<Record<string, unknown>> }[]): number {
  const most = Math.max(0, ...events.map(({ event: { hops } }) => (typeof hops === "number" ? hops : 0)));
  return most + 1;
}

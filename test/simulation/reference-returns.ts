// Rules for pipes that lead back to a source here: a loop ends after a few rounds, and nothing but the loop does.

import { LOOP, type Returning, type Returns, type Told } from "./returns.ts";
import type { EventRow } from "./witness.ts";

/** A request that came through so many pipes is a loop. */
const MOST_HOPS = 3;
/** The most events of one report: each round adds one for a request of its own, and all rounds one for an array. */
const MOST_OF_ONE = 2 * (MOST_HOPS - 1);

/** Whether a source must keep a request back as a loop. */
export function isLoop({ hops }: Returning): boolean {
  return hops >= MOST_HOPS;
}

/** All violations, in words. */
export function checkReturns({ all, ended, wrong }: Returns, events: readonly EventRow[]): string[] {
  const wanted = new Map<string, Set<string>>();
  for (const { hops, id, told } of all.filter((one) => !isLoop(one)))
    for (const one of told) {
      const key = keyOf(one);
      // Requests of their own are told apart by their ids, events in arrays by what they say.
      wanted.set(key, (wanted.get(key) ?? new Set()).add(id ?? `${one.type} among others`));
      if (hops !== one.hops + 1)
        wrong.push(`${key} is told to have come through ${hops} pipes, not ${one.hops + 1}`);
    }
  const stored = Map.groupBy(
    events.filter(({ source }) => source === LOOP),
    keyOf,
  );
  const differing = [...new Set([...wanted.keys(), ...stored.keys()])].flatMap((key) => {
    const [is, should] = [stored.get(key)?.length ?? 0, wanted.get(key)?.size ?? 0];
    return is === should ? [] : [`${key} came back as ${is} events, not ${should}`];
  });
  const many = [...stored].flatMap(([key, { length, 0: first }]) =>
    first?.message_id !== null && length > MOST_OF_ONE
      ? [`${key} came back ${length} times: nothing stops the loop`]
      : [],
  );
  const innocent = [...all.filter(isLoop), ...ended].flatMap(({ told }) =>
    told.flatMap((one) => (one.hops + 1 < MOST_HOPS ? [`${keyOf(one)} was taken for a loop`] : [])),
  );
  const open = all
    .filter(({ accepted }) => !accepted)
    .map(({ id }) => `${id ?? "an array"} did not come back`);
  return [...wrong, ...many, ...differing, ...innocent, ...open];
}

function keyOf({ contact, message_id, at }: Pick<Told, "contact" | "message_id" | "at"> | EventRow): string {
  return JSON.stringify([contact, message_id, at]);
}

// What the cases of all kinds that write to people through a webhook have in common.

import type { DeliveryResult, Kind } from "../../../../src/pipes/kinds/kind.ts";
import { answered, echoes, httpErrors, type RoomCase } from "../rooms.ts";
import type { Refusal } from "../suite.ts";

/** An answer of JSON with this status. */
export const said = (when: string, status: number, body: unknown, result: DeliveryResult): Refusal =>
  answered(when, { status, body }, result);

/** A case of a kind with a `url`. `hook`: the path and query that the peer takes; `ids`: whether it is told events' ids. */
export function chatCase({
  hook,
  ids,
  settings = {},
  secretValues,
  errors,
  ...given
}: Pick<RoomCase, "name" | "control" | "wrong" | "secretValues" | "errors"> & {
  kind: Kind;
  hook: string;
  ids: boolean;
  settings?: Record<string, unknown>;
}): RoomCase {
  const url = given.control.url + hook;
  return {
    ...given,
    settings: (changes = {}) => ({ url, ...settings, ...changes }),
    secretValues: [hook, ...secretValues],
    errors: [...httpErrors(), ...errors],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes([url]),
    // What people read of each is in the kind's own tests.
    arrives: ({ id, type }, attempt) => {
      return { id: ids ? id : null, type, attempt: attempt.id, order: null, text: "null" };
    },
    largest: null, // what is long is cut
  };
}

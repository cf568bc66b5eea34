// `pagerduty` in the shared suite, against a written peer.

import { pagerduty } from "../../../../src/pipes/kinds/pagerduty.ts";
import { PAGERDUTY_KEY } from "../../peers/known.ts";
import { answered, echoes, httpErrors, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase } from "../suite.ts";
import { said } from "./chat.ts";

export async function pagerdutyCase(): Promise<RoomCase> {
  const control = await openRoom("pagerduty");
  const invalid = { status: "invalid event", message: "Event object is invalid" };
  return {
    name: "pagerduty",
    kind: pagerduty,
    control,
    settings: (changes = {}) => ({ routing_key: PAGERDUTY_KEY, endpoint: control.url, ...changes }),
    wrong: { "another key": { routing_key: "0".repeat(32) } },
    secretValues: [PAGERDUTY_KEY],
    errors: [
      ...httpErrors(),
      answered("429 without a time", { status: 429, body: "" }, "slow_down", { retryAfter: 30_000 }),
      said("an event that is not valid", 400, { ...invalid, errors: ["'summary' is too long"] }, "refused"),
      said(
        "a key of the wrong length",
        400,
        { ...invalid, errors: ["Length of 'routing_key' is incorrect"] },
        "denied",
      ),
      said("200 in place of 202", 200, { status: "success" }, "unavailable"),
    ],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes([PAGERDUTY_KEY]),
    // What people read of each is in pagerduty.test.ts.
    arrives: ({ id, type }, attempt) => ({ id, type, attempt: attempt.id, order: null, text: "null" }),
    largest: null, // what is long is cut
  };
}

export const cases: readonly KindCase[] = [await pagerdutyCase()];

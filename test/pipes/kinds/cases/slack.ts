// `slack` in the shared suite, against a written peer.

import type { DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import { slack } from "../../../../src/pipes/kinds/slack.ts";
import { SLACK_HOOK } from "../../peers/known.ts";
import { answered, echoes, httpErrors, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase, Refusal } from "../suite.ts";

const said = (status: number, body: string, result: DeliveryResult): Refusal =>
  answered(`${status} ${body}`, { status, body }, result);

export async function slackCase(): Promise<RoomCase> {
  const control = await openRoom("slack");
  const url = control.url + SLACK_HOOK;
  return {
    name: "slack",
    kind: slack,
    control,
    settings: (changes = {}) => ({ url, ...changes }),
    wrong: { "another webhook": { url: `${url}X` } },
    secretValues: [SLACK_HOOK, "RightSecret"],
    errors: [
      ...httpErrors(),
      answered("429 without a time", { status: 429, body: "rate_limited" }, "slow_down", {
        retryAfter: 1000,
      }),
      said(400, "invalid_payload", "refused"),
      said(400, "user_not_found", "denied"),
      said(403, "action_prohibited", "denied"),
      said(403, "invalid_token", "denied"),
      said(404, "channel_not_found", "denied"),
      said(404, "no_service", "denied"),
      said(410, "channel_is_archived", "gone"),
      said(500, "rollup_error", "unavailable"),
    ],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes([url]),
    // What people read of each is in slack.test.ts.
    arrives: ({ id, type }, attempt) => ({ id, type, attempt: attempt.id, order: null, text: "null" }),
    largest: null, // what is long is cut
  };
}

export const cases: readonly KindCase[] = [await slackCase()];

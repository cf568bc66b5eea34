// `hubspot` in the shared suite, against a written peer.

import { hubspot } from "../../../../src/pipes/kinds/hubspot.ts";
import { HUBSPOT_TOKEN } from "../../peers/known.ts";
import { answered, echoes, httpErrors, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase, Refusal } from "../suite.ts";

const limited = (when: string, policyName: string, retryAfter: number, headers = {}): Refusal => {
  const body = { status: "error", errorType: "RATE_LIMIT", policyName };
  return answered(when, { status: 429, body, headers }, "slow_down", { retryAfter });
};
const FIELDS = {
  suppressed: "tidings_suppressed",
  suppression_reason: "tidings_reason",
  last_event: "tidings_last_event",
  last_event_at: "tidings_last_event_at",
};

export async function hubspotCase(): Promise<RoomCase> {
  const control = await openRoom("hubspot");
  return {
    name: "hubspot",
    kind: hubspot,
    control,
    settings: (changes = {}) => ({ token: HUBSPOT_TOKEN, url: control.url, fields: FIELDS, ...changes }),
    wrong: {
      "another token": { token: "pat-wrong" },
      "a property that is not there": { fields: { last_event: "no_such" } },
    },
    secretValues: [HUBSPOT_TOKEN],
    errors: [
      ...httpErrors(),
      limited("429 for the second", "SECONDLY", 1000),
      limited("429 for ten", "TEN_SECONDLY_ROLLING", 10_000),
      limited("429 for the day", "DAILY", 3_600_000),
      limited("429 with a time", "SECONDLY", 7000, { "retry-after": "7" }),
      answered("409", { status: 409, body: { category: "CONFLICT" } }, "unavailable", { retryAfter: 2000 }),
      answered("423", { status: 423, body: { category: "LOCKED" } }, "unavailable", { retryAfter: 2000 }),
      answered("477", { status: 477, body: {}, headers: { "retry-after": "3600" } }, "unavailable", {
        retryAfter: 3_600_000,
      }),
      answered(
        "400 for its JSON",
        { status: 400, body: { category: "VALIDATION_ERROR", message: "Invalid input JSON" } },
        "refused",
      ),
    ],
    items: [
      { when: "no address", result: "refused", at: () => ({ fields: { contact: "ann@intranet" } }) },
      { when: "a conflict", result: "unavailable", at: () => ({ fields: { contact: "busy@example.com" } }) },
    ],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes([HUBSPOT_TOKEN]),
    arrives: ({ contact, type, at }, attempt) => {
      const values =
        type === "contact.suppressed"
          ? { tidings_reason: "complaint", tidings_suppressed: "true" }
          : { tidings_last_event: type, tidings_last_event_at: new Date(at).toISOString() };
      const text = JSON.stringify(values);
      return contact === null ? null : { id: contact, type: null, attempt: attempt.id, order: null, text };
    },
    largest: null, // only what is mapped is sent
  };
}

export const cases: readonly KindCase[] = [await hubspotCase()];

// `salesforce` in the shared suite, against a written peer: a token first, then the records.

import { salesforce } from "../../../../src/pipes/kinds/salesforce.ts";
import { SALESFORCE } from "../../peers/known.ts";
import { answered, echoes, httpErrors, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase } from "../suite.ts";

/** In the paths of the requests that write, and of those for a token. */
export const WRITES = "/sobjects/";
const LOGINS = "/oauth2/";
const FIELDS = {
  suppressed: "Suppressed__c",
  suppression_reason: "Reason__c",
  last_event: "Last_Event__c",
  last_event_at: "Last_Event_At__c",
};

export async function salesforceCase(): Promise<RoomCase> {
  const control = await openRoom("salesforce");
  const settings = {
    instance_url: control.url,
    ...SALESFORCE,
    external_id_field: "Email__c",
    fields: FIELDS,
  };
  return {
    name: "salesforce",
    kind: salesforce,
    control,
    settings: (changes = {}) => ({ ...settings, ...changes }),
    wrong: {
      "another secret": { client_secret: "wrong" },
      "another app": { client_id: "wrong" },
      "a field that is not there": { fields: { last_event: "No_Such__c" } },
      "another object": { object: "Lead" },
    },
    secretValues: [SALESFORCE.client_secret, "00Dxx"],
    errors: [
      ...httpErrors({ on: WRITES }),
      answered(
        "requests that are used up",
        { status: 403, body: [{ errorCode: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests" }] },
        "slow_down",
        { on: WRITES, retryAfter: 900_000 },
      ),
      answered(
        "logins that are used up",
        { status: 400, body: { error: "invalid_grant", error_description: "login rate exceeded" } },
        "slow_down",
        { on: LOGINS, retryAfter: 600_000 },
      ),
      answered("a page instead of a token", { status: 200, body: "<html>" }, "unavailable", { on: LOGINS }),
      answered("a login's 500", { status: 500 }, "unavailable", { on: LOGINS }),
    ],
    items: [
      { when: "a lock", result: "unavailable", at: () => ({ fields: { contact: "busy@example.com" } }) },
      {
        when: "an address it does not take",
        result: "refused",
        at: () => ({ fields: { contact: "odd@example.com" } }),
      },
    ],
    hangs: [{ behaviour: { on: WRITES, fault: "hang" } }, { behaviour: { on: LOGINS, fault: "hang" } }],
    echoes: [...echoes([SALESFORCE.client_secret], WRITES), ...echoes([SALESFORCE.client_secret], LOGINS)],
    arrives: ({ contact, type, at }, attempt) => {
      const values =
        type === "contact.suppressed"
          ? { Reason__c: "complaint", Suppressed__c: true }
          : { Last_Event__c: type, Last_Event_At__c: new Date(at).toISOString() };
      const text = JSON.stringify(values);
      return contact === null ? null : { id: contact, type: null, attempt: attempt.id, order: null, text };
    },
    largest: null, // only what is mapped is sent
    requests: 2,
  };
}

export const cases: readonly KindCase[] = [await salesforceCase()];

// CRMs: a batch comes to the same state of a contact in whatever order and however often its events come, and what each
// answer of HubSpot and Salesforce means for which event.

import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { foldContacts } from "../../src/pipes/kinds/crm.ts";
import { hubspot } from "../../src/pipes/kinds/hubspot.ts";
import type { Attempt, Outcome, Outgoing } from "../../src/pipes/kinds/kind.ts";
import { salesforce } from "../../src/pipes/kinds/salesforce.ts";
import { attempt, cancelled, NOW, outgoing, peer, settled } from "./attempts.ts";

const notice = (type: string, contact: string, at: string, data: Record<string, unknown> = {}): Outgoing =>
  outgoing({ type, contact, occurred_at: at, data });

const times = ["2026-11-21T10:00:00.000Z", "2026-11-21T11:00:00.000Z", "2026-11-21T11:00:00.001Z"] as const;

describe("folding a batch", () => {
  const fields = {
    suppressed: "s",
    suppression_reason: "r",
    last_event: "e",
    last_event_at: "at",
    last_opened_at: "o",
    last_bounced_at: "ba",
    bounce: "b",
  };
  const arbitrary = fc
    .record({
      type: fc.constantFrom(
        "opened",
        "bounced",
        "delivered",
        "contact.suppressed",
        "contact.lifted",
        "contact.erased",
        "pipe.paused",
      ),
      contact: fc.constantFrom("ann@example.com", "bob@example.com", null),
      occurred_at: fc.constantFrom(...times),
      bounce: fc.constantFrom("hard", "soft", null),
      data: fc.record({
        reason: fc.constantFrom("complaint", "manual"),
        scope: fc.constantFrom(null, "mailjet:12"),
      }),
    })
    .map((given) => outgoing(given));
  const states = (batch: readonly Outgoing[]) =>
    foldContacts(batch, fields).map(({ contact, values }) => ({ contact, values }));

  it("depends neither on the order nor on repeats", () => {
    fc.assert(
      fc.property(
        fc
          .array(arbitrary, { maxLength: 12 })
          .chain((batch) =>
            fc.tuple(
              fc.constant(batch),
              fc.shuffledSubarray([...batch, ...batch], { minLength: 2 * batch.length }),
            ),
          ),
        ([batch, shuffled]) => {
          expect(states(shuffled)).toEqual(states(batch));
        },
      ),
    );
  });

  it("is what the latest event that tells of a field says, of each event that was not erased", () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 12 }), (batch) => {
        for (const { contact, values, from } of foldContacts(batch, fields)) {
          const ours = batch.filter((one) => one.contact === contact);
          const erased = ours.filter(({ type }) => type === "contact.erased").map(({ at }) => at);
          const left = ours
            .filter(({ at }) => erased.every((time) => time < at))
            .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
          const opened = left.findLast(({ type }) => type === "opened");
          expect(values["o"]).toBe(opened === undefined ? undefined : new Date(opened.at).toISOString());
          const ruled = left.findLast(
            ({ type, event }) =>
              /suppressed|lifted/.test(type) && (event["data"] as { scope: string | null }).scope === null,
          );
          expect(values["s"]).toBe(ruled === undefined ? undefined : ruled.type === "contact.suppressed");
          expect(from.every((index) => left.some((one) => one === batch[index]))).toBe(true);
        }
      }),
    );
  });

  it("tells only what is mapped, and nothing where another suppression is left", () => {
    const batch = [
      outgoing({ type: "clicked" }),
      notice("contact.lifted", "ann@example.com", times[0], {
        reason: "complaint",
        scope: null,
        suppressed: true,
      }),
    ];
    expect(foldContacts(batch, { suppressed: "s", suppression_reason: "r", last_opened_at: "o" })).toEqual(
      [],
    );
  });
});

interface Setup {
  deliver: (batch: readonly Outgoing[], attempt: Attempt) => Promise<Outcome>;
  at: ReturnType<typeof peer>;
  /** Requests that come before the one that writes. */
  before: number;
  most: number;
}

const hub = peer("hubspot");
const hubSettings = (changes: Record<string, unknown> = {}) =>
  settled(hubspot, {
    token: "pat-eu1-right",
    url: hub.origin,
    fields: {
      suppressed: "tidings_suppressed",
      suppression_reason: "tidings_reason",
      last_event: "tidings_last_event",
      last_event_at: "tidings_last_event_at",
    },
    ...changes,
  });

const force = peer("salesforce");
const forceSettings = (changes: Record<string, unknown> = {}) =>
  settled(salesforce, {
    instance_url: force.origin,
    client_id: "3MVG9.key",
    client_secret: "right secret/&",
    external_id_field: "Email__c",
    fields: {
      suppressed: "Suppressed__c",
      suppression_reason: "Reason__c",
      last_event: "Last_Event__c",
      last_event_at: "Last_Event_At__c",
    },
    ...changes,
  });

const setups: Record<string, Setup> = {
  hubspot: {
    deliver: (batch, one) => hubspot.deliver(batch, hubSettings(), one),
    at: hub,
    before: 0,
    most: hubspot.batch.events,
  },
  salesforce: {
    deliver: (batch, one) => salesforce.deliver(batch, forceSettings(), one),
    at: force,
    before: 1,
    most: salesforce.batch.events,
  },
};

describe.each(Object.entries(setups))("%s", (_, { deliver, at, before, most }) => {
  const faults = (...list: Parameters<typeof at.fail>) =>
    at.fail(...Array.from({ length: before }, () => null), ...list);

  it("takes a full batch of the largest events", async () => {
    const large = { description: "x".repeat(100_000), metadata: { y: "z".repeat(100_000) } };
    const batch = Array.from({ length: most }, (_, i) =>
      outgoing({ contact: `c${i}@example.com`, ...large }),
    );
    expect(await deliver(batch, attempt())).toEqual({
      verdict: "delivered",
      reason: null,
      status: 200,
      retryAfter: null,
    });
  });

  it("calls nobody where there is nothing to tell", async () => {
    await at.received();
    const batch = [
      outgoing({ type: "pipe.paused", contact: null }),
      notice("contact.erased", "ann@example.com", "2026-11-21T12:00:00.000Z"),
      outgoing({ contact: "ann@example.com" }),
    ];
    expect(await deliver(batch, attempt())).toMatchObject({ verdict: "delivered", status: null });
    expect((await at.received()).received).toEqual([]);
  });

  it("blames a record's failure on all of its events, and on no others", async () => {
    const batch = [
      outgoing({ contact: "ann@example.com" }),
      outgoing({ contact: "busy@example.com" }),
      outgoing({ contact: "bob@example.com" }),
      outgoing({ contact: "busy@example.com", type: "opened" }),
    ];
    const outcome = await deliver(batch, attempt());
    expect(outcome.verdict).toBe("delivered");
    expect(outcome.failed?.map(({ index, verdict }) => [index, verdict])).toEqual([
      [1, "unavailable"],
      [3, "unavailable"],
    ]);
    expect(JSON.stringify(outcome)).not.toContain("@");
  });

  it.each([
    [500, "unavailable"],
    [503, "unavailable"],
    [429, "slow_down"],
    [413, "refused"],
    [403, "denied"],
    [404, "denied"],
    [302, "denied"],
    [200, "unavailable"], // garbage
  ])("a %i with words of its own is %s", async (status, verdict) => {
    await faults({ status, body: "<html>ann@example.com</html>" });
    const outcome = await deliver([outgoing()], attempt());
    expect(outcome).toMatchObject({ verdict, status });
    expect(outcome.reason).not.toContain("@");
  });

  it("a cut connection is nobody's answer", async () => {
    await faults("cut");
    expect(await deliver([outgoing()], attempt())).toMatchObject({ verdict: "unavailable", status: null });
  });

  it("ends with its attempt, and leaves nothing open", async () => {
    await faults("hang");
    const { outcome, atOnce } = await cancelled((one) => deliver([outgoing()], one));
    expect([outcome.verdict, atOnce]).toEqual(["unavailable", true]);
    await vi.waitFor(async () => expect((await at.received()).hanging).toBe(0));
  });

  it("goes nowhere private", async () => {
    expect(await deliver([outgoing()], attempt({ loopback: false }))).toMatchObject({
      verdict: "denied",
      status: null,
    });
  });
});

describe("hubspot", () => {
  const deliver = (batch: Outgoing[], settings = hubSettings(), one = attempt()) =>
    hubspot.deliver(batch, settings, one);

  it("is sent a contact's state once, under the configured names", async () => {
    await hub.received();
    const batch = [
      notice("contact.lifted", "ann@example.com", times[0], { reason: "manual", scope: null }),
      outgoing({ contact: "ann@example.com", type: "opened", occurred_at: times[0] }),
      outgoing({ contact: "ann@example.com", type: "bounced", occurred_at: times[1] }),
      notice("contact.suppressed", "bob@example.com", times[1], { reason: "complaint", scope: null }),
    ];
    expect(await deliver(batch)).toMatchObject({ verdict: "delivered" });
    const { received } = await hub.received();
    expect(JSON.parse(received[0]?.body ?? "")).toEqual({
      inputs: [
        {
          id: "ann@example.com",
          idProperty: "email",
          objectWriteTraceId: "0",
          properties: {
            tidings_last_event: "bounced",
            tidings_last_event_at: times[1],
            tidings_reason: "",
            tidings_suppressed: "false",
          },
        },
        {
          id: "bob@example.com",
          idProperty: "email",
          objectWriteTraceId: "1",
          properties: { tidings_reason: "complaint", tidings_suppressed: "true" },
        },
      ],
    });
    expect(received[0]?.headers["tidings-attempt"]).toBe("attempt-1");
  });

  it("an address that HubSpot does not take is refused alone", async () => {
    const outcome = await deliver([outgoing({ contact: "ann@intranet" }), outgoing()]);
    expect(outcome).toMatchObject({ verdict: "delivered", status: 207 });
    expect(outcome.failed).toEqual([
      { index: 0, verdict: "refused", reason: "HubSpot answered VALIDATION_ERROR for this contact" },
    ]);
  });

  it("an error that is nobody's is that of all whom it did not take", async () => {
    const errors = [
      { status: "error", category: "VALIDATION_ERROR", message: "about ann@example.com", context: {} },
    ];
    const results = [{ id: "1", properties: { email: "Bob@example.com" } }];
    await hub.fail({ status: 207, body: { status: "COMPLETE", results, numErrors: 1, errors } });
    const outcome = await deliver([outgoing(), outgoing({ contact: "bob@example.com" })]);
    expect(outcome.failed?.map(({ index, verdict }) => [index, verdict])).toEqual([[0, "refused"]]);
  });

  it("a property that is not there, and a wrong token, keep all out", async () => {
    const fields = { last_event: "tidings_last_event", bounce: "no_such" };
    const bounced = outgoing({ type: "bounced", bounce: "hard" });
    expect(await deliver([bounced], hubSettings({ fields }))).toMatchObject({
      verdict: "denied",
      reason: "HubSpot has no such property to write: no_such",
    });
    const one = attempt();
    expect(await deliver([bounced], hubSettings({ token: "pat-wrong" }), one)).toMatchObject({
      verdict: "denied",
      reason: "answered 401 INVALID_AUTHENTICATION",
    });
    expect(JSON.stringify(one.notes)).not.toContain("pat-wrong");
  });

  it.each([
    [429, { errorType: "RATE_LIMIT", policyName: "SECONDLY" }, {}, "slow_down", 1000],
    [429, { errorType: "RATE_LIMIT", policyName: "TEN_SECONDLY_ROLLING" }, {}, "slow_down", 10_000],
    [429, { errorType: "RATE_LIMIT", policyName: "DAILY" }, {}, "slow_down", 3_600_000],
    [429, { errorType: "RATE_LIMIT", policyName: "SECONDLY" }, { "retry-after": "7" }, "slow_down", 7000],
    [409, { category: "CONFLICT" }, {}, "unavailable", 2000],
    [423, { category: "LOCKED" }, {}, "unavailable", 2000],
    [477, {}, { "retry-after": "3600" }, "unavailable", 3_600_000],
    [400, { category: "VALIDATION_ERROR", message: "Invalid input JSON" }, {}, "refused", null],
  ])("%i %j %j: %s", async (status, body, headers, verdict, retryAfter) => {
    await hub.fail({ status, body: { status: "error", ...body }, headers });
    expect(await deliver([outgoing()])).toMatchObject({ verdict, retryAfter, status });
  });
});

describe("salesforce", () => {
  const deliver = (batch: Outgoing[], one: Attempt = attempt(), settings = forceSettings()) =>
    salesforce.deliver(batch, settings, one);

  it("is sent a contact's state once, and gets one token for many attempts", async () => {
    await force.received();
    const one = attempt();
    const lifted = notice("contact.lifted", "ann@example.com", times[0], {
      reason: "manual",
      scope: null,
    });
    expect(await deliver([outgoing({ occurred_at: times[1] }), lifted], one)).toMatchObject({
      verdict: "delivered",
    });
    expect(await deliver([outgoing()], one)).toMatchObject({ verdict: "delivered" });
    const { received } = await force.received();
    expect(received.map(({ path }) => path.split("/").at(-1))).toEqual(["token", "Email__c", "Email__c"]);
    expect(JSON.parse(received[1]?.body ?? "")).toEqual({
      allOrNone: false,
      records: [
        {
          attributes: { type: "Contact" },
          Email__c: "ann@example.com",
          Last_Event__c: "delivered",
          Last_Event_At__c: times[1],
          Reason__c: null,
          Suppressed__c: false,
        },
      ],
    });
    const told = JSON.stringify(one.notes);
    for (const secret of ["00Dxx", "right secret", "right+secret", "right%20secret"])
      expect(told).not.toContain(secret);
  });

  it("a session that ended is begun anew once, and a token is not used beyond its time", async () => {
    const one = attempt();
    await deliver([outgoing()], one);
    await deliver([outgoing()], attempt()); // ends the session before
    await force.received();
    expect(await deliver([outgoing()], one)).toMatchObject({ verdict: "delivered" });
    expect((await force.received()).received).toHaveLength(3);
    expect(await deliver([outgoing()], { ...one, now: NOW + 3_600_000 })).toMatchObject({
      verdict: "delivered",
    });
    expect((await force.received()).received).toHaveLength(2);
    const ended = {
      status: 401,
      body: [{ errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid" }],
    };
    await force.fail(null, ended, null, ended);
    const denied = { verdict: "denied", reason: "answered 401 INVALID_SESSION_ID" };
    expect(await deliver([outgoing()])).toMatchObject(denied);
    expect((await force.received()).received).toHaveLength(4);
  });

  it("says which contact lacks what", async () => {
    const outcome = await deliver([outgoing(), outgoing({ contact: "stranger@example.com" })]);
    expect(outcome.failed).toEqual([
      {
        index: 1,
        verdict: "refused",
        reason: "Salesforce answered REQUIRED_FIELD_MISSING (LastName) for this contact",
      },
    ]);
  });

  it.each([
    ["client_secret", "wrong", "no access token: answered 400 invalid_client"],
    ["client_id", "wrong", "no access token: answered 400 invalid_client_id"],
    ["fields", { last_event: "No_Such__c" }, "answered 400 INVALID_FIELD"],
    ["object", "Lead", "answered 404 NOT_FOUND"],
  ])("a wrong %s is denied", async (name, value, reason) => {
    expect(await deliver([outgoing()], attempt(), forceSettings({ [name]: value }))).toMatchObject({
      verdict: "denied",
      reason,
    });
  });

  it("waits where its requests or logins are used up", async () => {
    await force.fail(null, {
      status: 403,
      body: [{ errorCode: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests" }],
    });
    expect(await deliver([outgoing()])).toMatchObject({ verdict: "slow_down", retryAfter: 900_000 });
    await force.fail({
      status: 400,
      body: { error: "invalid_grant", error_description: "login rate exceeded" },
    });
    expect(await deliver([outgoing()])).toMatchObject({ verdict: "slow_down", retryAfter: 600_000 });
    await force.fail({ status: 200, body: "<html>" });
    expect(await deliver([outgoing()])).toMatchObject({ verdict: "unavailable" });
    await force.fail("hang");
    const { outcome, atOnce } = await cancelled((one) => deliver([outgoing()], one));
    expect([outcome.verdict, atOnce]).toEqual(["unavailable", true]);
  });
});

describe("settings", () => {
  const wrong = (kind: typeof hubspot | typeof salesforce, given: unknown) =>
    kind.settings.safeParse(given).error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`);

  it("name the field that cannot be right", () => {
    expect(wrong(hubspot, { token: "t", fields: { suppressed: "x" } })).toBeUndefined();
    expect(wrong(hubspot, { token: "t", fields: {} })).toEqual(["fields must name at least one property"]);
    expect(wrong(hubspot, { token: "t", fields: { suppressed: "x", bounce: "x" } })).toEqual([
      "fields must name each property only once",
    ]);
    expect(wrong(hubspot, { token: "t", fields: { suppressed: "email" } })).toEqual([
      "fields.suppressed must not be email, by which contacts are found",
    ]);
    const { instance_url, client_id, client_secret, external_id_field, fields } = forceSettings();
    const good = { instance_url, client_id, client_secret, external_id_field, fields };
    expect(wrong(salesforce, good)).toBeUndefined();
    expect(wrong(salesforce, { ...good, instance_url: "https://x.my.salesforce.com/services" })).toEqual([
      "instance_url must be an https:// URL without a path, such as https://api.example.com",
    ]);
    expect(wrong(salesforce, { ...good, fields: { suppressed: "EMAIL__C" } })).toEqual([
      "fields must not write external_id_field, by which contacts are found",
    ]);
  });
});

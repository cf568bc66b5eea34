// CRMs: a batch comes to the same state of a contact in whatever order and however often its events come, and what each
// answer of HubSpot and Salesforce means for which event.

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { foldContacts } from "../../../src/pipes/kinds/crm.ts";
import { hubspot } from "../../../src/pipes/kinds/hubspot.ts";
import type { Outcome, Outgoing } from "../../../src/pipes/kinds/kind.ts";
import { salesforce } from "../../../src/pipes/kinds/salesforce.ts";
import { attemptOf, failures, outgoing as anyOutgoing, type Fields } from "../attempts.ts";
import { cases as hubspotCases, hubspotCase } from "./cases/hubspot.ts";
import { salesforceCase, cases as salesforceCases, WRITES } from "./cases/salesforce.ts";
import { describeKind, type KindCase } from "./suite.ts";

for (const one of [...hubspotCases, ...salesforceCases]) describeKind(one);

const hub = await hubspotCase();
const force = await salesforceCase();
const outgoing = (fields: Fields = {}): Outgoing => anyOutgoing({ contact: "ann@example.com", ...fields });
const deliverTo = async (
  { kind, settings }: KindCase,
  batch: readonly Outgoing[],
  changes: Record<string, unknown> = {},
  attempt = attemptOf().attempt,
): Promise<Outcome> => await kind.deliver(batch, kind.settings.parse(settings(changes)), attempt);

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

describe.each([
  ["hubspot", hub],
  ["salesforce", force],
] as const)("%s", (_, at) => {
  beforeEach(() => at.control.forget());

  it("takes a full batch of the largest events", async () => {
    const large = { description: "x".repeat(100_000), metadata: { y: "z".repeat(100_000) } };
    const batch = Array.from({ length: at.kind.batch.events }, (_, i) =>
      outgoing({ contact: `c${i}@example.com`, ...large }),
    );
    const delivered = { result: "delivered", reason: null, status: 200, retryAfter: null };
    expect(await deliverTo(at, batch)).toEqual(delivered);
  });

  it("calls nobody where there is nothing to tell", async () => {
    const batch = [
      outgoing({ type: "pipe.paused", contact: null }),
      notice("contact.erased", "ann@example.com", "2026-11-21T12:00:00.000Z"),
      outgoing(),
    ];
    expect(await deliverTo(at, batch)).toMatchObject({ result: "delivered", status: null });
    expect((await at.control.tell()).requests).toBe(0);
  });

  it("blames a record's failure on all of its events, and on no others", async () => {
    const contacts = ["ann@example.com", "busy@example.com", "bob@example.com", "busy@example.com"];
    const outcome = await deliverTo(
      at,
      contacts.map((contact) => outgoing({ contact })),
    );
    expect(outcome.result).toBe("delivered");
    expect(failures(outcome)).toEqual({ 1: "unavailable", 3: "unavailable" });
    expect(JSON.stringify(outcome)).not.toContain("@");
  });
});

describe("hubspot", () => {
  beforeEach(() => hub.control.forget());

  it("is sent a contact's state once, under the configured names", async () => {
    const { attempt, notes } = attemptOf();
    const batch = [
      notice("contact.lifted", "ann@example.com", times[0], { reason: "manual", scope: null }),
      outgoing({ type: "opened", occurred_at: times[0] }),
      outgoing({ type: "bounced", occurred_at: times[1] }),
      notice("contact.suppressed", "bob@example.com", times[1], { reason: "complaint", scope: null }),
    ];
    expect(await deliverTo(hub, batch, {}, attempt)).toMatchObject({ result: "delivered" });
    expect(JSON.parse(notes[0]?.request.body ?? "")).toEqual({
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
    expect((await hub.control.tell()).taken.map(({ id }) => id)).toEqual([
      "ann@example.com",
      "bob@example.com",
    ]);
  });

  it("an address that HubSpot does not take is refused alone", async () => {
    const outcome = await deliverTo(hub, [outgoing({ contact: "ann@intranet" }), outgoing()]);
    expect(outcome).toMatchObject({ result: "delivered", status: 207 });
    expect(outcome.failed).toEqual([
      { index: 0, result: "refused", reason: "HubSpot answered VALIDATION_ERROR for this contact" },
    ]);
  });

  it("an error that is nobody's is that of all whom it did not take", async () => {
    const errors = [
      { status: "error", category: "VALIDATION_ERROR", message: "about ann@example.com", context: {} },
    ];
    const results = [{ id: "1", properties: { email: "Bob@example.com" } }];
    const body = { status: "COMPLETE", results, numErrors: 1, errors };
    await hub.control.behave({ answer: { status: 207, body } });
    const outcome = await deliverTo(hub, [outgoing(), outgoing({ contact: "bob@example.com" })]);
    expect(failures(outcome)).toEqual({ 0: "refused" });
  });

  it("skips contacts that are not there, and creates them only if it is told to", async () => {
    const batch = [outgoing(), outgoing({ contact: "unknown@example.com" })];
    expect(await deliverTo(hub, batch)).toEqual({
      result: "delivered",
      reason: "1 of 2 unknown there, skipped",
      status: 207,
      retryAfter: null,
      skipped: [{ index: 1, reason: "unknown there" }],
    });
    const all = batch.slice(1);
    expect(await deliverTo(hub, all)).toMatchObject({ result: "delivered", skipped: [{ index: 0 }] });
    const body = { category: "OBJECT_NOT_FOUND", context: { ids: ["unknown@example.com"] } };
    await hub.control.behave({ answer: { status: 404, body } });
    expect(await deliverTo(hub, all)).toMatchObject({ result: "delivered", skipped: [{ index: 0 }] });
    await hub.control.behave({ answer: { status: 404, body: { category: "OBJECT_NOT_FOUND" } } });
    expect(await deliverTo(hub, all)).toMatchObject({ result: "denied" });
    await hub.control.forget();
    const created = await deliverTo(hub, batch, { missing: "create" });
    expect(created).toMatchObject({ result: "delivered", reason: null });
    expect((await hub.control.tell()).taken.map(({ id }) => id)).toEqual([
      "ann@example.com",
      "unknown@example.com",
    ]);
  });

  it("names the property that is not there, and its word for a wrong token", async () => {
    const fields = { last_event: "tidings_last_event", bounce: "no_such" };
    const bounced = outgoing({ type: "bounced", bounce: "hard" });
    expect(await deliverTo(hub, [bounced], { fields })).toMatchObject({
      result: "denied",
      reason: "HubSpot has no such property to write: no_such",
    });
    expect(await deliverTo(hub, [bounced], { token: "pat-wrong" })).toMatchObject({
      result: "denied",
      reason: "answered 401 INVALID_AUTHENTICATION",
    });
  });
});

describe("salesforce", () => {
  beforeEach(() => force.control.forget());
  const requests = async (): Promise<number> => (await force.control.tell()).requests;

  it("is sent a contact's state once, and gets one token for many attempts", async () => {
    const { attempt, notes } = attemptOf();
    const lifted = notice("contact.lifted", "ann@example.com", times[0], { reason: "manual", scope: null });
    const first = [outgoing({ occurred_at: times[1] }), lifted];
    for (const batch of [first, [outgoing()]])
      expect(await deliverTo(force, batch, {}, attempt)).toMatchObject({ result: "delivered" });
    expect(notes.map(({ request }) => request.url.split("/").at(-1))).toEqual([
      "token",
      "Email__c",
      "Email__c",
    ]);
    expect(JSON.parse(notes[1]?.request.body ?? "")).toEqual({
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
  });

  it("a session that ended is begun anew once, and a token is not used beyond its time", async () => {
    const { attempt } = attemptOf();
    await deliverTo(force, [outgoing()], {}, attempt);
    await deliverTo(force, [outgoing()]); // ends the session before
    await force.control.forget();
    expect(await deliverTo(force, [outgoing()], {}, attempt)).toMatchObject({ result: "delivered" });
    expect(await requests()).toBe(3);
    await force.control.forget();
    const later = { ...attempt, now: attempt.now + 3_600_000 };
    expect(await deliverTo(force, [outgoing()], {}, later)).toMatchObject({ result: "delivered" });
    expect(await requests()).toBe(2);
    await force.control.forget();
    const body = [{ errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid" }];
    await force.control.behave({ on: WRITES, answer: { status: 401, body } });
    const denied = { result: "denied", reason: "answered 401 INVALID_SESSION_ID" };
    expect(await deliverTo(force, [outgoing()])).toMatchObject(denied);
    expect(await requests()).toBe(4);
  });

  it("skips contacts that are not there, and says so, without a second request", async () => {
    const batch = [outgoing(), outgoing({ contact: "stranger@example.com" })];
    const { attempt, notes } = attemptOf();
    expect(await deliverTo(force, batch, {}, attempt)).toEqual({
      result: "delivered",
      reason: "1 of 2 unknown there, skipped",
      status: 200,
      retryAfter: null,
      skipped: [{ index: 1, reason: "unknown there" }],
    });
    expect(notes).toHaveLength(2);
    const mixed = [outgoing({ contact: "busy@example.com" }), outgoing({ contact: "stranger@example.com" })];
    expect(await deliverTo(force, mixed)).toMatchObject({
      result: "delivered",
      failed: [{ index: 0, result: "unavailable" }],
      skipped: [{ index: 1 }],
    });
  });

  it("creates them if it is told to, with a name and an address", async () => {
    const batch = [outgoing(), outgoing({ contact: "stranger@example.com" })];
    await force.control.forget();
    const { attempt, notes } = attemptOf();
    const outcome = await deliverTo(force, batch, { missing: "create" }, attempt);
    expect(outcome).toMatchObject({ result: "delivered", reason: null });
    expect([outcome.failed, outcome.skipped]).toEqual([undefined, undefined]);
    const { taken } = await force.control.tell();
    expect(taken.map(({ id }) => id)).toEqual(["ann@example.com", "stranger@example.com"]);
    const { records } = JSON.parse(notes.at(-1)?.request.body ?? "") as { records: object[] };
    expect(records).toEqual([
      expect.objectContaining({ LastName: "stranger@example.com", Email: "stranger@example.com" }),
    ]);
  });

  it.each([
    ["client_secret", "wrong", "no access token: answered 400 invalid_client"],
    ["client_id", "wrong", "no access token: answered 400 invalid_client_id"],
    ["fields", { last_event: "No_Such__c" }, "answered 400 INVALID_FIELD"],
    ["object", "Lead", "answered 404 NOT_FOUND"],
  ])("a wrong %s is denied in Salesforce's word", async (name, value, reason) => {
    const outcome = await deliverTo(force, [outgoing()], { [name]: value });
    expect(outcome).toMatchObject({ result: "denied", reason });
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
    const good = force.settings();
    expect(wrong(salesforce, good)).toBeUndefined();
    expect(wrong(salesforce, { ...good, instance_url: "https://x.my.salesforce.com/services" })).toEqual([
      "instance_url must be an https:// URL without a path, such as https://api.example.com",
    ]);
    expect(wrong(salesforce, { ...good, fields: { suppressed: "EMAIL__C" } })).toEqual([
      "fields must not write external_id_field, by which contacts are found",
    ]);
  });
});

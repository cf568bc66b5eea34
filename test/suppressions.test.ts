// Suppression that explains itself: by hand, by list, held in a storm, imported and exported, through the public doors.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { configOf } from "../src/config/config.ts";
import { DEFAULT_POLICY } from "../src/model/suppression/policy.ts";
import { providers } from "../src/providers/index.ts";
import {
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
  send,
} from "./support.ts";

const DAY = 86_400_000;

const token = { tests: "api-token", reader: { token: "read-token", scopes: ["read"] } };
const bindings = (changes: Partial<Record<keyof Env, unknown>> = {}): Env =>
  envWith({ API_TOKENS: JSON.stringify(token), ...changes });

async function ask(
  method: string,
  path: string,
  body?: unknown,
  changes: { env?: Env; headers?: Record<string, string> } = {},
) {
  const headers = {
    authorization: "Bearer api-token",
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...changes.headers,
  };
  const content = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  const request = new Request(`https://edge.example/v1/suppressions${path}`, {
    method,
    headers,
    body: content,
  });
  return await send(request, changes.env ?? bindings());
}

interface Shown {
  reason: string;
  scope: string | null;
  source: string;
  since: string;
  by: string | null;
  note: string | null;
  lifted_by: string | null;
  lift_note: string | null;
  held: boolean;
  held_because: string | null;
}
interface Status {
  address: string;
  suppressed: boolean;
  suppression: Shown | null;
  history: Shown[];
}
interface Page {
  suppressions: (Shown & { address: string })[];
  next: string | null;
}
const status = async (address: string): Promise<Status> =>
  await (await ask("GET", `/${address}`)).json<Status>();
const list = async (query = ""): Promise<Page> => await (await ask("GET", query)).json<Page>();

/** Times of the tests' events: some days ago, in seconds. */
const NOW = Math.floor(Date.now() / 1000);
const mailjet = async (...events: Record<string, unknown>[]): Promise<void> => {
  for (let i = 0; i < events.length; i += 200)
    await deliver(
      await messagesOf(mailjetPost(JSON.stringify(events.slice(i, i + 200).map((one) => mailjetEvent(one))))),
    );
};
const bounce = (email: string, time: number, hard = false, more = {}): Record<string, unknown> => ({
  event: "bounce",
  email,
  time,
  hard_bounce: hard,
  blocked: false,
  MessageID: time * 1000 + Math.floor(Math.random() * 1000),
  ...more,
});

describe("by hand", () => {
  beforeEach(freshStorage);

  it("suppresses, once, and says who and why; lifts, once, and remembers", async () => {
    const first = await ask("PUT", "/Ann@Example.com", { note: "asked by phone" });
    expect(first.status).toBe(200);
    const put = await first.json<Status>();
    expect(put).toMatchObject({ address: "ann@example.com", suppressed: true });
    expect(put.suppression).toMatchObject({
      reason: "manual",
      by: "tests",
      note: "asked by phone",
      source: "api",
    });
    expect(await (await ask("PUT", "/ann@example.com", { note: "asked by phone" })).json()).toEqual(put);
    expect(await (await ask("PUT", "/ann@example.com")).json()).toEqual(put);
    expect((await ask("PUT", "/ann@example.com", { note: "another" })).status).toBe(409);
    expect(await status("ann@example.com")).toEqual(put);
    expect((await list()).suppressions).toHaveLength(1);

    expect((await ask("DELETE", "/ann@example.com?reason=complaint")).status).toBe(404);
    const lifted = await ask("DELETE", "/ann@example.com?note=came+back");
    expect(lifted.status).toBe(200);
    expect(await lifted.json()).toMatchObject({
      suppressed: false,
      suppression: null,
      history: [{ lifted_by: "tests", lift_note: "came back", by: "tests" }],
    });
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(404);
    expect((await ask("DELETE", "/nobody@example.com")).status).toBe(404);
    expect(await status("nobody@example.com")).toMatchObject({ suppressed: false, history: [] });
    const tag = (await ask("GET", "/nobody@example.com")).headers.get("etag") ?? "";
    const same = { headers: { "if-none-match": tag } };
    expect((await ask("GET", "/nobody@example.com", undefined, same)).status).toBe(304);
    expect(await list()).toEqual({ suppressions: [], next: null });
    expect((await list("?include=lifted")).suppressions).toHaveLength(1);
    // At once afterwards, in the same millisecond perhaps.
    expect(await (await ask("PUT", "/ann@example.com")).json()).toMatchObject({ suppressed: true });
    expect(await rows("SELECT suppressed FROM contacts")).toEqual([{ suppressed: "manual" }]);
  });

  it("ends what events did, also what is heard of later; what happens afterwards suppresses anew", async () => {
    await mailjet(bounce("ann@example.com", NOW - 500, true), {
      event: "spam",
      email: "ann@example.com",
      time: NOW - 400,
    });
    expect((await status("ann@example.com")).suppression?.reason).toBe("complaint");
    await ask("DELETE", "/ann@example.com?reason=complaint");
    expect((await status("ann@example.com")).suppression?.reason).toBe("hard_bounce");
    await ask("DELETE", "/ann@example.com");
    await mailjet({ event: "unsub", email: "ann@example.com", time: NOW - 450 });
    expect((await status("ann@example.com")).suppressed).toBe(false);
    await mailjet(bounce("ann@example.com", NOW + 60, true));
    const now = await status("ann@example.com");
    expect(now.history.map(({ reason, lifted_by }) => [reason, lifted_by])).toEqual([
      ["hard_bounce", "tests"],
      ["unsubscribed", "tests"],
      ["complaint", "tests"],
      ["hard_bounce", null],
    ]);
    // That one is dated later than now; it was known when it was lifted, and so it ends.
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(200);
    expect((await status("ann@example.com")).suppressed).toBe(false);
    const contact = await send(
      new Request("https://edge.example/v1/contacts/ann@example.com", {
        headers: { authorization: "Bearer api-token" },
      }),
      bindings(),
    );
    expect(await contact.json()).toMatchObject({
      status: "active",
      suppression: null,
      history: now.history.map(() => ({ lifted_by: "tests" })),
    });
  });

  it("can be asked again when the database failed in between, and is then complete", async () => {
    const failing = {
      prepare: (sql: string) => env.DB.prepare(sql),
      withSession: () => env.DB.withSession(),
      batch: async () => await Promise.reject(new Error("down")),
    };
    const broken = { env: bindings({ DB: failing }) };
    for (const [method, path, body] of [
      ["PUT", "/ann@example.com", { note: "n" }],
      ["DELETE", "/ann@example.com", undefined],
    ] as const) {
      expect((await ask(method, path, body, broken)).status).toBe(503);
      const before = await figure("SELECT max(version) AS n FROM contacts");
      expect((await ask(method, path, body)).status).toBe(200);
      expect(await figure("SELECT max(version) AS n FROM contacts")).toBeGreaterThan(before);
    }
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(404);
    expect((await status("ann@example.com")).history).toHaveLength(1);
    const csv = "address\na@example.com\nb@example.com\n";
    const asCsv = { headers: { "content-type": "text/csv" } };
    expect((await ask("POST", "/import", csv, { ...broken, ...asCsv })).status).toBe(503);
    expect(await (await ask("POST", "/import", csv, asCsv)).json()).toMatchObject({ rows: 2, rejected: 0 });
    expect((await list()).suppressions).toHaveLength(2);
  });

  it("takes a token that may write, and says what is wrong", async () => {
    const reader = { headers: { authorization: "Bearer read-token" } };
    for (const [method, path] of [
      ["PUT", "/a@b.c"],
      ["DELETE", "/a@b.c"],
      ["POST", "/import"],
      ["POST", "/release"],
      ["POST", "/drop"],
    ] as const)
      expect((await ask(method, path, method === "DELETE" ? undefined : {}, reader)).status, path).toBe(403);
    expect((await ask("POST", "/check", { addresses: ["a@b.c"] }, reader)).status).toBe(200);
    const wrong: [method: string, path: string, body: unknown, parameter: string][] = [
      ["GET", "/nobody", undefined, "address"],
      ["GET", "?reason=x", undefined, "reason"],
      ["GET", "?scope=x", undefined, "scope"],
      ["GET", "?held=no", undefined, "held"],
      ["GET", "?held=true&include=lifted", undefined, "held"],
      ["GET", "?after=WzFd", undefined, "after"],
      ["GET", "?limit=0", undefined, "limit"],
      ["PUT", "/a@b.c", { notes: "" }, "notes"],
      ["PUT", "/a@b.c", { note: "x".repeat(501) }, "note"],
      ["PUT", "/a@b.c", { scope: "list" }, "scope"],
      ["DELETE", "/a@b.c?reasons=x", undefined, "reasons"],
      ["POST", "/check", { addresses: [] }, "addresses"],
      ["POST", "/check", { addresses: Array.from({ length: 1_001 }, () => "a@b.c") }, "addresses"],
      ["POST", "/release", {}, "address"],
      ["POST", "/drop", { address: "a@b.c", destination: "gmail" }, "address"],
      ["POST", "/import", { suppressions: 1 }, "body"],
    ];
    for (const [method, path, body, parameter] of wrong) {
      const answer = await ask(method, path, body);
      expect(answer.status, path).toBe(400);
      expect((await answer.json<{ errors: { parameter: string }[] }>()).errors[0]?.parameter, path).toBe(
        parameter,
      );
    }
    expect((await ask("PUT", "/a@b.c", "{")).status).toBe(400);
    const form = { headers: { "content-type": "application/x-www-form-urlencoded" } };
    expect((await ask("PUT", "/a@b.c", '{"note":"would be lost"}', form)).status).toBe(415);
    expect((await ask("POST", "/drop", { address: "a@b.c" })).status).toBe(404);
    expect((await ask("POST", "/check", { addresses: ["x".repeat(6_000_000)] })).status).toBe(413);
    expect((await list("?include=lifted")).suppressions).toEqual([]);
  });
});

describe("lists", () => {
  beforeEach(freshStorage);

  it("of one provider are kept apart where the source says so, and taken for all mail where not", async () => {
    const unsubs = [7, 8].map((mj_list_id, i) => ({
      event: "unsub",
      email: "ann@example.com",
      time: NOW - 900 + i,
      mj_list_id,
    }));
    const post = mailjetPost(JSON.stringify(unsubs.map((one) => mailjetEvent(one))));
    const [message = new Uint8Array()] = await messagesOf(post);
    // The object reads the Worker's own configuration; its policy is tested with the fold. Here: what the facts name.
    await deliver([message]);
    expect(await status("ann@example.com")).toMatchObject({
      suppressed: true,
      history: [{ reason: "unsubscribed", scope: null }],
    });
    const { readEnvelope } = await import("../src/process/parse.ts");
    const { decodeFrame } = await import("../src/model/envelope.ts");
    const frame = await decodeFrame(message);
    if (frame.batch !== null) throw new Error("a pointer");
    const work = readEnvelope(
      { envelope: frame.envelope, batch: "b", line: 0, problem: null },
      configOf(envWith()),
    );
    expect(work.events.map(({ evidence: one }) => one?.scope)).toEqual(["mailjet:7", "mailjet:8"]);
  });

  it("are read from what each provider calls them, and from nothing else", () => {
    const cases: [provider: string, element: unknown, list: string | null][] = [
      ["mailjet", { event: "unsub", mj_list_id: 12 }, "12"],
      ["mailjet", { event: "unsub", mj_list_id: 0 }, null],
      ["mailjet", { event: "unsub", mj_list_id: "" }, null],
      ["sendgrid", { event: "group_unsubscribe", asm_group_id: 3 }, "3"],
      ["sendgrid", { event: "group_resubscribe", asm_group_id: 3 }, "3"],
      ["sendgrid", { event: "unsubscribe", asm_group_id: 3 }, null],
      ["sendgrid", { event: "spamreport", asm_group_id: 3 }, null],
      ["postmark", { RecordType: "SubscriptionChange", MessageStream: "broadcast" }, "broadcast"],
      ["mailtrap", { event: "unsubscribe", sending_stream: "bulk" }, "bulk"],
      ["brevo", { event: "unsubscribe", list_id: [7] }, "7"],
      ["brevo", { event: "unsubscribe", list_id: [7, 8] }, null],
      ["ses", { eventType: "Subscription", mail: {}, subscription: { contactList: "news" } }, "news"],
      [
        "ses",
        {
          Type: "Notification",
          Message: '{"eventType":"Subscription","subscription":{"contactList":"news"}}',
        },
        "news",
      ],
    ];
    for (const [provider, element, list] of cases)
      expect(providers[provider]?.scopeOf?.(element), `${provider} ${JSON.stringify(element)}`).toBe(list);
    const naming = Object.values(providers).filter((provider) => "scopeOf" in provider);
    expect(naming.map(({ id }) => id).sort()).toEqual([
      "brevo",
      "mailjet",
      "mailtrap",
      "postmark",
      "sendgrid",
      "ses",
    ]);
    const field = fc.constantFrom(
      "event",
      "mj_list_id",
      "asm_group_id",
      "MessageStream",
      "sending_stream",
      "list_id",
      "subscription",
      "Type",
      "Message",
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue())), (element) => {
        for (const provider of naming)
          expect(["string", "object"]).toContain(typeof provider.scopeOf?.(element));
      }),
      { numRuns: 300 },
    );
  });

  it("hold by hand for themselves alone", async () => {
    await ask("PUT", "/ann@example.com", { scope: "mailjet:12", note: "only that one" });
    expect(await status("ann@example.com")).toMatchObject({
      suppressed: false,
      history: [{ scope: "mailjet:12" }],
    });
    expect(await rows("SELECT suppressed FROM contacts")).toEqual([{ suppressed: null }]);
    const check = async (scope?: string) =>
      (
        await (
          await ask("POST", "/check", { addresses: ["ann@example.com"], scope })
        ).json<{ addresses: unknown[] }>()
      ).addresses[0];
    expect(await check()).toMatchObject({ suppressed: false, reason: null });
    expect(await check("mailjet:13")).toMatchObject({ suppressed: false });
    expect(await check("mailjet:12")).toMatchObject({
      suppressed: true,
      reason: "manual",
      scope: "mailjet:12",
    });
    expect((await list("?scope=mailjet:12")).suppressions).toHaveLength(1);
    expect((await list("?scope=global")).suppressions).toHaveLength(0);
    expect((await ask("DELETE", "/ann@example.com?scope=global")).status).toBe(404);
    expect((await ask("DELETE", "/ann@example.com?scope=mailjet:12")).status).toBe(200);
    expect(await check("mailjet:12")).toMatchObject({ suppressed: false });
  });
});

it("reads each source's policy, and names what is wrong with it", () => {
  const own = {
    provider: "mailjet",
    suppression: { soft_bounces: 5, scope: "list", reasons: ["complaint"] },
  };
  const good = configOf(envWith({ SUPPRESSION: { soft_bounces: 4, storm_share: 0.5 }, SOURCES: { own } }));
  expect(good.policies.of("own")).toMatchObject({
    softBounces: 5,
    softBounceDays: 2,
    scope: "list",
    reasons: ["complaint"],
  });
  expect(good.policies.of("mailjet")).toMatchObject({ softBounces: 4, scope: "global" });
  expect(good.storm).toEqual({ share: 0.5, outcomes: 50 });
  expect(good.problems.filter(({ setting }) => /supp/i.test(setting))).toEqual([]);
  const bad = {
    provider: "mailjet",
    suppression: { soft_bounces: 0, scope: "all", reasons: ["manual"], storm_share: 1 },
  };
  const wrong = configOf(envWith({ SUPPRESSION: { storm_share: 60 }, SOURCES: { bad } }));
  const settings = wrong.problems.map(({ setting }) => setting);
  expect(settings).toEqual(
    expect.arrayContaining([
      "SUPPRESSION.storm_share",
      "SOURCES.bad.suppression.soft_bounces",
      "SOURCES.bad.suppression.scope",
      "SOURCES.bad.suppression.reasons.0",
    ]),
  );
  expect(wrong.policies.of("bad")).toEqual(DEFAULT_POLICY);
  expect(wrong.sources.get("bad")?.provider?.id, "the source stays open").toBe("mailjet");
});

describe("a storm", () => {
  beforeEach(freshStorage);
  const day = 86_400;
  const noon = Math.floor(NOW / day) * day - 3 * day + day / 2;
  const others = (count: number, event: string, time: number) =>
    Array.from({ length: count }, (_, i) => ({
      event,
      email: `o${i}@gmail.com`,
      time: time + (i % 60),
      MessageID: time * 100 + i,
      error: "policy issue",
    }));
  const asked = { address: "ann@gmail.com" };
  const victims = ["ann@gmail.com", "bob@gmail.com", "cy@gmail.com"];

  /** Two bounces on calm days, then one in a storm. */
  async function storm(): Promise<void> {
    for (const back of [2, 1]) await mailjet(...victims.map((one) => bounce(one, noon - back * day)));
    await mailjet(...others(12, "sent", noon), ...others(60, "blocked", noon));
    await mailjet(
      ...victims.map((one) => bounce(one, noon + 200)),
      bounce("dan@gmail.com", noon + 200, true),
    );
  }

  it("holds what its soft bounces would suppress, with the reason, but no hard bounce", async () => {
    await storm();
    expect((await list()).suppressions.map(({ address }) => address)).toEqual(["dan@gmail.com"]);
    const { suppressions } = await list("?held=true");
    expect(suppressions.map(({ address }) => address)).toEqual(victims);
    expect(suppressions[0]?.held_because).toMatch(
      /^gmail refused 63 of 76 mails \(83 %\) in the 15 minutes before /,
    );
    expect(await status("ann@gmail.com")).toMatchObject({
      suppressed: false,
      history: [{ held: true, reason: "soft_bounces" }],
    });
    expect(await rows("SELECT suppressed FROM contacts WHERE contact = 'ann@gmail.com'")).toEqual([
      { suppressed: null },
    ]);
    expect((await list("?held=true&destination=microsoft")).suppressions).toEqual([]);
    // What is held is no matter of a lift.
    expect((await ask("DELETE", "/ann@gmail.com")).status).toBe(404);
  });

  it("is judged by hand: released for one, dropped for the rest of the destination", async () => {
    await storm();
    expect(await (await ask("POST", "/release", asked)).json()).toEqual({ contacts: 1, more: false });
    expect((await ask("POST", "/release", asked)).status).toBe(404);
    expect(await status("ann@gmail.com")).toMatchObject({
      suppressed: true,
      suppression: { reason: "soft_bounces", held: false },
    });
    const range = {
      destination: "gmail",
      since: new Date((noon - 60) * 1000).toISOString(),
      until: new Date((noon + 900) * 1000).toISOString(),
    };
    const before = { ...range, until: range.since, since: undefined };
    expect(await (await ask("POST", "/drop", before)).json()).toEqual({ contacts: 0, more: false });
    expect(await (await ask("POST", "/drop", { ...range, note: "their outage" })).json()).toEqual({
      contacts: 2,
      more: false,
    });
    expect(await (await ask("POST", "/drop", range)).json()).toEqual({ contacts: 0, more: false });
    expect(await status("bob@gmail.com")).toMatchObject({ suppressed: false, history: [] });
    expect((await list("?held=true")).suppressions).toEqual([]);
    // The next calm bounce makes three without the storm's.
    await mailjet(...victims.map((one) => bounce(one, noon + day)));
    expect((await status("bob@gmail.com")).suppression?.reason).toBe("soft_bounces");
  });

  it("needs enough outcomes and a large share, and what is redelivered keeps its first mark", async () => {
    for (const back of [2, 1]) await mailjet(...victims.map((one) => bounce(one, noon - back * day)));
    const last = mailjetPost(JSON.stringify(victims.map((one) => mailjetEvent(bounce(one, noon + 200)))));
    const messages = await messagesOf(last);
    await deliver(messages);
    expect((await list()).suppressions).toHaveLength(3);
    await mailjet(...others(60, "blocked", noon));
    await deliver(messages, envWith(), { attempts: 2 });
    expect((await list()).suppressions).toHaveLength(3);
    await mailjet(...others(200, "sent", noon + 1200));
    await mailjet(
      ...["x", "y", "z"].flatMap((name) =>
        [-2, -1].map((back) => bounce(`${name}@gmail.com`, noon + back * day)),
      ),
    );
    await mailjet(...["x", "y", "z"].map((name) => bounce(`${name}@gmail.com`, noon + 1300)));
    expect((await list("?held=true")).suppressions).toEqual([]);
  });

  it("is looked for only where there are soft bounces, with one query by key", async () => {
    const queries: string[] = [];
    const counting = {
      prepare: (sql: string) => (queries.push(sql), env.DB.prepare(sql)),
      batch: async (all: D1PreparedStatement[]) => await env.DB.batch(all),
    };
    const asksFor = async (...events: Record<string, unknown>[]) => {
      queries.length = 0;
      await deliver(
        await messagesOf(mailjetPost(JSON.stringify(events.map((one) => mailjetEvent(one))))),
        envWith({ DB: counting }),
      );
      return queries.filter((sql) => sql.includes("FROM json_each(?1) AS b CROSS JOIN rollups"));
    };
    expect(
      await asksFor({ event: "sent" }, bounce("h@gmail.com", NOW, true), ...others(5, "blocked", NOW)),
    ).toEqual([]);
    const [sql = "", ...more] = await asksFor(bounce("s@gmail.com", NOW), bounce("t@gmail.com", NOW - 5000));
    expect(more).toEqual([]);
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll("?1", "'[]'")}`);
    expect(plan.map(({ detail }) => detail).join()).toMatch(/SEARCH r USING PRIMARY KEY \(bucket=\?\)/);
  });
});

describe("many", () => {
  beforeEach(freshStorage);
  const asCsv = { headers: { "content-type": "text/csv" } };
  interface Import {
    rows: number;
    added: number;
    unchanged: number;
    skipped: number;
    rejected: number;
    rejects: { line: number; reason: string }[];
  }
  const importCsv = async (text: string) => await (await ask("POST", "/import", text, asCsv)).json<Import>();

  it("are imported as they were exported, and twice is once", async () => {
    await mailjet(
      bounce("hard@example.com", NOW - 5000, true),
      { event: "unsub", email: "gone@gmail.com", time: NOW - 4000 },
      { event: "spam", email: "back@gmail.com", time: NOW - 3000 },
    );
    await ask("PUT", "/ann@example.com", { note: 'said "no", twice\nand again' });
    await ask("PUT", "/bob@example.com", { scope: "mailjet:1" });
    await ask("DELETE", "/back@gmail.com");
    const accept = (type: string) => ({ headers: { accept: type } });
    const csv = await (await ask("GET", "?include=lifted", undefined, accept("text/csv"))).text();
    const ndjson = await (await ask("GET", "", undefined, accept("application/x-ndjson"))).text();
    const brief = (page: Page) =>
      page.suppressions
        .map(({ address, reason, scope, since, note, lifted_by }) => ({
          address,
          reason,
          scope,
          since,
          note,
          lifted_by,
        }))
        .sort((a, b) => (a.address < b.address ? -1 : 1));
    const before = brief(await list());
    expect(before).toHaveLength(4);
    // Into itself it changes nothing; into an empty one it brings everything that was in force.
    expect(await importCsv(csv)).toMatchObject({ rows: 5, added: 0, unchanged: 4, skipped: 1, rejected: 0 });
    for (const [type, text] of [
      ["text/csv", csv],
      ["application/x-ndjson", ndjson],
    ] as const) {
      await freshStorage();
      const headers = { headers: { "content-type": type } };
      expect(await (await ask("POST", "/import", text, headers)).json()).toMatchObject({
        added: 4,
        rejected: 0,
      });
      expect(brief(await list())).toEqual(before);
      const version = await figure("SELECT sum(version) AS n FROM contacts");
      expect(await (await ask("POST", "/import", text, headers)).json()).toMatchObject({
        added: 0,
        unchanged: 4,
      });
      expect(await figure("SELECT sum(version) AS n FROM contacts")).toBe(version);
    }
    // An imported unsubscribe is one: a later subscribe or lift ends it, and the import does not bring it back.
    await ask("DELETE", "/gone@gmail.com");
    expect(await importCsv(csv)).toMatchObject({ added: 0 });
    expect((await status("gone@gmail.com")).suppressed).toBe(false);
  });

  it("are imported row by row: what is wrong is named by its line", async () => {
    const text = [
      "Email;Reason;since;note",
      "A@Example.com;;;",
      "nobody;;;",
      "",
      "b@example.com;whim;;",
      "c@example.com;hard_bounce;2026-01-01T00:00:00Z;old",
      "d@example.com;;soon;",
      `e@example.com;;${new Date(Date.now() + DAY).toISOString()};`,
      ";;;x",
    ].join("\r\n");
    const result = await importCsv(text);
    expect(result).toMatchObject({ rows: 7, added: 2, rejected: 5 });
    expect(result.rejects.map(({ line, reason }) => `${line} ${reason.split(" ")[0]}`)).toEqual([
      "3 address:",
      "5 reason:",
      "7 since:",
      "8 since:",
      "9 address:",
    ]);
    expect((await status("c@example.com")).suppression).toMatchObject({
      reason: "hard_bounce",
      since: "2026-01-01T00:00:00.000Z",
      source: "import",
      by: "tests",
      note: "old",
    });
    const asJson = await (
      await ask("POST", "/import", ["x@example.com", { address: "y@example.com", scope: "sendgrid:3" }, 5])
    ).json<Import>();
    expect(asJson).toMatchObject({ added: 2, rejects: [{ line: 3, reason: "is not an object" }] });
    for (const [body, type] of [
      ["no header\na@b.c", "text/csv"],
      ['address\n"a@b.c', "text/csv"],
      ["{", "application/json"],
      ["address", "text/plain"],
    ] as const)
      expect((await ask("POST", "/import", body, { headers: { "content-type": type } })).status, body).toBe(
        400,
      );
  });

  it("up to 5,000 at once, and no more", async () => {
    const many = (count: number) =>
      `address\n${Array.from({ length: count }, (_, i) => `p${i % 4000}@example.com`).join("\n")}`;
    expect((await ask("POST", "/import", many(5_001), asCsv)).status).toBe(413);
    expect(await figure("SELECT count(*) AS n FROM suppressions")).toBe(0);
    expect(await importCsv(many(5_000))).toMatchObject({ rows: 5_000, added: 4_000, unchanged: 1_000 });
    expect(await figure("SELECT count(*) AS n FROM suppressions")).toBe(4_000);

    const addresses = [
      "no address",
      ...Array.from({ length: 999 }, (_, i) => (i % 2 === 0 ? `P${i}@Example.com` : `q${i}@example.com`)),
    ];
    const trips: string[] = [];
    const session = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        trips.push("batch");
        return await env.DB.batch(statements);
      },
      getBookmark: () => null,
    };
    const watching = bindings({ DB: { withSession: () => session } });
    const answer = await ask("POST", "/check", { addresses }, { env: watching });
    const checked = (
      await answer.json<{ addresses: { address: string; suppressed: boolean; error: string | null }[] }>()
    ).addresses;
    expect(trips).toHaveLength(1);
    expect(checked.map(({ address }) => address)).toEqual(addresses);
    expect(checked[0]).toMatchObject({ suppressed: false, error: "is not an email address" });
    expect(checked.slice(1).map(({ suppressed }) => suppressed)).toEqual(
      Array.from({ length: 999 }, (_, i) => i % 2 === 0),
    );
  });

  it("are listed page by page without a skip or a repeat while others come and go", async () => {
    const line = (name: string, i: number) =>
      `${name}${i}@${i % 2 === 0 ? "gmail.com" : "example.com"},${i % 3 === 0 ? "hard_bounce" : "manual"},${new Date((NOW - 10_000 + (i % 40)) * 1000).toISOString()}`;
    const csv = (name: string, from: number, to: number) =>
      ["address,reason,since", ...Array.from({ length: to - from }, (_, i) => line(name, from + i))].join(
        "\n",
      );
    await importCsv(csv("p", 0, 300));
    for (const [query, wanted] of [
      ["", 300],
      ["&reason=hard_bounce", 100],
      ["&destination=gmail&source=import", 150],
    ] as const) {
      const seen: string[] = [];
      let after = "";
      for (let turn = 0; turn < 100; turn++) {
        const { suppressions, next } = await list(`?limit=17${query}${after}`);
        seen.push(...suppressions.map(({ address }) => address).filter((one) => one.startsWith("p")));
        if (next === null) break;
        after = `&after=${next}`;
        await importCsv(csv("other", turn * 3, turn * 3 + 3));
      }
      expect(new Set(seen).size, query).toBe(wanted);
      expect(seen, query).toHaveLength(wanted);
    }
    const since = new Date((NOW - 10_000 + 20) * 1000).toISOString();
    const part = async (query: string) =>
      (await list(`?limit=1000&${query}`)).suppressions.filter(({ address }) => address.startsWith("p"))
        .length;
    expect((await part(`since=${since}`)) + (await part(`until=${since}`))).toBe(300);
    const csvText = await (await ask("GET", "", undefined, { headers: { accept: "text/csv" } })).text();
    expect(csvText.split("\r\n").filter((row) => row.startsWith("p"))).toHaveLength(300);
  });

  it("are found by an index, whatever is asked", async () => {
    const asked: string[] = [];
    const session = {
      prepare: (sql: string) => (asked.push(sql), env.DB.prepare(sql)),
      batch: async (all: D1PreparedStatement[]) => await env.DB.batch(all),
      getBookmark: () => null,
    };
    const watching = { env: bindings({ DB: { ...session, withSession: () => session } }) };
    for (const path of [
      "",
      "?held=true&destination=gmail",
      "?include=lifted&reason=manual&since=2026-01-01",
      "/a@b.c",
    ])
      await ask("GET", path, undefined, watching);
    await ask("POST", "/check", { addresses: ["a@b.c"] }, watching);
    await ask("PUT", "/a@b.c", {}, watching);
    await ask("DELETE", "/a@b.c", undefined, watching);
    await ask("POST", "/drop", { destination: "gmail" }, watching);
    expect(new Set(asked).size).toBeGreaterThanOrEqual(10);
    for (const sql of new Set(asked)) {
      const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'[]'")}`);
      for (const { detail } of plan) {
        expect(detail, sql).not.toMatch(
          /SCAN (events|messages|contacts|suppressions|rollups|s|c)\b(?! VIRTUAL)/,
        );
        // The list comes in the order of its index: sorting millions of rows for a page would be no better than walking them.
        if (/INDEXED BY suppressions_(at|held)/.test(sql)) expect(detail, sql).not.toContain("TEMP B-TREE");
      }
    }
  });
});

it("costs three rows of the database when somebody is suppressed, two when it is lifted, none when it is told again", async () => {
  await freshStorage();
  let written = 0;
  const counting = {
    prepare: (sql: string) => env.DB.prepare(sql),
    withSession: () => env.DB.withSession(),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch(statements);
      written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
      return results;
    },
  };
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    written = 0;
    await work();
    return written;
  };
  const event = async (fields: Record<string, unknown>) => {
    const messages = await messagesOf(mailjetPost(JSON.stringify([mailjetEvent(fields)])));
    return await cost(async () => await deliver(messages, envWith({ DB: counting })));
  };
  const plain = await event({ event: "blocked", email: "z@example.com", time: NOW, MessageID: 1 });
  const hard = { event: "bounce", hard_bounce: true, email: "ann@example.com" };
  const first = await event({ ...hard, time: NOW, MessageID: 2 });
  expect(first - plain, "contact, suppression, its place in the list").toBe(3);
  // The first of their kind also put a counter of the campaign into its index.
  expect((await event({ ...hard, time: NOW + 1, MessageID: 3 })) - plain, "told again").toBe(-1);
  const changed = { env: bindings({ DB: counting }) };
  expect(await cost(async () => await ask("DELETE", "/ann@example.com", undefined, changed))).toBe(2);
  expect(await cost(async () => await ask("DELETE", "/ann@example.com", undefined, changed))).toBe(0);
  expect(await cost(async () => await ask("PUT", "/ann@example.com", {}, changed))).toBe(4);
  expect(await cost(async () => await ask("PUT", "/ann@example.com", {}, changed))).toBe(0);
  expect(await cost(async () => await ask("PUT", "/new@example.com", {}, changed))).toBe(3);
});

// What a pipe may take: large events, many redeliveries, and long runs. What it stores stays small, and no run of it
// asks the database more than the platform allows.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { MOST_REDELIVERIES, MOST_WAITING } from "../../src/pipes/redeliveries.ts";
import { openRetries } from "../../src/pipes/retries.ts";
import { asInvocation, type Invocation } from "../support/limits.ts";
import { rows } from "../support/support.ts";
import {
  ask,
  ids,
  make,
  pass,
  people,
  receivers,
  show,
  status,
  store,
  taken,
  withReceivers,
} from "./receivers.ts";
import { nameInFeed, nextSeq } from "../support/feed-sql.ts";

withReceivers();

describe("large events", () => {
  it("are passed on in shorter pages, all of them", async () => {
    const pipe = await make("crm", {
      start: "beginning",
      settings: { url: "https://crm.example.com/hook", batch: true },
    });
    await env.DB.prepare(
      `WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1500)
       INSERT INTO events (seq, id, contact, at, received_at, source, provider, type, bounce, destination, machine, message_id,
         campaign, line, element, details)
       SELECT ${nextSeq("n")}, printf('p0000000%026d', n), 'ann' || n || '@example.com', 1790000000000 + n, 1790000000000, 'generic',
         'generic', 'sent', '', 'other', '', NULL, NULL, 0, 0,
         json_object('metadata', json_object('text', printf('%.*c', 8000, 'x')))
       FROM r`,
    ).run();
    await env.DB.prepare(nameInFeed("b")).run();
    await pass();
    expect((await show(pipe)).health).toMatchObject({ behind: 0, waiting: 0, delivered: 1_500 });
    const body = { pipes: [pipe], from: "2026-01-01T00:00:00Z" };
    expect(await (await ask("POST", "/redeliveries", body)).json()).toMatchObject({
      pipes: [{ pipe, count: 1_500, complete: true }],
    });
    expect((await ask("POST", "/redeliveries", { ...body, dry_run: false })).status).toBe(200);
    await pass();
    expect((await show(pipe)).health).toMatchObject({ delivered: 3_000, redeliveries: 0 });
  });
});

describe("redeliveries", () => {
  it("of a pipe are 20 at once; one more is refused, with what to do, and none of the pipes gets it", async () => {
    const [pipe, other] = [await make("crm"), await make("other")];
    await store(people(2));
    await ask("POST", `/pipes/${pipe}/pause`);
    await ask("POST", `/pipes/${other}/pause`);
    const filter = `type == "opened" || contact == "${"x".repeat(3_000)}"`;
    const body = { pipes: [pipe], from: "2026-01-01T00:00:00Z", filter, dry_run: false };
    for (let n = 0; n < MOST_REDELIVERIES; n++)
      expect((await ask("POST", "/redeliveries", body)).status).toBe(200);
    const refused = await ask("POST", "/redeliveries", { ...body, pipes: [other, pipe] });
    expect(refused.status).toBe(409);
    expect((await refused.json<{ detail: string }>()).detail).toMatch(
      /crm has 20 redeliveries under way.*Wait/,
    );
    expect((await show(pipe)).health).toMatchObject({ redeliveries: MOST_REDELIVERIES });
    expect((await show(other)).health).toMatchObject({ redeliveries: 0 });
    const state = await runInDurableObject(env.PIPES.getByName(pipe), (_, { storage }) =>
      storage.kv.get("state"),
    );
    expect(JSON.stringify(state).length).toBeLessThan(1_000);
    await ask("POST", `/pipes/${pipe}/resume`);
    await pass();
    expect((await show(pipe)).health).toMatchObject({ redeliveries: 0 });
    expect(ids("crm")).toHaveLength(2 + 2 * MOST_REDELIVERIES);
    expect((await ask("POST", "/redeliveries", body)).status).toBe(200);
  });

  it("of single events are refused while too many of these wait", async () => {
    const pipe = await make("crm");
    const [event = ""] = await store(people(1));
    await runInDurableObject(env.PIPES.getByName(pipe), (_, { storage }) => {
      const retries = openRetries(storage);
      const some = {
        feed: "events",
        grp: "",
        tries: 1,
        due: Date.now() * 2,
        reason: "no",
        asked: 1,
      } as const;
      for (let n = 0; n < MOST_WAITING; n++) retries.put({ ...some, seq: n + 10, id: `e${n}` });
    });
    const body = { pipes: [pipe], events: [event], dry_run: false };
    const refused = await ask("POST", "/redeliveries", body);
    expect(refused.status).toBe(409);
    expect((await refused.json<{ detail: string }>()).detail).toMatch(/Too many events wait in the pipe crm/);
  });

  it("to ten pipes are counted in one walk of the feed, and without filters in one query", async () => {
    await store(people(400));
    const pipes: string[] = [];
    for (let n = 0; n < 10; n++) pipes.push(await make(`p${n}`, n < 5 ? {} : { filter: 'type == "opened"' }));
    const costs: number[] = [];
    for (const some of [pipes.slice(0, 1), pipes.slice(0, 5), pipes.slice(5, 6), pipes]) {
      const used: Invocation = { queries: 0, subrequests: 0 };
      const { redeliver } = await import("../../src/pipes/redeliver/redeliver.ts");
      const scope = { from: 0, to: null, filter: null };
      const result = await asInvocation(
        async () => await redeliver(env, some, scope, { dryRun: true }),
        used,
      );
      expect(result).toMatchObject({
        ok: true,
        value: { pipes: some.map(() => ({ count: 400, complete: true })) },
      });
      costs.push(used.queries);
    }
    const [one = 0, five = 0, filtered = 0, all = 0] = costs;
    expect(five).toBe(one);
    expect(all).toBeLessThanOrEqual(filtered + 1);
  });
});

const token = async (scopes: string[]): Promise<Record<string, string>> => {
  const answer = await ask("POST", "/tokens", { name: scopes.join("-"), scopes });
  return { authorization: `Bearer ${(await answer.json<{ token: string }>()).token}` };
};

describe("a webhook's URL", () => {
  const url = "https://crm.example.com/hooks/catch/123/SECRETPATH?token=abcdef";
  const masked = "https://crm.example.com/…";
  const forAdministrators = "https://crm.example.com/hooks/catch/…/…?token=…";

  it("is stored encrypted, and masked for everybody", async () => {
    const pipe = await make("crm", { settings: { url } });
    const [row] = await rows<{ settings: string; secrets: string }>("SELECT settings, secrets FROM pipes");
    expect(JSON.stringify(row)).not.toMatch(/SECRETPATH|abcdef/);
    expect((await show(pipe)).settings).toMatchObject({ url: forAdministrators });
    const { send, envWith } = await import("../support/support.ts");
    for (const scope of ["read", "write"]) {
      const headers = await token([scope]);
      for (const path of ["/pipes", `/pipes/${pipe}`]) {
        const text = await (
          await send(new Request(`https://edge.example/v1${path}`, { headers }), envWith())
        ).text();
        expect(text).toContain(masked);
        expect(text).not.toMatch(/SECRETPATH|abcdef/);
      }
    }
  });

  it("stands in no record of a request, also where the receiver repeats it", async () => {
    const pipe = await make("crm", { settings: { url } });
    receivers.set(
      "crm",
      () => new Response(`no ${url} and ${new URL(url).pathname}?token=abcdef`, { status: 422 }),
    );
    const text = await (await ask("POST", `/pipes/${pipe}/test`)).text();
    expect(JSON.parse(text)).toMatchObject({ exchanges: [{ request: { url: masked } }] });
    await store(people(1));
    await pass();
    const log = await (await ask("GET", `/attempts?pipe=${pipe}`)).text();
    expect(log).toContain("(hidden)");
    for (const told of [text, log]) expect(told).not.toMatch(/SECRETPATH|abcdef/);
  });

  it("that an earlier version stored openly is read, masked, and encrypted by the next change", async () => {
    const pipe = await make("crm");
    await env.DB.prepare("UPDATE pipes SET settings = json_set(settings, '$.url', ?1), secrets = NULL")
      .bind(url)
      .run();
    const signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
    expect((await ask("PATCH", `/pipes/${pipe}`, { settings: { signing_secrets } })).status).toBe(200);
    expect(await rows("SELECT 1 FROM pipes WHERE settings LIKE '%SECRET%'")).toEqual([]);
    const [event] = await store(people(1));
    await pass();
    expect(ids("crm")).toEqual([event]);
    // As it was shown, it stays as it is.
    expect((await ask("PATCH", `/pipes/${pipe}`, { settings: { url: masked } })).status).toBe(200);
    const [later] = await store(people(1));
    await pass();
    expect(ids("crm")).toEqual([event, later]);
    expect(taken.get("crm")?.map((heard) => heard.url)).toEqual([url, url]);
  });
});

const MOVES: [
  kind: string,
  settings: Record<string, unknown>,
  move: Record<string, unknown>,
  secret: Record<string, unknown>,
][] = [
  [
    "webhook",
    { url: "https://a.example.com/hook", headers: { authorization: "Basic c3ZjOlMzY3JldA==" } },
    { url: "https://b.example.com/hook" },
    { headers: { authorization: "other" } },
  ],
  [
    "rabbitmq",
    { host: "a.example.com", username: "svc", password: "S3cret", routing_key: "mail" },
    { host: "b.example.com" },
    { password: "other" },
  ],
  [
    "kafka",
    { url: "https://a.example.com", cluster: "lkc-1", topic: "mail", username: "svc", password: "S3cret" },
    { url: "https://b.example.com" },
    { password: "other" },
  ],
  [
    "salesforce",
    {
      instance_url: "https://a.my.salesforce.com",
      client_id: "id",
      client_secret: "S3cret",
      external_id_field: "Email__c",
      fields: { last_event: "Last__c" },
    },
    { instance_url: "https://b.my.salesforce.com" },
    { client_secret: "other" },
  ],
];

describe("a pipe that gets another host", () => {
  it.each(MOVES)("needs its secrets anew: %s", async (kind, settings, move, secret) => {
    const made = await ask("POST", "/pipes", { name: "crm", kind, settings });
    expect(made.status, await made.clone().text()).toBe(201);
    const { id } = (await made.json<{ pipe: { id: string } }>()).pipe;
    const refused = await ask("PATCH", `/pipes/${id}`, { settings: move });
    expect(refused.status).toBe(400);
    const [name = ""] = Object.keys(secret);
    expect((await refused.json<{ detail: string }>()).detail).toMatch(
      new RegExp(`settings.${name}: must be passed again`),
    );
    expect((await ask("PATCH", `/pipes/${id}`, { settings: { ...move, ...secret } })).status).toBe(200);
    expect((await show(id)).settings).toMatchObject(move);
    expect((await ask("PATCH", `/pipes/${id}`, { filter: 'type == "opened"' })).status).toBe(200);
  });

  it("may keep them for another path of its host", async () => {
    const settings = { url: "https://crm.example.com/hook", headers: { "x-key": "S3cret" } };
    const pipe = await make("crm", { settings });
    receivers.set("crm", ({ headers }) => status(headers.get("x-key") === "S3cret" ? 204 : 401));
    expect(
      (await ask("PATCH", `/pipes/${pipe}`, { settings: { url: "https://crm.example.com/other" } })).status,
    ).toBe(200);
  });
});

describe("a run", () => {
  it("ends before it has made a thousand queries, and the next one goes on", async () => {
    const pipe = await make("crm");
    await store(people(1));
    const ended = await runInDurableObject(env.PIPES.getByName(pipe), async (instance, { storage }) => {
      const run = { ended: false };
      const alarm = instance.alarm().finally(() => (run.ended = true));
      for (let n = 0; !run.ended && n < 100_000; n++) {
        await instance.wake();
        await scheduler.wait(0);
      }
      const { ended } = run;
      await alarm;
      return [ended, await storage.getAlarm()];
    });
    expect(ended).toEqual([true, expect.any(Number)]);
    expect(ids("crm")).toHaveLength(1);
  });
});

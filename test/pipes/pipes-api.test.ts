// /v1/pipes as people use it: pipes are created, changed, tested, paused and deleted; mistakes are named, secrets never
// shown.

import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { kinds } from "../../src/pipes/kinds/index.ts";
import { envWith, rows } from "../support/support.ts";
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

withReceivers();

const settings = { url: "https://crm.example.com/hook" };
const wanted = { name: "crm", kind: "webhook", settings };

describe("creating a pipe", () => {
  it("names each wrong field and stores nothing", async () => {
    for (const [change, parameter] of [
      [{ name: "a b" }, "name"],
      [{ kind: "pigeon" }, "kind"],
      [{ settings: {} }, "settings.url"],
      [{ settings: { url: "http://crm.example.com" } }, "settings.url"],
      [{ settings: { url: "https://10.0.0.1/hook" } }, "settings.url"],
      [{ settings: { url: "https://169.254.169.254/latest" } }, "settings.url"],
      [{ settings: { ...settings, headers: { "webhook-id": "x" } } }, "settings.headers.webhook-id"],
      [{ settings: { ...settings, headers: { "x-a": "b\r\nc: d" } } }, "settings.headers.x-a"],
      [{ settings: { ...settings, signing_secrets: ["short"] } }, "settings.signing_secrets.0"],
      [{ settings: { ...settings, urls: 1 } }, "settings.urls"],
      [{ filter: "type ==" }, "filter"],
      [{ filter: 'typ == "opened"' }, "filter"],
      [{ filter: "1 + 1" }, "filter"],
      [{ batch: 0 }, "batch"],
      [{ concurrency: 17 }, "concurrency"],
      [{ rate: 0 }, "rate"],
      [{ log_share: 2 }, "log_share"],
      [{ start: "yesterday" }, "start"],
      [{ start: { after: "v2.x" } }, "start.after"],
      [{ start: { seq: -1 } }, "start.seq"],
      [{ colour: "red" }, "colour"],
    ] as const) {
      const response = await ask("POST", "/pipes", { ...wanted, ...change });
      expect(response.status, parameter).toBe(400);
      const { errors } = await response.json<{ errors: { parameter: string }[] }>();
      expect(errors.map((one) => one.parameter)).toContain(parameter);
    }
    expect(await rows("SELECT id FROM pipes")).toEqual([]);
    await make("crm");
    expect((await ask("POST", "/pipes", wanted)).status).toBe(409);
  });

  it("shows a generated secret once, stores it encrypted, and signs with it", async () => {
    const response = await ask("POST", "/pipes", {
      ...wanted,
      settings: { ...settings, headers: { "x-key": "topsecret" } },
    });
    const { pipe, made } = await response.json<{
      pipe: { id: string; secrets: string[] };
      made: { signing_secret: string };
    }>();
    expect(made.signing_secret).toMatch(/^whsec_/);
    expect(pipe.secrets.toSorted()).toEqual(["headers", "signing_secrets"]);
    const stored = JSON.stringify(await rows("SELECT * FROM pipes"));
    for (const answer of [JSON.stringify(pipe), await (await ask("GET", "/pipes")).text(), stored]) {
      expect(answer).not.toContain(made.signing_secret);
      expect(answer).not.toContain("topsecret");
    }
    await store(people(2));
    await pass();
    const [heard] = taken.get("crm") ?? [];
    const now = Math.floor(Date.now() / 1000);
    expect(heard?.headers.get("x-key")).toBe("topsecret");
    expect(Number(heard?.headers.get("webhook-timestamp"))).toBe(now);
    expect(
      new Webhook(made.signing_secret).verify(heard?.body ?? "", Object.fromEntries(heard?.headers ?? [])),
    ).toMatchObject({
      type: "opened",
    });
  });

  it("says what to do when there is no key to encrypt with, or the one that was used is lost", async () => {
    const none = envWith({ PIPE_KEYS: undefined });
    const refused = await ask("POST", "/pipes", wanted, none);
    expect(refused.status).toBe(409);
    expect(await refused.text()).toMatch(/PIPE_KEYS/);
    const id = await make("crm");
    const other = envWith({ PIPE_KEYS: JSON.stringify({ other: Buffer.alloc(32, 7).toString("base64") }) });
    expect((await ask("POST", `/pipes/${id}/test`, undefined, other)).status).toBe(409);
    const both = envWith({
      PIPE_KEYS: JSON.stringify({
        local: "bG9jYWwtb25seS1sb2NhbC1vbmx5LWxvY2FsLW9ubHk=",
        next: Buffer.alloc(32, 8).toString("base64"),
      }),
    });
    expect((await ask("PATCH", `/pipes/${id}`, { name: "crm2" }, both)).status).toBe(200);
    expect((await rows<{ secrets: string }>("SELECT secrets FROM pipes"))[0]?.secrets).toMatch(/^next\./);
  });
});

describe("a pipe", () => {
  it("shows its place as a cursor of /v1/events, behind which is what it has not passed on", async () => {
    const id = await make("crm");
    const events = await store(people(3));
    await pass();
    receivers.set("crm", () => status(503));
    const later = await store(people(2));
    const { health } = await (
      await ask("GET", `/pipes/${id}`)
    ).json<{ health: { position: string; behind: number } }>();
    expect(health.behind).toBe(2);
    const list = async (after: string): Promise<string[]> => {
      const page = await (await ask("GET", `/events?after=${after}`)).json<{ events: { id: string }[] }>();
      return page.events.map((event) => event.id);
    };
    expect(await list(health.position)).toEqual(later);
    expect(await list("3")).toEqual(later); // clients of older versions stored numbers
    expect(await list("0")).toEqual([...events, ...later]);
  });

  it("sends a sample and shows the exact request and answer, without secrets", async () => {
    const { pipe, made } = await (
      await ask("POST", "/pipes", { ...wanted, settings: { ...settings, headers: { "x-key": "topsecret" } } })
    ).json<{ pipe: { id: string }; made: { signing_secret: string } }>();
    receivers.set("crm", ({ headers }) => new Response(`you said ${headers.get("x-key")}`, { status: 422 }));
    const response = await ask("POST", `/pipes/${pipe.id}/test`);
    const text = await response.text();
    const result = JSON.parse(text) as {
      outcome: string;
      reason: string;
      exchanges: { request: { url: string; body: string }; response: { status: number; body: string } }[];
    };
    expect(result).toMatchObject({ outcome: "refused", reason: "answered 422" });
    expect(result.exchanges).toHaveLength(1);
    expect(result.exchanges[0]?.request.url).toBe("https://crm.example.com/…");
    expect(JSON.parse(result.exchanges[0]?.request.body ?? "")).toMatchObject({ type: "delivered" });
    expect(result.exchanges[0]?.response).toMatchObject({ status: 422, body: "you said (hidden)" });
    expect(text).not.toContain("topsecret");
    expect(text).not.toContain(made.signing_secret.slice(6));
  });

  it("changes what is named and leaves the rest; during a rotation both secrets sign", async () => {
    const id = await make("crm", { filter: 'type == "opened"' });
    expect(
      (await ask("PATCH", `/pipes/${id}`, { settings: { url: "https://new.example.com/hook" } })).status,
    ).toBe(200);
    expect(await show(id)).toMatchObject({
      settings: { url: "https://new.example.com/hook" },
      filter: 'type == "opened"',
    });
    const { made } = await (
      await ask("POST", `/pipes/${id}/rotate`)
    ).json<{ made: { signing_secret: string } }>();
    await store(people(1));
    await pass();
    const [heard] = taken.get("new") ?? [];
    expect(heard?.headers.get("webhook-signature")?.split(" ")).toHaveLength(2);
    new Webhook(made.signing_secret).verify(heard?.body ?? "", Object.fromEntries(heard?.headers ?? []));
    expect(
      (await ask("PATCH", `/pipes/${id}`, { settings: { signing_secrets: [made.signing_secret] } })).status,
    ).toBe(200);
    expect((await ask("PATCH", `/pipes/${id}`, { settings: { url: null } })).status).toBe(400);
  });

  it("keeps its position while it is paused, and is gone once it is deleted", async () => {
    const id = await make("crm");
    expect((await ask("POST", `/pipes/${id}/pause`)).status).toBe(200);
    expect((await ask("POST", `/pipes/${id}/pause`)).status).toBe(409);
    const events = await store(people(5));
    await pass(3_600_000);
    expect(ids("crm")).toEqual([]);
    expect(await show(id)).toMatchObject({
      status: "paused",
      paused: { reason: "paused by tests" },
      health: { behind: 5 },
    });
    await ask("POST", `/pipes/${id}/resume`);
    await pass();
    expect(ids("crm").toSorted()).toEqual(events.toSorted());
    receivers.set("crm", () => status(400));
    await store(people(1));
    await pass();
    expect((await rows("SELECT id FROM attempts")).length).toBeGreaterThan(0);
    expect((await ask("DELETE", `/pipes/${id}`)).status).toBe(204);
    expect((await ask("GET", `/pipes/${id}`)).status).toBe(404);
    expect(await rows("SELECT id FROM attempts")).toEqual([]);
    await store(people(1));
    await pass(3_600_000);
    expect(ids("crm")).toHaveLength(5);
  });

  it("has a log that can be searched by pipe, event and contact, in pages, without addresses", async () => {
    const id = await make("crm", { log_share: 1 });
    receivers.set("crm", ({ contact }) => new Response(`no such ${contact}`, { status: 400 }));
    const [first = ""] = await store(["ann@example.com", "bob@example.com"]);
    await pass();
    await pass(400_000);
    type Page = {
      attempts: { id: string; events: string[]; excerpt: string; outcome: string }[];
      next: string | null;
    };
    const list = async (query: string): Promise<Page> =>
      await (await ask("GET", `/attempts?${query}`)).json<Page>();
    const all = await list(`pipe=${id}`);
    expect(all.attempts).toHaveLength(4);
    expect(all.attempts.every(({ excerpt }) => excerpt === "no such (address)")).toBe(true);
    expect((await list(`event=${first}`)).attempts).toHaveLength(2);
    expect((await list("contact=bob@example.com")).attempts).toHaveLength(2);
    const pages: string[] = [];
    for (let next: string | null = ""; next !== null;) {
      const page: Page = await list(`pipe=${id}&limit=1${next === "" ? "" : `&after=${next}`}`);
      pages.push(...page.attempts.map((one) => one.id));
      next = page.next;
    }
    expect(pages).toEqual(all.attempts.map((one) => one.id));
    const page = await list(`event=${first}&limit=1`);
    expect((await list(`event=${first}&limit=1&after=${page.next}`)).attempts).toHaveLength(1);
    expect((await ask("GET", "/attempts")).status).toBe(400);
  });

  it("finds an event and a contact in the log also in a batch, and forgets erased contacts", async () => {
    const settings = { url: "https://crm.example.com/hook", batch: true };
    await make("crm", { settings, log_share: 1 });
    const stored = await store(["ann@example.com", "bob@example.com", "eve@example.com"]);
    await pass();
    const attempts = async (query: string): Promise<{ events: string[] }[]> =>
      (await (await ask("GET", `/attempts?${query}`)).json<{ attempts: { events: string[] }[] }>()).attempts;
    const [ann = "", bob = "", eve = ""] = stored;
    for (const query of [`event=${bob}`, "contact=Bob@example.com"])
      expect((await attempts(query)).map(({ events }) => events)).toEqual([stored]);
    expect(await attempts("contact=nobody@example.com")).toEqual([]);
    await ask("DELETE", "/contacts/bob@example.com");
    expect(await attempts(`event=${bob}`)).toEqual([]);
    expect((await attempts(`event=${ann}`)).map(({ events }) => events)).toEqual([[ann, eve]]);
  });

  it("refuses a redelivery of unknown events, or to unknown pipes", async () => {
    const id = await make("crm");
    const [event = ""] = await store(people(1));
    for (const [body, code] of [
      [{ pipes: ["nobody"], events: [event] }, 404],
      [{ pipes: [id], events: ["nothing"] }, 404],
      [{ pipes: [id] }, 400],
      [{ pipes: [id], events: [event], from: "2026-01-01" }, 400],
      [{ pipes: [id], from: "2026-01-01", filter: "type ==" }, 400],
    ] as const)
      expect((await ask("POST", "/redeliveries", body)).status).toBe(code);
  });
});

it("describes every kind by the schema that checks its settings", async () => {
  const { pipe_kinds } = await (
    await ask("GET", "/pipe-kinds")
  ).json<{ pipe_kinds: { kind: string; settings: object }[] }>();
  expect(pipe_kinds.map(({ kind }) => kind)).toEqual(Object.keys(kinds));
  for (const { settings: schema } of pipe_kinds) expect(schema).toHaveProperty("properties");
});

// What people see before a pipe sends anything: its body and request, and what its filter lets through.

import { describe, expect, it, vi } from "vitest";
import { ask, ids, make, pass, people, store, taken, withReceivers } from "./receivers.ts";

withReceivers();

const settings = { url: "https://crm.example.com/hook" };

interface Previewed {
  body: string;
  request: { url: string; headers: Record<string, string>; body: string } | null;
  passes: boolean;
  reason: string | null;
  filter_check: { events: number; passed: number; failed: number; summary: string };
}

async function preview(body: unknown): Promise<Previewed> {
  const response = await ask("POST", "/pipes/preview", body);
  expect(response.status, await response.clone().text()).toBe(200);
  return await response.json<Previewed>();
}

/** The error of a call that must fail, by its parameter. */
async function errorOf(path: string, body: unknown, method = "POST"): Promise<Record<string, string>> {
  const response = await ask(method, path, body);
  expect(response.status).toBe(400);
  const { errors } = await response.json<{ errors: { parameter: string; reason: string }[] }>();
  return Object.fromEntries(errors.map(({ parameter, reason }) => [parameter, reason]));
}

describe("a body of one's own", () => {
  it("is previewed, tested and sent in the same words, as a text or as JSON", async () => {
    const own = { ...settings, payload: "template", headers: { "x-key": "topsecret" } };
    const wanted = '{"text":"{{contact}} {{type}}","data":{"contact":"{{contact}}"},"type":"{{type}}"}';
    for (const [name, template] of [
      ["crm", wanted],
      ["web", JSON.parse(wanted) as unknown],
    ] as const) {
      const given = { ...own, url: `https://${name}.example.com/hook`, template };
      const sample = { type: "bounced", contact: "ann@example.com" };
      const shown = await preview({ settings: given, sample });
      expect(JSON.parse(shown.body)).toMatchObject({ text: "ann@example.com bounced" });
      expect(shown.request?.body).toBe(shown.body);
      expect(shown.request?.headers).toMatchObject({
        "content-type": "application/json",
        "x-key": "(hidden)",
        "webhook-signature": "(hidden)",
      });
      const id = await make(name, { settings: given });
      const [event = ""] = await store(people(1));
      await pass();
      expect(ids(name)).toEqual([event]);
      const [heard] = taken.get(name) ?? [];
      expect(JSON.parse(heard?.body ?? "")).toMatchObject({ text: "p0@example.com opened" });
      expect((await preview({ pipe: id, event })).body).toBe(heard?.body);
      expect((await preview({ pipe: name, settings: { template: { n: 1 } }, event })).body).toBe('{"n":1}');
      const tested = await ask("POST", `/pipes/${name}/test`);
      expect(await tested.text()).toContain("test@tidings.invalid delivered");
    }
  });

  it("is refused with place and cause when it is saved", async () => {
    const given = { ...settings, payload: "template", template: { a: [{ b: "{{typ}}" }] } };
    for (const path of ["/pipes", "/pipes/preview"]) {
      const wanted = path === "/pipes" ? { name: "crm", kind: "webhook" } : {};
      expect(await errorOf(path, { ...wanted, settings: given })).toEqual({
        "settings.template.a.0.b": expect.stringContaining("unknown name: typ") as string,
      });
      const none = { ...settings, payload: "template" };
      expect(await errorOf(path, { ...wanted, settings: none })).toHaveProperty(["settings.template"]);
      expect(await errorOf(path, { ...wanted, settings: { ...settings, template: {} } })).toHaveProperty([
        "settings.template",
      ]);
    }
  });
});

describe("a preview", () => {
  it("sends and stores nothing, and never shows how a pipe would sign a body that a person chose", async () => {
    const id = await make("crm");
    const shown = await preview({ pipe: id, sample: { type: "clicked" } });
    expect(shown.request?.url).toBe("https://crm.example.com/…");
    expect(JSON.stringify(shown)).not.toMatch(/v1,|whsec_/);
    expect(vi.mocked(fetch)).not.toHaveBeenCalled();
    expect((await (await ask("GET", "/pipes")).json<{ pipes: unknown[] }>()).pipes).toHaveLength(1);
    expect((await ask("POST", "/pipes/preview", { pipe: "none" })).status).toBe(404);
    expect((await ask("POST", "/pipes/preview", { settings, event: "none" })).status).toBe(404);
    expect((await ask("POST", "/pipes/preview", { settings, event: "a", sample: {} })).status).toBe(400);
  });

  it("says what the filter lets through of the latest events, and so does saving it", async () => {
    await store(people(5));
    await store(people(3), "click");
    const filter = 'type == "clicked"';
    const shown = await preview({ settings, filter, sample: { type: "clicked" } });
    expect(shown).toMatchObject({ passes: true, filter_check: { events: 8, passed: 3, failed: 0 } });
    expect(shown.filter_check.summary).toBe("Of the last 8 events this lets through 3.");
    const created = await ask("POST", "/pipes", { name: "crm", kind: "webhook", settings, filter });
    expect(await created.json()).toMatchObject({ filter_check: { events: 8, passed: 3 } });
    const changed = await ask("PATCH", "/pipes/crm", { filter: "int(contact) > 0" });
    expect(await changed.json()).toMatchObject({
      name: "crm",
      filter_check: {
        events: 8,
        passed: 0,
        failed: 8,
        summary: expect.stringContaining("fails on 8") as string,
      },
    });
    expect(await (await ask("PATCH", "/pipes/crm", { rate: 5 })).json()).not.toHaveProperty("filter_check");
    expect((await preview({ pipe: "crm" })).reason).not.toBeNull();
  });
});

describe("filters over HTTP", () => {
  it("name the parameter and the words there are, those of sources too", async () => {
    const wanted = { name: "crm", kind: "webhook", settings };
    expect((await errorOf("/pipes", { ...wanted, filter: 'type == "bounce"' }))["filter"]).toContain(
      '"bounced"',
    );
    expect((await errorOf("/pipes", { ...wanted, filter: 'source == "mailjett"' }))["filter"]).toContain(
      '"mailjet"',
    );
    await make("crm");
    expect(await errorOf("/pipes/crm", { filter: 'source == "enforcd"' }, "PATCH")).toHaveProperty("filter");
    expect((await ask("PATCH", "/pipes/crm", { filter: 'source == "enforced"' })).status).toBe(200);
    expect((await ask("PATCH", "/pipes/crm", { filter: "false" })).status).toBe(200);
  });
});

it("a pipe is reached by its name as by its id, in every call", async () => {
  const id = await make("crm");
  for (const [method, path] of [
    ["GET", "/pipes/crm"],
    ["POST", "/pipes/crm/pause"],
    ["POST", "/pipes/crm/resume"],
    ["POST", "/pipes/crm/rotate"],
    ["POST", "/pipes/crm/test"],
    ["GET", "/pipes/crm/waiting"],
    ["GET", "/attempts?pipe=crm"],
  ] as const)
    expect((await ask(method, path)).status, path).toBe(200);
  const again = await ask("POST", "/redeliveries", { pipes: ["crm"], from: "2026-01-01" });
  expect(await again.json()).toMatchObject({ pipes: [{ pipe: id, count: 0 }] });
  expect((await ask("DELETE", "/pipes/crm")).status).toBe(204);
  expect((await ask("GET", "/pipes/crm")).status).toBe(404);
});

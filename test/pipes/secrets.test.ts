// Secrets of pipes as people handle them: rotated without a gap, never shown, and not destroyed by a change.

import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { describe, expect, it, vi } from "vitest";
import { envWith, rows } from "../support/support.ts";
import { ask, make, pass, people, receivers, show, store, taken, withReceivers } from "./receivers.ts";

withReceivers();

const HOUR = 3_600_000;

interface Rotated {
  made: { signing_secret: string };
  older_secrets: { until: string | null }[];
}

async function rotate(id: string, query = ""): Promise<Rotated> {
  const response = await ask("POST", `/pipes/${id}/rotate${query}`);
  expect(response.status, await response.clone().text()).toBe(200);
  return await response.json<Rotated>();
}

/** Which of the secrets verify the last request. */
async function verifying(secrets: readonly string[]): Promise<boolean[]> {
  await store(people(1));
  await pass();
  const heard = (taken.get("crm") ?? []).at(-1);
  return secrets.map((secret) => {
    try {
      new Webhook(secret).verify(heard?.body ?? "", Object.fromEntries(heard?.headers ?? []));
      return true;
    } catch {
      return false;
    }
  });
}

describe("rotating the signing secret", () => {
  it("keeps the secret in use for a day, however often it is repeated, and refuses a fourth one", async () => {
    const settings = { url: "https://crm.example.com/hook" };
    const created = await ask("POST", "/pipes", { name: "crm", kind: "webhook", settings });
    const { pipe, made } = await created.json<{ pipe: { id: string }; made: Rotated["made"] }>();
    const first = made.signing_secret;
    const begun = Date.now();
    const second = (await rotate(pipe.id)).made.signing_secret;
    vi.setSystemTime(begun + HOUR);
    const again = await rotate(pipe.id);
    const third = again.made.signing_secret;
    const ends = [begun + 25 * HOUR, begun + 24 * HOUR].map((until) => {
      return { until: new Date(until).toISOString() };
    });
    expect(again.older_secrets).toEqual(ends);
    expect(await show(pipe.id)).toMatchObject({ older_secrets: ends });
    expect(await verifying([third, second, first])).toEqual([true, true, true]);
    const fourth = await ask("POST", `/pipes/${pipe.id}/rotate`);
    expect(fourth.status).toBe(409);
    const { detail } = await fourth.json<{ detail: string }>();
    expect(detail).toContain(ends[1]?.until);
    expect(detail).toContain("now=true");
    vi.setSystemTime(begun + 24 * HOUR);
    expect(await verifying([third, second, first])).toEqual([true, true, false]);
    expect((await show(pipe.id))["older_secrets" as never]).toEqual(ends.slice(0, 1));
    expect((await rotate(pipe.id)).older_secrets).toHaveLength(2);
  });

  it("ends all older secrets at once if one leaked", async () => {
    const id = await make("crm");
    const leaked = (await rotate(id)).made.signing_secret;
    const rotated = await rotate(id, "?now=true");
    expect(rotated.older_secrets).toEqual([]);
    expect(await verifying([rotated.made.signing_secret, leaked])).toEqual([true, false]);
    expect((await ask("POST", `/pipes/${id}/rotate?now=yes`)).status).toBe(400);
  });
});

describe("a URL that is a secret", () => {
  const urls: [url: string, admin: string, host: string][] = [
    [
      "https://crm.logic.azure.com/workflows/f00dfeed/triggers/manual/paths/invoke?api-version=2016-10-01&sig=SECRET123",
      "https://crm.logic.azure.com/workflows/…/triggers/manual/paths/invoke?api-version=…&sig=…",
      "https://crm.logic.azure.com/…",
    ],
    [
      "https://crm.n8n.cloud/webhook/5f2c-SECRET123",
      "https://crm.n8n.cloud/webhook/…",
      "https://crm.n8n.cloud/…",
    ],
    ["https://crm.make.com/SECRET123abcdef", "https://crm.make.com/…", "https://crm.make.com/…"],
    [
      "https://crm.zapier.com/hooks/catch/1234567/SECRET123/",
      "https://crm.zapier.com/hooks/catch/…/…/",
      "https://crm.zapier.com/…",
    ],
    ["https://crm.example.com/?SECRET123", "https://crm.example.com/?…", "https://crm.example.com/…"],
  ];

  it.each(urls)(
    "%s is masked in every answer, sealed, and left as it is by its masks",
    async (url, admin, host) => {
      const refuse = ({ url: called }: { url: string }): Response =>
        new Response(`no hook ${called}`, { status: 400 });
      receivers.set("crm", refuse);
      const created = await ask("POST", "/pipes", { name: "crm", kind: "webhook", settings: { url } });
      const { pipe } = await created.clone().json<{ pipe: { id: string; settings: { url: string } } }>();
      expect(pipe.settings.url).toBe(admin);
      await store(people(1));
      await pass();
      await pass(10 * 60_000);
      const reader = envWith({
        API_TOKENS: JSON.stringify({ tests: { token: "api-token", scopes: ["read"] } }),
      });
      const seen = await ask("GET", `/pipes/${pipe.id}`, undefined, reader);
      expect((await seen.clone().json<typeof pipe>()).settings.url).toBe(host);
      const tested = await ask("POST", `/pipes/${pipe.id}/test`);
      for (const answer of [
        created,
        seen,
        tested,
        await ask("GET", "/pipes"),
        await ask("GET", `/attempts?pipe=${pipe.id}`),
      ])
        expect(await answer.text()).not.toContain("SECRET123");
      expect(JSON.stringify(await rows("SELECT * FROM pipes"))).not.toContain("SECRET123");
      receivers.clear();
      for (const masked of [admin, host]) {
        expect((await ask("PATCH", `/pipes/${pipe.id}`, { settings: { url: masked } })).status).toBe(200);
        await store(people(1));
        await pass();
        expect((taken.get("crm") ?? []).at(-1)?.url).toBe(url);
      }
    },
  );

  it("is sealed at the next write if an earlier version stored it in the clear, and is masked until then", async () => {
    const id = await make("crm");
    const clear = JSON.stringify({ url: "https://crm.example.com/in/SECRET123" });
    await env.DB.prepare("UPDATE pipes SET settings = json_patch(settings, ?1)").bind(clear).run();
    const { secrets } = (await rows<{ secrets: string }>("SELECT secrets FROM pipes"))[0] ?? { secrets: "" };
    expect(secrets).not.toBe("");
    expect(await (await ask("GET", "/pipes")).text()).not.toContain("SECRET123");
    await rotate(id);
    expect(JSON.stringify(await rows("SELECT * FROM pipes"))).not.toContain("SECRET123");
  });
});

describe("a URL that no request may call", () => {
  it("is refused when it is saved, as sending would refuse it, and says what to do instead", async () => {
    const refusal = async (url: string, bindings = envWith()): Promise<string> => {
      const wanted = { name: `p${Math.random()}`, kind: "webhook", settings: { url } };
      const response = await ask("POST", "/pipes", wanted, bindings);
      return response.status === 201 ? "" : await response.text();
    };
    const local = { ...envWith(), PIPES_LOOPBACK: "yes" } as Env;
    for (const url of ["http://127.0.0.1:9/x", "http://localhost:9/x", "https://[::1]/x"]) {
      expect(await refusal(url)).toContain("this machine");
      expect(await refusal(url, local)).toBe("");
    }
    for (const url of ["https://10.0.0.1/x", "https://nas.local/x"])
      expect(await refusal(url, local)).not.toBe("");
    const answer = await refusal("https://user:hunter22@hooks.example.com/x");
    expect(answer).toContain("Authorization");
    expect(answer).toContain("headers");
    expect(answer).not.toContain("hunter22");
  });
});

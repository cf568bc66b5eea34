// The configuration: every mistake is reported, and disables only the part that it affects.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { capture, envWith, freshStorage, mailjetPost, send } from "../support/support.ts";
import { answerOf } from "../ingest/requests.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(freshStorage);

describe("the configuration", () => {
  const problemsOf = async (changes: Partial<Record<keyof Env, unknown>>) => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await send(new Request("https://edge.example/healthz"), envWith(changes));
    expect(quiet.mock.calls.length > 0).toBe(response.status !== 200);
    quiet.mockRestore();
    const { problems } = await response.json<{ problems: { setting: string; reason: string }[] }>();
    return problems.map(({ setting }) => setting);
  };

  it("has no problems in wrangler.toml and .dev.vars.example", async () => {
    const response = await send(new Request("https://edge.example/healthz"), env);
    expect(await response.json()).toMatchObject({ status: "ok", problems: [] });
  });

  it("reports each mistake by its setting at /healthz and in the log", async () => {
    const none = { SOURCES: {} };
    expect(await problemsOf({ SOURCES: "{oops" })).toContain("SOURCES");
    expect(await problemsOf({ SOURCES: [] })).toContain("SOURCES");
    expect(await problemsOf({ SOURCES: { a: { provider: "nobody" } } })).toContain("SOURCES.a.provider");
    expect(await problemsOf({ SOURCES: { a: {} } })).toContain("SOURCES.a.provider");
    expect(await problemsOf({ SOURCES: { a: 5 } })).toContain("SOURCES.a");
    expect(await problemsOf({ SOURCES: { a: { provider: "mailjet", ips: ["10.0.0.0/33"] } } })).toContain(
      "SOURCES.a.ips.0",
    );
    expect(
      await problemsOf({ SOURCES: { a: { provider: "mailjet", ips: ["10.0.0.1", "10.0/8"] } } }),
    ).toContain("SOURCES.a.ips.1");
    expect(await problemsOf({ SOURCES: { a: { provider: "mailjet", ips: "10.0.0.1" } } })).toContain(
      "SOURCES.a.ips",
    );
    expect(await problemsOf({ SOURCES: { a: { provider: "mailjet", ip_policy: "enforce" } } })).toContain(
      "SOURCES.a.ips",
    );
    expect(await problemsOf({ SOURCES: { a: { provider: "mailjet", ip_policy: "on" } } })).toContain(
      "SOURCES.a.ip_policy",
    );
    expect(await problemsOf({ ...none, SOURCE_CREDENTIALS: "[]" })).toContain("SOURCE_CREDENTIALS");
    expect(await problemsOf({ ...none, SOURCE_CREDENTIALS: undefined })).toContain("SOURCE_CREDENTIALS");
    expect(await problemsOf({ ...none, SOURCE_CREDENTIALS: '{"mailjet":" "}' })).toContain(
      "SOURCE_CREDENTIALS.mailjet",
    );
    expect(await problemsOf({ ...none, SOURCE_CREDENTIALS: '{"mailjet":["a",""]}' })).toContain(
      "SOURCE_CREDENTIALS.mailjet.1",
    );
    expect(await problemsOf({ ...none, SOURCE_CREDENTIALS: '{"nobody":"x"}' })).toContain(
      "SOURCE_CREDENTIALS.nobody",
    );
    expect(await problemsOf({ API_TOKENS: "x" })).toContain("API_TOKENS");
    expect(await problemsOf({ API_TOKENS: '{"a":""}' })).toContain("API_TOKENS.a");
    expect(await problemsOf({ SUPPRESSION: { soft_bounces: 0 } })).toContain("SUPPRESSION.soft_bounces");
    expect(await problemsOf({ SUPPRESSION: { soft_bouncs: 1 } })).toHaveLength(1);
  });

  it("with a mistake in one source closes only that source", async () => {
    expectLogs(/the configuration has problems/, /outside of the list/);
    const SOURCES = {
      broken: { provider: "mailjet", ip_policy: "enforce", ips: ["not an address"] },
      fine: { provider: "mailjet" },
    };
    const SOURCE_CREDENTIALS = '{"broken":"token","fine":"token","mailjet":"user:secret"}';
    const bindings = envWith({ SOURCES, SOURCE_CREDENTIALS, QUEUE: capture().queue });
    const post = (name: string): Request => mailjetPost("[]", `/webhooks/${name}?token=token`);
    expect([401, 403]).toContain((await answerOf(post("broken"), bindings)).status);
    expect((await answerOf(post("fine"), bindings)).status).toBe(200);
    expect((await answerOf(post("mailjet"), bindings)).status).toBe(200);
  });
});

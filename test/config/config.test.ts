// The configuration: every mistake is reported, and disables only the part that it affects.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { capture, envWith, freshStorage, mailjetPost, send } from "../support/support.ts";
import { answerOf } from "../ingest/requests.ts";
import { SOURCE_SETTINGS } from "../../src/config/unknown-settings.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(freshStorage);

describe("the configuration", () => {
  const problemsOf = async (changes: Partial<Record<keyof Env, unknown>>) => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const headers = { authorization: "Bearer admin-token" };
    const tokens = { API_TOKENS: '{"admin":"admin-token"}', ...changes };
    const response = await send(new Request("https://edge.example/healthz", { headers }), envWith(tokens));
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
    expect(await problemsOf({ API_TOKENS: '{"a":"","admin":"admin-token"}' })).toContain("API_TOKENS.a");
    expect(await problemsOf({ SUPPRESSION: { soft_bounces: 0 } })).toContain("SUPPRESSION.soft_bounces");
    expect(await problemsOf({ SUPPRESSION: { soft_bouncs: 1 } })).toHaveLength(1);
  });

  const healthOf = async (
    changes: Record<string, unknown>,
  ): Promise<{ setting: string; reason: string }[]> => {
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await send(new Request("https://edge.example/healthz"), envWith(changes));
    quiet.mockRestore();
    return (await response.json<{ problems: { setting: string; reason: string }[] }>()).problems;
  };

  it("names every misspelt setting to everybody, and what was probably meant, and still opens the source", async () => {
    const changes = {
      SOURCES: {
        mailjet: { ips_policy: "observe", campain_from: "tag", suppression: { soft_bounce: 2 } },
        eu: { provider: "mailjett" },
      },
      SUPPRESSION: { soft_bouncs: 1, storm_shares: 0.5 },
      RETENTION: { event_days: 90 },
      SUPRESSION: { soft_bounces: 3 },
      SOURCE_CREDENTIALS: JSON.stringify({
        mailjet: "user:secret-of-the-tests",
        malijet: "user:secret-of-the-tests",
      }),
    };
    const told = (await healthOf(changes)).map(({ setting, reason }) => `${setting} ${reason}`);
    for (const words of [
      "SOURCES.mailjet.ips_policy is unknown; did you mean ip_policy?",
      "SOURCES.mailjet.campain_from is unknown; did you mean campaign_from?",
      "SOURCES.mailjet.suppression.soft_bounce is unknown; did you mean soft_bounces?",
      "SUPPRESSION.soft_bouncs is unknown; did you mean soft_bounces?",
      "SUPPRESSION.storm_shares is unknown; did you mean storm_share?",
      "RETENTION.event_days is unknown; did you mean events_days?",
      "SUPRESSION is unknown; did you mean SUPPRESSION?",
    ])
      expect(told).toContain(words);
    expect(told.some((words) => /unknown provider; did you mean mailjet\?/.test(words))).toBe(true);
    expect(
      told.some((words) => /no source or provider of this name; did you mean mailjet\?/.test(words)),
    ).toBe(true);
    expect(told.join()).not.toContain("Unrecognized");
    const bindings = envWith({ ...changes, QUEUE: capture().queue });
    expectLogs(/the configuration has problems/);
    expect((await answerOf(mailjetPost("[]"), bindings)).status).toBe(200);
  });

  it("hides an unknown setting that resembles none, which may be a secret, from everybody but an admin", async () => {
    const [problem, ...others] = await healthOf({
      SOURCES: { mailjet: { S3CRETPASSWORD: 1 } },
      SOURCE_CREDENTIALS: JSON.stringify({ mailjet: "user:secret-of-the-tests" }),
    });
    expect(others).toEqual([]);
    expect(problem?.setting).toBe("SOURCES.mailjet.(a name)");
    expect(problem?.reason).toMatch(/^is unknown; known: provider, ip_policy/);
    const shown = await problemsOf({ SOURCES: { mailjet: { S3CRETPASSWORD: 1 } } });
    expect(shown).toContain("SOURCES.mailjet.S3CRETPASSWORD");
  });

  it("knows every setting that a provider reads", () => {
    const texts = Object.values(
      import.meta.glob<string>("../../src/providers/**/*.ts", {
        query: "?raw",
        import: "default",
        eager: true,
      }),
    );
    const read = texts.flatMap((text) => [...text.matchAll(/settings\["(\w+)"\]/g)].map(([, name]) => name));
    expect(read.length).toBeGreaterThan(4);
    for (const name of read) expect(SOURCE_SETTINGS).toContain(name);
  });

  it("with a mistake in one source closes only that source", async () => {
    expectLogs(/the configuration has problems/, /outside of the list/);
    const SOURCES = {
      broken: { provider: "mailjet", ip_policy: "enforce", ips: ["not an address"] },
      fine: { provider: "mailjet" },
    };
    const SOURCE_CREDENTIALS =
      '{"broken":"token-of-the-tests","fine":"token-of-the-tests","mailjet":"user:secret-of-the-tests"}';
    const bindings = envWith({ SOURCES, SOURCE_CREDENTIALS, QUEUE: capture().queue });
    const post = (name: string): Request => mailjetPost("[]", `/webhooks/${name}?token=token-of-the-tests`);
    expect([401, 403]).toContain((await answerOf(post("broken"), bindings)).status);
    expect((await answerOf(post("fine"), bindings)).status).toBe(200);
    expect((await answerOf(post("mailjet"), bindings)).status).toBe(200);
  });
});

describe("secrets that are mistakes", () => {
  beforeEach(() => expectLogs(/the configuration has problems|a request was refused/));

  const shownBy = async (changes: Record<string, unknown>, headers: HeadersInit = {}) => {
    const response = await send(new Request("https://edge.example/healthz", { headers }), envWith(changes));
    const { problems } = await response.json<{ problems: { setting: string; reason: string }[] }>();
    return problems;
  };
  const credentialsOf = (SOURCE_CREDENTIALS: unknown) => ({
    SOURCES: {},
    SOURCE_CREDENTIALS: JSON.stringify(SOURCE_CREDENTIALS),
  });

  it("are a problem if they are empty, public or short; only short ones open their source", async () => {
    const P384 =
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEKt1Z9rP8r7T1Q9lVqQ0j7n2Yc3f4r5t6y7u8i9o0p1a2s3d4f5g6h7j8k9l0z1x2";
    const credentials: [source: string, credential: string, opens: boolean, reason: RegExp][] = [
      ["mailjet", "user:", false, /no password/],
      ["brevo", ":", false, /no password/],
      ["mailgun", "hmac:", false, /no password/],
      ["sendgrid", P384, false, /public/],
      ["ses", "'arn:aws:sns:eu-west-1:123456789012:tidings'", false, /public/],
      ["postal", "v=DKIM1; p=oops", false, /public/],
      ["sparkpost", "user:short", true, /guessed/],
      ["generic", "short-one", true, /guessed/],
    ];
    const bindings = credentialsOf(Object.fromEntries(credentials));
    const problems = await shownBy(bindings);
    for (const [source, credential, opens, reason] of credentials) {
      expect(problems.find(({ setting }) => setting === `SOURCE_CREDENTIALS.${source}`)?.reason).toMatch(
        reason,
      );
      const pair = credential.includes(":") ? credential : `user:${credential}`;
      const authorization = `Basic ${btoa(pair)}`;
      const request = mailjetPost("[]", `/webhooks/${source}`, { headers: { authorization } });
      const { status } = await answerOf(request, envWith({ ...bindings, QUEUE: capture().queue }));
      expect(status, source).toBe(opens ? 200 : 401);
    }
    const long = {
      mailjet: ["user:sixteen-letters-", "a-token-of-20-letter"],
      lettermint: "sixteen-letters-",
    };
    expect(await shownBy(credentialsOf(long))).toEqual([]);
    expect(await shownBy(credentialsOf({ mailjet: ["user:sixteen-letters-", "short"] }))).toMatchObject([
      { setting: "SOURCE_CREDENTIALS.mailjet.1" },
    ]);
  });

  it("are told to nobody if they stand where a name belongs, neither at /healthz nor in the log", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const changes = {
      SOURCES: {
        "mailjet:S3CRETPW": 1,
        S3CRETSOURCE: { provider: "S3CRETPROVIDER" },
        fine: { provider: "mailjet", ips: ["x"] },
      },
      SOURCE_CREDENTIALS: JSON.stringify({ "mailjet:S3CRETPW": "", S3CRETNAME: "x", mailjet: "" }),
      API_TOKENS: JSON.stringify({
        tid_S3CRETTOKEN: { token: "" },
        b: { tid_S3CRETKEY: ["read"] },
        admin: "admin-token",
      }),
      PIPE_KEYS: JSON.stringify({ UzNDUkVU: "x", "UzNDUkVUS0VZ+/=": "x" }),
      SUPPRESSION: { S3CRETSETTING: 1 },
    };
    const problems = await shownBy(changes);
    expect(JSON.stringify([problems, logged.mock.calls])).not.toMatch(/S3CRET|UzNDUkVU/);
    logged.mockRestore();
    expect(problems.map(({ setting }) => setting)).toEqual(
      expect.arrayContaining([
        "SOURCES.(a name)",
        "SOURCES.(a name).provider",
        "SOURCES.fine.ips.0",
        "SOURCE_CREDENTIALS.(a name)",
        "SOURCE_CREDENTIALS.mailjet",
        "API_TOKENS.(a name).token",
        "PIPE_KEYS.(a name)",
        "SUPPRESSION.(a name)",
      ]),
    );
    const told = await shownBy(changes, { authorization: "Bearer admin-token" });
    expect(JSON.stringify(told)).toMatch(/S3CRETNAME/);
    expect(JSON.stringify(told)).toMatch(/tid_S3CRETTOKEN/);
    expect(told).toHaveLength(problems.length);
  });
});

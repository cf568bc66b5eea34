// Tokens that are limited to sources, or end by themselves. The walk goes through all routes of the OpenAPI document, so
// that a new one cannot leak what other sources have sent.

import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
  send,
} from "../support/support.ts";

const OTHERS = "somebody-else@example.com";
/** What another source has sent, and a limited token must not find. */
const SECRETS = [/somebody-else/, /secret-campaign/, /secret-order/, /987654321/, /"source":"mailjet"/];
const OBSERVED = { headers: { authorization: "Bearer observed-token-of-the-tests" } };

const ours = {
  email: "ann@example.com",
  MessageID: 5,
  customcampaign: "own-campaign",
  CustomID: "own-order",
};
const theirs = {
  email: OTHERS,
  MessageID: 987654321,
  customcampaign: "secret-campaign",
  CustomID: "secret-order",
};

async function fill(): Promise<void> {
  await freshStorage();
  await deliver(
    await messagesOf(
      mailjetPost(
        JSON.stringify([
          mailjetEvent(theirs),
          mailjetEvent({ ...theirs, event: "spam", time: 1_790_000_001 }),
          mailjetEvent({ ...theirs, email: "ann@example.com", MessageID: 987654321, time: 1_790_000_002 }),
          mailjetEvent({ ...theirs, event: "" }),
        ]),
      ),
      mailjetPost(
        JSON.stringify([mailjetEvent(ours), mailjetEvent({ ...ours, event: "" })]),
        "/webhooks/observed",
        OBSERVED,
      ),
    ),
  );
}

const make = async (fields: Record<string, unknown>): Promise<Response> =>
  await askApi("POST", "/v1/tokens", {
    name: `t${Math.floor(performance.now() * 1000)}`,
    scopes: ["read"],
    ...fields,
  });

async function tokenFor(sources: string[], scopes = ["read", "write"]): Promise<string> {
  return (await (await make({ sources, scopes })).json<{ token: string }>()).token;
}

async function askWith(token: string, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  return await send(new Request(`https://edge.example${path}`, init), envWith());
}

describe("a token that is limited to sources", () => {
  beforeAll(async () => await fill());

  it("finds on no route what other sources have sent", async () => {
    const token = await tokenFor(["observed"]);
    const [event] = await rows<{ id: string }>("SELECT id FROM events WHERE source = 'mailjet'");
    const [letter] = await rows<{ id: string }>("SELECT id FROM dead_letters WHERE source = 'mailjet'");
    const document = await (
      await send(new Request("https://edge.example/openapi.json"), envWith())
    ).json<{
      paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
    }>();
    const values: Record<string, string[]> = {
      "{address}": [OTHERS],
      "{source}": ["mailjet"],
      "{name}": ["tests"],
      "{id}": [event?.id ?? "", letter?.id ?? "", "987654321"],
    };
    const queries = [
      "",
      "?source=mailjet",
      "?source=observed,mailjet",
      "?source=observed&source=mailjet",
      "?custom_id=secret-order",
    ];
    const found: Record<string, Set<number>> = {};
    for (const [path, methods] of Object.entries(document.paths))
      for (const method of Object.keys(methods)) {
        const [hole] = /\{\w+\}/.exec(path) ?? [];
        for (const value of hole === undefined ? [""] : (values[hole] ?? ["x"]))
          for (const query of queries) {
            const asked = path.replace(hole ?? "\0", encodeURIComponent(value)) + query;
            const body = method === "get" || method === "delete" ? undefined : {};
            const answer = await askWith(token, method.toUpperCase(), asked, body);
            const text = await answer.text();
            (found[`${method} ${path}`] ??= new Set()).add(answer.status);
            const told = answer.status < 300 ? SECRETS.filter((secret) => secret.test(text)) : [];
            expect(told, `${method} ${asked}: ${answer.status} ${text.slice(0, 500)}`).toEqual([]);
          }
      }
    expect(Object.keys(found).length).toBeGreaterThan(40);
    // What changed nothing of the others: they are still there.
    expect(await rows("SELECT id FROM dead_letters WHERE source = 'mailjet'")).toHaveLength(1);
    expect((await read(`/v1/events/${event?.id}`)).status).toBe(200);
    // And these are refused by the token, not by wrong input.
    for (const route of [
      "get /v1/suppressions",
      "get /v1/pipes",
      "get /v1/contacts/{address}",
      "get /v1/tokens",
    ])
      expect([...(found[route] ?? [])], route).toEqual([403]);
  });

  it("reads its own source's events, timelines, messages, statistics, dead letters and checks", async () => {
    const token = await tokenFor(["observed"]);
    const got = async (path: string): Promise<Record<string, never[]>> => {
      const answer = await askWith(token, "GET", path);
      expect(answer.status, path).toBe(200);
      return await answer.json();
    };
    const { events } = await got("/v1/events");
    expect(events).toMatchObject([{ source: "observed", contact: "ann@example.com" }]);
    expect(await got("/v1/events?source=observed")).toMatchObject({ events });
    expect((await got("/v1/contacts/ann%40example.com/timeline"))["events"]).toHaveLength(1);
    expect(await got("/v1/messages/5")).toMatchObject({ contact: "ann@example.com" });
    expect((await got("/v1/messages?custom_id=own-order"))["messages"]).toHaveLength(1);
    expect((await got("/v1/sources"))["sources"]).toMatchObject([{ source: "observed" }]);
    expect((await got("/v1/stats?from=2026-09-01&to=2026-10-01"))["stats"]).toMatchObject([{ events: 1 }]);
    const { dead_letters: letters } = await got("/v1/dead-letters");
    expect(letters).toHaveLength(1);
    const checked = await askWith(token, "POST", "/v1/suppressions/check", { addresses: [OTHERS] });
    expect(await checked.json()).toMatchObject({ addresses: [{ suppressed: true, reason: "complaint" }] });
    const refused = await askWith(token, "GET", "/v1/events?source=mailjet");
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain("limited to the sources observed");
  });

  it("that sees several must name one of them where figures would otherwise be about all", async () => {
    const token = await tokenFor(["observed", "jangomail"]);
    const answer = await askWith(token, "GET", "/v1/events");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ parameter: "source" }] });
    expect((await askWith(token, "GET", "/v1/events?source=jangomail")).status).toBe(200);
  });

  it("is made and listed with its limits, and refused where they make no sense", async () => {
    const answer = await make({ name: "team-a", sources: ["observed"], expires_at: "2099-01-01" });
    expect(await answer.json()).toMatchObject({
      sources: ["observed"],
      expires_at: "2099-01-01T00:00:00.000Z",
    });
    const { tokens } = await (await read("/v1/tokens")).json<{ tokens: { name: string }[] }>();
    expect(tokens.find(({ name }) => name === "team-a")).toMatchObject({ sources: ["observed"] });
    expect(tokens.find(({ name }) => name === "tests")).toMatchObject({ sources: null, expires_at: null });
    for (const [fields, parameter] of [
      [{ sources: ["observed"], scopes: ["admin"] }, "scopes"],
      [{ sources: ["nobody"] }, "sources.0"],
      [{ sources: [] }, "sources"],
      [{ expires_at: "2020-01-01" }, "expires_at"],
      [{ expires_at: "soon" }, "expires_at"],
    ] as const) {
      const refused = await make(fields);
      expect(refused.status, parameter).toBe(400);
      const { errors } = await refused.json<{ errors: { parameter: string }[] }>();
      expect(errors[0]?.parameter.replace(/\[(\d+)\]/, ".$1")).toBe(parameter);
    }
  });
});

describe("tokens of API_TOKENS", () => {
  beforeEach(async () => await freshStorage());

  it("may be limited to sources and end, too, and a limited one is never an admin's", async () => {
    expectLogs(/the configuration has problems/);
    const env = envWith({
      API_TOKENS: JSON.stringify({
        team: { token: "team-token-of-the-tests", scopes: ["read"], sources: ["observed"] },
        old: { token: "old-token-of-the-tests", scopes: ["admin"], expires_at: "2026-01-01" },
        wrong: { token: "wrong-token-of-the-tests", sources: ["observed"] },
      }),
    });
    const ask = async (path: string, token: string): Promise<Response> =>
      await send(
        new Request(`https://edge.example${path}`, { headers: { authorization: `Bearer ${token}` } }),
        env,
      );
    expect((await ask("/v1/events", "team-token-of-the-tests")).status).toBe(200);
    expect((await ask("/v1/suppressions", "team-token-of-the-tests")).status).toBe(403);
    const ended = await ask("/v1/events", "old-token-of-the-tests");
    expect(ended.status).toBe(401);
    expect(await ended.text()).toContain("ended at 2026-01-01");
    expect((await ask("/v1/events", "wrong-token-of-the-tests")).status).toBe(401);
    expect(await (await ask("/healthz", "old-token-of-the-tests")).text()).not.toContain("API_TOKENS.wrong");
    const health = await (
      await ask("/healthz", "")
    ).json<{ problems: { setting: string; reason: string }[] }>();
    expect(health.problems).toMatchObject([
      { reason: expect.stringContaining("must be read or write") as string },
    ]);
  });
});

describe("a token that ends by itself", () => {
  beforeEach(async () => await freshStorage());

  it("answers until then, and afterwards 401 with the time at which it ended", async () => {
    const end = new Date(Date.now() + 60_000).toISOString();
    const { token } = await (await make({ expires_at: end })).json<{ token: string }>();
    expect((await askWith(token, "GET", "/v1/events")).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(end) });
    try {
      const answer = await askWith(token, "GET", "/v1/events");
      expect(answer.status).toBe(401);
      expect(await answer.text()).toContain(`ended at ${end}`);
    } finally {
      vi.useRealTimers();
    }
  });
});

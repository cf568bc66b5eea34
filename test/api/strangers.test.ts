// What callers of the API get before their token is known to be right, and what browsers are told of every answer.

import { describe, expect, it, beforeEach } from "vitest";
import { countingDb } from "../support/counting-db.ts";
import { expectLogs } from "../support/log.ts";
import { roomInMinute } from "../support/minute.ts";
import { capture, envWith, freshStorage, mailjetPost, send } from "../support/support.ts";

beforeEach(freshStorage);
beforeEach(() => expectLogs(/a request was refused/));

const get = (path: string, token: string | null, address = "198.51.100.20"): Request =>
  new Request(`https://edge.example${path}`, {
    headers: {
      "cf-connecting-ip": address,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
  });

/** A text in the form of a token of the API. */
const guess = (n: number): string => `tid_${String(n).padStart(43, "0")}`;

describe("wrong tokens", () => {
  beforeEach(roomInMinute);

  it("that cannot be ours are refused without a look into the database", async () => {
    const { db, asked } = countingDb();
    const bindings = envWith({ DB: db });
    for (const token of ["x", "tid_", `${guess(1)}0`, "tid_' OR 1=1", "ü", null])
      expect((await send(get("/v1/events", token), bindings)).status).toBe(401);
    expect(asked).toEqual([]);
  });

  it("are not looked up any more once there were too many from their address", async () => {
    const { db, asked } = countingDb();
    const bindings = envWith({ DB: db });
    const statuses: number[] = [];
    for (let i = 0; i < 90; i++)
      statuses.push((await send(get("/v1/events", guess(i), "198.51.100.21"), bindings)).status);
    const refused = statuses.filter((status) => status === 401).length;
    expect(statuses.at(-1)).toBe(429);
    expect(asked.filter((sql) => /\btokens\b/.test(sql))).toHaveLength(refused);
    expect(refused).toBeLessThanOrEqual(61);
  });

  it("limit neither tokens of the configuration nor tokens that were right here before", async () => {
    const post = new Request("https://edge.example/v1/tokens", {
      method: "POST",
      headers: { authorization: "Bearer api-token", "content-type": "application/json" },
      body: JSON.stringify({ name: "steady", scopes: ["read"] }),
    });
    const { token } = await (await send(post, envWith())).json<{ token: string }>();
    const from = "2001:db8:5:6::1";
    expect((await send(get("/v1/events", token, from), envWith())).status).toBe(200);
    for (let i = 0; i < 70; i++) await send(get("/v1/events", guess(i), `2001:db8:5:6::${i + 2}`), envWith());
    expect((await send(get("/v1/events", guess(99), from), envWith())).status).toBe(429);
    for (const right of [token, "api-token"])
      expect((await send(get("/v1/events", right, from), envWith())).status).toBe(200);
  });
});

describe("every answer", () => {
  const answers: [what: string, request: Request][] = [
    ["/v1", get("/v1/events", "api-token")],
    ["/v1 without a token", get("/v1/events", null)],
    ["/v1, unknown", get("/v1/nothing", "api-token")],
    [
      "/v1, an export",
      new Request(get("/v1/events", "api-token"), {
        headers: { authorization: "Bearer api-token", accept: "text/csv" },
      }),
    ],
    ["/healthz", get("/healthz", null)],
    ["/openapi.json", get("/openapi.json", null)],
    ["/docs", get("/docs", null)],
    ["nothing", get("/nothing", null)],
    ["a delivery", mailjetPost("[]")],
    [
      "a refused delivery",
      mailjetPost("[]", "/webhooks/mailjet?token=wrong", { headers: { authorization: "" } }),
    ],
    ["a probe", get("/webhooks/mailjet", null)],
    ["a probe by HEAD", new Request("https://edge.example/webhooks/mailjet", { method: "HEAD" })],
  ];

  it.each(answers)(
    "tells browsers not to guess its type, not to tell where they were, and to use https: %s",
    async (what, request) => {
      const { headers } = await send(request, envWith({ QUEUE: capture().queue }));
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{8,}$/);
      if (/^\/(v1|healthz)/.test(what)) expect(headers.get("cache-control")).toBe("no-store");
    },
  );
});

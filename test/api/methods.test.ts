// Methods, slashes and other origins: what resources answer to requests that are nearly right.

import { describe, expect, it } from "vitest";
import { app } from "../../src/app.ts";
import { routeOf } from "../../src/api/kit/routes.ts";
import { readConfig } from "../../src/config/config.ts";
import { askApi, envWith, read, send } from "../support/support.ts";

const PAGES = "https://app.example";
const withOrigins = (): Env => envWith({ API: { cors_origins: [PAGES, "http://localhost:5173"] } } as never);

const call = async (
  method: string,
  path: string,
  headers: Record<string, string> = {},
  bindings = envWith(),
) => await send(new Request(`https://edge.example${path}`, { method, headers }), bindings);

const authorization = "Bearer api-token";

describe("a method that a resource does not take", () => {
  it("answers 405, and Allow names those that it takes, on every resource", async () => {
    const paths = new Map<string, Set<string>>();
    for (const { path, method, handler } of app.routes) {
      if (routeOf(handler) === undefined) continue;
      const real = path.replaceAll(/:\w+/g, "ann@example.com");
      paths.set(real, (paths.get(real) ?? new Set()).add(method));
    }
    expect(paths.size).toBeGreaterThan(30);
    for (const [path, taken] of paths) {
      const allow = [...taken, ...(taken.has("GET") ? ["HEAD"] : []), "OPTIONS"].toSorted().join(", ");
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((one) => !taken.has(one))) {
        const answer = await call(method, path, { authorization });
        expect([answer.status, answer.headers.get("allow")], `${method} ${path}`).toEqual([405, allow]);
        expect(answer.headers.get("content-type")).toBe("application/problem+json");
      }
      const options = await call("OPTIONS", path);
      expect([options.status, options.headers.get("allow")], path).toEqual([204, allow]);
    }
  });

  it("answers 405 outside of /v1, too", async () => {
    for (const path of ["/healthz", "/openapi.json", "/docs/api"]) {
      const answer = await call("POST", path);
      expect([answer.status, answer.headers.get("allow")], path).toEqual([405, "GET, HEAD, OPTIONS"]);
      expect((await call("OPTIONS", path)).status).toBe(204);
    }
  });

  it("does not tell a stranger more than 401", async () => {
    expect((await call("PATCH", "/v1/events")).status).toBe(401);
  });
});

describe("a path", () => {
  it("may end with a slash", async () => {
    for (const path of [
      "/v1/events/",
      "/v1/suppressions/",
      "/v1/suppressions/ann@example.com/",
      "/v1/stats/?by=type",
    ])
      expect((await read(path)).status, path).toBe(200);
    expect((await call("GET", "/healthz/")).status).toBe((await call("GET", "/healthz")).status);
  });

  it("that names nothing answers 404 and says where the resources are listed", async () => {
    for (const path of ["/v1/evnts", "/v1", "/v2/events", "/nothing"]) {
      const answer = await call("GET", path, { authorization });
      expect(answer.status).toBe(404);
      expect((await answer.json<{ detail: string }>()).detail).toContain("/openapi.json");
    }
    expect((await call("OPTIONS", "/v1/evnts")).status).toBe(404);
  });

  it("answers HEAD like GET, without a body", async () => {
    const answer = await call("HEAD", "/v1/events", { authorization });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });
});

describe("pages of other origins", () => {
  const preflight = {
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization",
  };

  it("may call nothing by default", async () => {
    for (const headers of [
      { origin: PAGES, authorization },
      { origin: "null", authorization },
    ]) {
      const answer = await call("GET", "/v1/events", headers);
      expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
    const asked = await call("OPTIONS", "/v1/suppressions/a@b.example", { origin: PAGES, ...preflight });
    expect(asked.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("that the configuration names may call, and read refusals and headers", async () => {
    const asked = await call(
      "OPTIONS",
      "/v1/suppressions/a@b.example",
      { origin: PAGES, ...preflight },
      withOrigins(),
    );
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-origin")).toBe(PAGES);
    expect(asked.headers.get("access-control-allow-methods")).toBe("DELETE,GET,HEAD,OPTIONS,PUT");
    expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(Number(asked.headers.get("access-control-max-age"))).toBeGreaterThan(600);
    expect(asked.headers.get("vary")).toMatch(/origin/i);
    expect(asked.headers.get("access-control-allow-credentials")).toBeNull();
    for (const [path, token, status] of [
      ["/v1/events", authorization, 200],
      ["/v1/events?limit=0", authorization, 400],
      ["/v1/events", "Bearer wrong", 401],
      ["/v1/none", authorization, 404],
    ] as const) {
      const answer = await call("GET", path, { origin: PAGES, authorization: token }, withOrigins());
      expect([answer.status, answer.headers.get("access-control-allow-origin")], path).toEqual([
        status,
        PAGES,
      ]);
      expect(answer.headers.get("access-control-expose-headers")).toContain("x-tidings-bookmark");
      expect(answer.headers.get("vary")).toMatch(/origin/i);
    }
  });

  it("that the configuration does not name may not", async () => {
    for (const origin of [
      "https://app.example.evil.example",
      "https://APP.example",
      "http://app.example",
      "null",
    ]) {
      const answer = await call("GET", "/v1/events", { origin, authorization }, withOrigins());
      expect(answer.headers.get("access-control-allow-origin"), origin).toBeNull();
      const asked = await call("OPTIONS", "/v1/events", { origin, ...preflight }, withOrigins());
      expect(asked.headers.get("access-control-allow-origin"), origin).toBeNull();
    }
  });

  it("are configured as origins: anything else is a problem of the configuration, and opens nothing", () => {
    const read = (cors_origins: unknown, more = {}) => {
      const { origins, problems } = readConfig({
        API_TOKENS: "{}",
        SOURCE_CREDENTIALS: "{}",
        API: { cors_origins, ...more },
      });
      return { origins: [...origins], problems: problems.map(({ setting }) => setting) };
    };
    expect(read([PAGES, "https://x.example:8443/"])).toEqual({
      origins: [PAGES, "https://x.example:8443"],
      problems: [],
    });
    for (const wrong of [
      "*",
      "https://*.example",
      "app.example",
      "http://app.example",
      "https://app.example/path",
      "null",
    ])
      expect(read([wrong, PAGES]), wrong).toEqual({ origins: [PAGES], problems: ["API.cors_origins.0"] });
    expect(read("*")).toEqual({ origins: [], problems: ["API.cors_origins"] });
    expect(read([], { cors_orgins: [] }).problems).toHaveLength(1);
  });
});

it("a wrong body of another media type is still told apart from a wrong one", async () => {
  const answer = await askApi("PUT", "/v1/suppressions/ann@example.com", ["x"], envWith());
  expect(answer.status).toBe(400);
});

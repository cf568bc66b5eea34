// What answers say of input that is wrong: which form is wanted, which limit was passed by how much, where the value
// stands, and which name was probably meant.

import { beforeAll, describe, expect, it } from "vitest";
import { app } from "../../src/app.ts";
import { routeOf } from "../../src/api/kit/routes.ts";
import { askApi, envWith, freshStorage, read, send } from "../support/support.ts";
import { env } from "cloudflare:workers";

beforeAll(freshStorage);

interface Problem {
  detail: string;
  errors: { in: string; parameter: string; reason: string }[];
}

const problemOf = async (
  path: string,
  method = "GET",
  body?: unknown,
): Promise<Problem & { status: number }> => {
  const answer = await askApi(method, `/v1${path}`, body, envWith());
  return { ...(await answer.json<Problem>()), status: answer.status };
};

const firstOf = async (...asked: Parameters<typeof problemOf>): Promise<Problem["errors"][number]> => {
  const { status, errors } = await problemOf(...asked);
  expect(status, asked.join(" ")).toBe(400);
  return errors[0] ?? { in: "", parameter: "", reason: "" };
};

describe("a time", () => {
  it("is read with its offset, even if the plus of a query was not escaped", async () => {
    for (const written of [
      "2026-10-25T00:00:00+02:00",
      "2026-10-25T00:00:00%2B02:00",
      "2026-10-24T22:00:00Z",
      "2026-10-24T22:00",
      "2026-10-24%2022:00:00",
      "2026-10-24t17:00:00-0500",
    ])
      expect((await read(`/v1/stats?from=${written}&to=2026-10-26`)).status, written).toBe(200);
    const { from } = await (
      await read("/v1/stats?from=2026-10-25T00:00:00+02:00&to=2026-10-26")
    ).json<{ from: string }>();
    expect(from).toBe("2026-10-24T22:00:00.000Z");
  });

  it("of another form is refused with the form that is wanted", async () => {
    for (const [path, method, body, place] of [
      ["/events?since=yesterday", "GET", undefined, "query"],
      ["/suppressions?since=2026-02-30", "GET", undefined, "query"],
      ["/stats?from=24:00", "GET", undefined, "query"],
      ["/events?until=2026-10-25T25:00:00Z", "GET", undefined, "query"],
      ["/events?until=2026-10-25T10:00:00%2B15:00", "GET", undefined, "query"],
      ["/history/renormalise", "POST", { from: "yesterday", to: "2026-01-01" }, "body"],
      ["/stats/recount", "POST", { from: 5, to: "2026-01-01" }, "body"],
    ] as const) {
      const error = await firstOf(path, method, body);
      expect(error.in).toBe(place);
      expect(["since", "from", "until"]).toContain(error.parameter);
      expect(error.reason, path).toContain("ISO 8601 time such as 2026-11-21T09:30:00Z");
    }
    expect((await firstOf("/suppressions?since=2026-02-30")).reason).toContain("no such day");
    expect((await firstOf("/events?since=1443651125")).reason).toContain("2015-09-30T22:12:05.000Z");
    expect((await firstOf("/events?since=1443651125000")).reason).toContain("2015-09-30T22:12:05.000Z");
  });
});

describe("a value beyond its limit", () => {
  it("is refused with the figure, the limit and its place", async () => {
    expect(await firstOf(`/events?source=${"x".repeat(513)}`)).toEqual({
      in: "query",
      parameter: "source",
      reason: "is 513 characters long; at most 512",
    });
    expect(await firstOf("/suppressions/ann@example.com", "PUT", { note: "n".repeat(501) })).toEqual({
      in: "body",
      parameter: "note",
      reason: "is 501 characters long; at most 500",
    });
    const many = Array.from({ length: 1_001 }, (_, i) => `a${i}@example.com`);
    expect(await firstOf("/suppressions/check", "POST", { addresses: many })).toEqual({
      in: "body",
      parameter: "addresses",
      reason: "holds 1001 values; at most 1000",
    });
  });

  it("in a list is named by its index, and is not repeated", async () => {
    const error = await firstOf("/suppressions/check", "POST", {
      addresses: ["a@example.com", 7, "ok@example.com"],
    });
    expect(error).toEqual({ in: "body", parameter: "addresses[1]", reason: "must be a text" });
    const { detail } = await problemOf("/contacts/secret-person%40", "GET");
    expect(detail).not.toContain("secret-person");
  });
});

describe("a form that has alternatives", () => {
  it("is judged by the one that it comes nearest to", async () => {
    expect(await firstOf("/stats/recount", "POST", { from: "2026-01-01", to: "soon" })).toMatchObject({
      parameter: "to",
      reason: expect.stringContaining("ISO 8601"),
    });
    expect(await firstOf("/stats/recount", "POST", { recount: "x" })).toMatchObject({
      parameter: "recount",
      reason: expect.stringContaining("not the id of a recount"),
    });
  });
});

describe("an unknown parameter", () => {
  it.each([
    ["/events?form=2026-01-01", "form", null],
    ["/events?from=2026-01-01", "from", "since"],
    ["/events?email=ann@example.com", "email", "contact"],
    ["/events?Type=opened", "Type", "type"],
    ["/events?type[]=opened", "type[]", "type"],
    ["/events?page=2", "page", "after"],
    ["/stats?since=2026-01-01", "since", "from"],
    ["/stats?campagin=x", "campagin", "campaign"],
    ["/suppressions?reasons=complaint", "reasons", "reason"],
    ["/messages?customid=1", "customid", "custom_id"],
    ["/dead-letters?sources=x", "sources", "source"],
  ])("of GET %s is refused, and the nearest name is told", async (path, name, near) => {
    const { errors } = await problemOf(path);
    const error = errors.find(({ parameter }) => parameter === name);
    expect(error?.in).toBe("query");
    expect(error?.reason).toMatch(near === null ? /There are|there are/i : `did you mean \`${near}\`?`);
  });

  it("of a body is refused at its place", async () => {
    expect(await firstOf("/suppressions/ann@example.com", "PUT", { notes: "x" })).toMatchObject({
      in: "body",
      parameter: "notes",
      reason: expect.stringContaining("did you mean `note`?"),
    });
    expect(
      await firstOf("/suppressions/check", "POST", { emails: ["a@b.example"], addresses: ["a@b.example"] }),
    ).toMatchObject({ parameter: "emails", reason: expect.stringContaining("`addresses`") });
  });

  it("of a value's list of words brings the nearest word", async () => {
    expect((await firstOf("/events?type=bounce")).reason).toMatch(
      /must be one of .*bounced.*; did you mean bounced\?$/,
    );
    expect((await firstOf("/events?type=opened,clcked")).reason).toMatch(/did you mean clicked\?$/);
    expect((await firstOf("/suppressions/a@b.example?reason=complained", "DELETE")).reason).toContain(
      "did you mean complaint?",
    );
  });

  it("is refused by every route, in the query and in the body, whatever else is asked", async () => {
    const routes = app.routes.flatMap(({ path, handler }) => {
      const route = routeOf(handler);
      return route === undefined ? [] : [{ path: path.replaceAll(/:\w+/g, "a@example.com"), route }];
    });
    expect(routes.length).toBeGreaterThan(35);
    const bindings = envWith({ ASSETS: env.ASSETS });
    for (const { path, route } of routes) {
      const name = `${route.method} ${path}`;
      const json = route.request?.body?.content["application/json"];
      const body = json === undefined ? undefined : { no_such_field: 1 };
      const answer = await askApi(route.method.toUpperCase(), `${path}?no_such_parameter=1`, body, bindings);
      expect(answer.status, name).toBe(400);
      const { errors } = await answer.json<Problem>();
      expect(
        errors.map(({ parameter }) => parameter),
        name,
      ).toContain("no_such_parameter");
      if (json === undefined || !("_zod" in json.schema)) continue;
      const alone = await askApi(route.method.toUpperCase(), path, body, bindings);
      expect(alone.status, name).toBe(400);
      expect(await alone.text(), name).toContain('"parameter":"no_such_field"');
    }
  });

  it("cannot stand in an object within a body either: every such schema is strict", async () => {
    const request = new Request("https://edge.example/openapi.json");
    const document = await (
      await send(request, envWith())
    ).json<{
      paths: Record<
        string,
        Record<string, { requestBody?: { content: Record<string, { schema: object }> } }>
      >;
      components: { schemas: Record<string, object> };
    }>();
    const open: string[] = [];
    const walk = (schema: unknown, place: string): void => {
      if (typeof schema !== "object" || schema === null) return;
      const { properties, additionalProperties } = schema as Record<string, unknown>;
      if (properties !== undefined && additionalProperties !== false) open.push(place);
      for (const [key, inner] of Object.entries(schema)) walk(inner, `${place}.${key}`);
    };
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, { requestBody }] of Object.entries(methods))
        walk(requestBody?.content["application/json"]?.schema, `${method} ${path}`);
    expect(open).toEqual([]);
  });

  it("is also a body that a call does not take, but not an empty one", async () => {
    const { id } = { id: "none" };
    expect(await firstOf(`/dead-letters/${id}/replay`, "POST", { force: true })).toMatchObject({
      parameter: "body",
    });
    expect((await askApi("POST", `/v1/dead-letters/${id}/replay`, {}, envWith())).status).toBe(404);
  });
});

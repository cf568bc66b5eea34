// The conventions that all of /v1 follows: tokens, the formats of lists, ETags and bookmarks, input, and the OpenAPI
// document.

import { env } from "cloudflare:workers";
import { roomInMinute } from "../support/minute.ts";
import { beforeEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { createRoute, router } from "../../src/api/kit/routes.ts";
import { app } from "../../src/app.ts";
import {
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
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs(/the configuration has problems/));

type Init = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };
type Scoped = { name: string; token: string };

const ask = async (path: string, token: string, init: Init = {}, bindings = envWith()): Promise<Response> =>
  await send(
    new Request(`https://edge.example/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...init.headers },
    }),
    bindings,
  );

const make = async (name: string, scopes: string[]): Promise<Scoped> => {
  const response = await ask("/tokens", "api-token", {
    method: "POST",
    body: JSON.stringify({ name, scopes }),
  });
  expect(response.status).toBe(201);
  return await response.json<Scoped>();
};

const sha256 = async (text: string): Promise<string> =>
  Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toString("hex");

describe("tokens", () => {
  beforeAll(freshStorage);

  it("allow exactly the calls of their scopes, and none once they are revoked", async () => {
    let made = 0;
    const allowed = { read: 200, write: 404, admin: 201 };
    const calls = {
      read: async (token: string) => (await ask("/events", token)).status,
      write: async (token: string) => (await ask("/dead-letters/none", token, { method: "DELETE" })).status,
      admin: async (token: string) => {
        const body = JSON.stringify({ name: `made-${(made += 1)}`, scopes: ["read"] });
        return (await ask("/tokens", token, { method: "POST", body })).status;
      },
    };
    const holds = { read: ["read"], write: ["read", "write"], admin: ["read", "write", "admin"] };
    for (const [scope, held] of Object.entries(holds)) {
      const { token } = await make(`a-${scope}`, [scope]);
      for (const [needed, call] of Object.entries(calls)) {
        const expected = held.includes(needed) ? allowed[needed as keyof typeof allowed] : 403;
        expect(await call(token), `${scope} token, ${needed} call`).toBe(expected);
      }
    }
    // A fresh one that this isolate has not come to believe in.
    const { token, name } = await make("short-lived", ["read"]);
    expect((await ask(`/tokens/${name}`, "api-token", { method: "DELETE" })).status).toBe(204);
    expect((await ask("/events", token)).status).toBe(401);
    expect((await ask(`/tokens/${name}`, "api-token", { method: "DELETE" })).status).toBe(404);
  });

  it("are stored as digests and listed with their last use, and no answer but the first contains the token", async () => {
    const { token } = await make("shown-once", ["read"]);
    await ask("/events", token);
    // One whose use this isolate has not noted yet.
    const configured = envWith({ API_TOKENS: JSON.stringify({ tests: "api-token", fresh: "fresh-token" }) });
    await ask("/events", "fresh-token", {}, configured);
    const stored = JSON.stringify(await rows("SELECT * FROM tokens"));
    expect(stored).not.toContain(token);
    expect(stored).toContain(await sha256(token));
    const text = await (await ask("/tokens", "api-token", {}, configured)).text();
    expect(text).not.toContain(token);
    expect(text).not.toContain(await sha256(token));
    type Listed = { tokens: { name: string; origin: string; last_used_at: string | null }[] };
    const { tokens } = JSON.parse(text) as Listed;
    const of = (name: string) => tokens.find((one) => one.name === name);
    expect(of("shown-once")?.last_used_at).toMatch(/^\d{4}-/);
    expect(of("fresh")).toMatchObject({ origin: "configuration" });
    expect(of("fresh")?.last_used_at).toMatch(/^\d{4}-/);
  });

  it("cannot be made with a name in use (409) or with unknown or missing scopes (400)", async () => {
    const post = async (body: unknown) =>
      (await ask("/tokens", "api-token", { method: "POST", body: JSON.stringify(body) })).status;
    await make("taken", ["read"]);
    expect(await post({ name: "tests", scopes: ["read"] })).toBe(409);
    expect(await post({ name: "taken", scopes: ["read"] })).toBe(409);
    expect(await post({ name: "new", scopes: ["all"] })).toBe(400);
    expect(await post({ name: "new", scopes: [] })).toBe(400);
    expect(await post({ name: "new" })).toBe(400);
    expect((await ask("/tokens/tests", "api-token", { method: "DELETE" })).status).toBe(409);
    expect((await ask("/tokens", "api-token", { method: "POST", body: "{" })).status).toBe(400);
  });

  it("in API_TOKENS may be digests and have scopes; a malformed entry disables only itself", async () => {
    const bindings = envWith({
      API_TOKENS: JSON.stringify({
        plain: "plain-token",
        reader: { token: "reader-token", scopes: ["read"] },
        hashed: { sha256: await sha256("hashed-token"), scopes: ["write"] },
        broken: { sha256: "abc" },
      }),
    });
    const statuses = async (token: string) => [
      (await ask("/events", token, {}, bindings)).status,
      (await ask("/dead-letters/none", token, { method: "DELETE" }, bindings)).status,
      (await ask("/tokens", token, {}, bindings)).status,
    ];
    expect(await statuses("plain-token")).toEqual([200, 404, 200]);
    expect(await statuses("reader-token")).toEqual([200, 403, 403]);
    expect(await statuses("hashed-token")).toEqual([200, 404, 403]);
    expect(await statuses("abc")).toEqual([401, 401, 401]);
    const health = async (headers: HeadersInit): Promise<string> =>
      await (await send(new Request("https://edge.example/healthz", { headers }), bindings)).text();
    expect(await health({ authorization: "Bearer plain-token" })).toContain("API_TOKENS.broken");
    for (const authorization of ["", "Bearer reader-token", "Bearer nonsense"])
      expect(await health({ authorization })).not.toContain("API_TOKENS.broken");
  });

  it("that are wrong get 429 after many tries from one address, while a valid token from there still works", async () => {
    await roomInMinute();
    const from = { headers: { "cf-connecting-ip": "198.51.100.7" } };
    const statuses = new Set<number>();
    for (let i = 0; i < 70; i++) statuses.add((await ask("/events", `guess-${i}`, from)).status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await ask("/events", "api-token", from)).status).toBe(200);
    expect((await ask("/events", "guess", { headers: { "cf-connecting-ip": "198.51.100.8" } })).status).toBe(
      401,
    );
  });
});

describe("lists", () => {
  beforeAll(async () => {
    await freshStorage();
    const events = Array.from({ length: 2_300 }, (_, i) =>
      mailjetEvent({ event: "sent", MessageID: i, email: `p${i % 40}@example.com`, CustomID: 'a "b",\nc' }),
    );
    await deliver(await messagesOf(mailjetPost(JSON.stringify(events))));
  });

  const exported = async (accept: string, query = ""): Promise<Response> =>
    await read(`/v1/events${query}`, { headers: { accept } });

  it("export every item as NDJSON, equal to the items of the JSON pages", async () => {
    const response = await exported("application/x-ndjson");
    expect(response.headers.get("content-type")).toContain("application/x-ndjson");
    const lines = (await response.text()).trimEnd().split("\n");
    expect(lines).toHaveLength(2_300);
    const page = await (await read("/v1/events?limit=1000")).json<{ events: unknown[] }>();
    expect(lines.slice(0, 1_000).map((line) => JSON.parse(line) as unknown)).toEqual(page.events);
    expect(
      (await (await exported("application/x-ndjson", "?limit=7")).text()).trimEnd().split("\n"),
    ).toHaveLength(7);
  });

  it("export every item as CSV with a header row, quoted as in RFC 4180", async () => {
    const response = await exported("text/csv", "?contact=p3@example.com");
    expect(response.headers.get("content-type")).toContain("text/csv");
    const text = await response.text();
    const [header] = text.split("\r\n", 1);
    expect(header).toMatch(/^id,seq,source,provider,type,contact,message_id,occurred_at/);
    expect(text.split("\r\n")).toHaveLength(58 + 2);
    expect(text).toContain('"a ""b"",\nc"');
  });

  it("of messages need a custom id, a campaign, or a contact and a campaign; any other query answers 400", async () => {
    type Found = { messages: { message_id: string; status: string; events: unknown[] }[] };
    const byId = await (
      await read(`/v1/messages?custom_id=${encodeURIComponent('a "b",\nc')}`)
    ).json<Found>();
    expect(byId.messages).toHaveLength(100);
    const ofContact = await (await read("/v1/messages?contact=P3@example.com&campaign=7")).json<Found>();
    expect(ofContact.messages).toHaveLength(58);
    expect(ofContact.messages[0]).toMatchObject({ status: "delivered", events: [{}] });
    for (const query of [
      "",
      "?contact=p3@example.com",
      "?custom_id=1&contact=p3@example.com",
      "?custom_id=1&campaign=7",
    ])
      expect((await read(`/v1/messages${query}`)).status).toBe(400);
  });
});

describe("single resources", () => {
  beforeAll(async () => {
    await freshStorage();
    const event = mailjetEvent({ event: "sent", MessageID: 3, email: "p3@example.com" });
    await deliver(await messagesOf(mailjetPost(JSON.stringify([event]))));
  });

  it("have an ETag, and answer 304 to a matching If-None-Match", async () => {
    const { events } = await (await read("/v1/events?limit=1")).json<{ events: { id: string }[] }>();
    for (const path of [`/v1/events/${events[0]?.id}`, "/v1/contacts/p3@example.com", "/v1/messages/3"]) {
      const first = await read(path);
      const tag = first.headers.get("etag") ?? "";
      expect(tag, path).not.toBe("");
      expect((await read(path, { headers: { "if-none-match": tag } })).status, path).toBe(304);
      expect((await read(path, { headers: { "if-none-match": '"other"' } })).status, path).toBe(200);
    }
  });

  it("return a bookmark header, accept it in the next request, and answer 400 to a malformed one", async () => {
    const first = await read("/v1/events?limit=1");
    const bookmark = first.headers.get("x-tidings-bookmark") ?? "";
    expect(bookmark).not.toBe("");
    expect((await read("/v1/events?limit=1", { headers: { "x-tidings-bookmark": bookmark } })).status).toBe(
      200,
    );
    expect((await read("/v1/events", { headers: { "x-tidings-bookmark": "no bookmark" } })).status).toBe(400);
  });
});

describe("input", () => {
  const put = async (
    body: string | undefined,
    type: string | null,
  ): Promise<(number | string | undefined)[]> => {
    const init = {
      method: "PUT",
      headers: { authorization: "Bearer api-token", ...(type === null ? {} : { "content-type": type }) },
      // As bytes: a text would bring a media type of its own.
      ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
    };
    const answer = await send(
      new Request("https://edge.example/v1/suppressions/in@example.com", init),
      envWith(),
    );
    const { errors } = await answer.json<{ errors?: { parameter: string }[] }>();
    return errors === undefined ? [answer.status] : [answer.status, errors[0]?.parameter];
  };

  it("must be a JSON object with a JSON media type: another type answers 415, another body 400", async () => {
    for (const type of ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
      expect(await put('{"note":"told"}', type), type).toEqual([200]);
    for (const type of [null, "text/plain", "application/jsonp", "application/x-www-form-urlencoded"])
      expect(await put('{"note":"told"}', type), String(type)).toEqual([415]);
    expect(await put(undefined, null)).toEqual([200]);
    for (const body of ["{", "", "told"])
      expect(await put(body, "application/json"), body).toEqual([400, "body"]);
    for (const body of ["[]", "null", '"told"'])
      expect(await put(body, "application/json"), body).toEqual([400, "body"]);
    expect(await put('{"note":1}', "application/json")).toEqual([400, "note"]);
    expect(await put('{"note":"told","noted":1}', "application/json")).toEqual([400, "noted"]);
  });

  it("with wrong, unknown or repeated parameters answers 400 and names each of them", async () => {
    const asked = async (query: string) => {
      const answer = await read(`/v1/events?${query}`);
      const { errors } = await answer.json<{ errors: { parameter: string }[] }>();
      return [answer.status, ...errors.map(({ parameter }) => parameter)];
    };
    expect(await asked("limit=0&order=up&sorce=x")).toEqual([400, "limit", "order", "sorce"]);
    expect(await asked("limit=1&limit=2")).toEqual([400, "limit"]);
    expect(await asked("__proto__=1")).toEqual([400, "__proto__"]);
  });

  it("and answers have the types of the route's schemas (checked by the compiler)", async () => {
    const count = z.object({ count: z.int() });
    const route = createRoute({
      method: "get",
      path: "/",
      tags: [],
      summary: "",
      security: [],
      middleware: async (_c, next) => await next(),
      request: { query: z.strictObject({ n: z.string().transform(Number) }) },
      responses: { 200: { description: "", content: { "application/json": { schema: count } } } },
    });
    const sound = router();
    sound.openapi(route, async (c) => c.json({ count: c.req.valid("query").n }, 200));
    expect(await (await sound.request("/?n=3")).json()).toEqual({ count: 3 });
    // @ts-expect-error -- another type
    router().openapi(route, async (c) => c.json({ count: "1" }, 200));
    // @ts-expect-error -- another field
    router().openapi(route, async (c) => c.json({ counts: 1 }, 200));
    // @ts-expect-error -- another status
    router().openapi(route, async (c) => c.json({ count: 1 }, 202));
    // @ts-expect-error -- not by Hono's hands, so nobody knows what is in it
    router().openapi(route, async () => Response.json({ count: 1 }));
    // @ts-expect-error -- the route takes no body
    router().openapi(route, async (c) => c.json({ count: c.req.valid("json").n }, 200));
  });
});

describe("the OpenAPI document", () => {
  const get = async (path: string): Promise<Response> =>
    await send(new Request(`https://edge.example${path}`), { ...envWith(), ASSETS: env.ASSETS });

  interface Operation {
    tags?: string[];
    summary?: string;
    security?: { token: string[] }[];
    parameters?: { name: string; in: string; required: boolean; description?: string; schema?: object }[];
    requestBody?: { required: boolean; content: Record<string, { schema: object }> };
    responses: Record<string, { description?: string; content?: Record<string, { schema: object }> }>;
  }
  interface Document {
    openapi: string;
    tags: { name: string }[];
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, object>; securitySchemes: object };
  }
  const described = async (): Promise<Document> => await (await get("/openapi.json")).json<Document>();

  it("is OpenAPI 3.1 and lists every route of /v1 with its scope, tag and summary", async () => {
    const document = await described();
    expect(document.openapi).toBe("3.1.0");
    const tags = document.tags.map(({ name }) => name);
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    );
    for (const { name, operation } of operations) {
      expect(operation.summary, name).toBeTruthy();
      expect(tags, name).toEqual(expect.arrayContaining(operation.tags ?? [""]));
      expect(["read", "write", "admin"], name).toContain(operation.security?.[0]?.token[0]);
      expect(Object.keys(operation.responses), name).toEqual(expect.arrayContaining(["401", "403", "429"]));
    }
    const routed = app.routes
      .filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1"))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(operations.map(({ name }) => name).sort()).toEqual([...new Set(routed)].sort());
    expect(routed).toEqual(expect.arrayContaining(["get /v1/events", "get /v1/events/{id}"]));
  });

  it("is complete: every reference resolves, and every parameter, body and answer has a schema", async () => {
    const document = await described();
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, reference]) => reference ?? "");
    for (const reference of references) {
      const [, name = ""] = /^#\/components\/schemas\/(\w+)$/.exec(reference) ?? [];
      expect(Object.keys(document.components.schemas), reference).toContain(name);
    }
    expect(references).toEqual(expect.arrayContaining(["#/components/schemas/Event"]));
    expect(text).not.toMatch(/\$defs|\$schema|"\$?id":"/);
    expect(document.components.securitySchemes).toHaveProperty("token");
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { parameters = [], requestBody, responses }] of Object.entries(methods)) {
        const name = `${method} ${path}`;
        const inPath = parameters.filter((one) => one.in === "path");
        expect(inPath.map((one) => `{${one.name}}`).join(), name).toBe((path.match(/\{\w+\}/g) ?? []).join());
        expect(
          inPath.every(({ required }) => required),
          name,
        ).toBe(true);
        for (const { schema, name: parameter } of parameters)
          expect(schema, `${name} ${parameter}`).toSatisfy((one: object) => "type" in one || "anyOf" in one);
        for (const { description } of Object.values(responses)) expect(description, name).toBeTruthy();
        for (const { content = {} } of [...Object.values(responses), requestBody ?? {}])
          for (const { schema } of Object.values(content))
            expect(Object.keys(schema).length, name).toBeGreaterThan(0);
      }
    }
  });

  it("lists each route's parameters and body types, also if parameters depend on each other", async () => {
    const { paths } = await described();
    const of = (path: string) => paths[path]?.["get"]?.parameters ?? [];
    const names = (path: string) => of(path).map((one) => `${one.name}${one.required ? "" : "?"}`);
    expect(names("/v1/messages").slice(0, 4)).toEqual(["custom_id?", "contact?", "campaign?", "delivered?"]);
    expect(names("/v1/stats/compare")).toEqual(["a", "b", "metric", "human?", "from?", "to?"]);
    expect(of("/v1/events")).toContainEqual({
      name: "limit",
      in: "query",
      required: false,
      description: "Default of JSON: 100",
      schema: { type: "integer", minimum: 1, maximum: 1000 },
    });
    expect(of("/v1/events")).toContainEqual({
      name: "order",
      in: "query",
      required: false,
      schema: { type: "string", enum: ["asc", "desc"], default: "asc" },
    });
    const media = paths["/v1/suppressions/import"]?.["post"]?.requestBody?.content;
    expect(Object.keys(media ?? {})).toEqual(["text/csv", "application/json", "application/x-ndjson"]);
  });
});

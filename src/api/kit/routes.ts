// Routes that declare their input and their answers. The same zod schemas check the input, type the handlers and, in
// openapi.ts, make the description. This is our own code, because the existing package (@hono/zod-openapi) loads the
// whole of zod, including its translations into fifty languages, and an isolate's first request pays for everything
// that it loads.

import type { Context, Hono, MiddlewareHandler, TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { JSONParsed } from "hono/utils/types";
import * as z from "zod";
import { type ApiEnv } from "./env.ts";
import type { TokenScope } from "../../model/token-scope.ts";
import { newHono } from "./hono.ts";
import { inputProblem, unknownNames, type InputPlace } from "./input-problem.ts";
import { namesAt } from "./known-names.ts";
import { ProblemError } from "./problem.ts";
import { holdsTooMany, MOST_VALUES } from "../../lib/json-size.ts";

/** A zod schema, or a JSON Schema if a handler reads the body itself. */
export type Schema = z.ZodType | Readonly<Record<string, unknown>>;
/** Schemas by media type. */
export type Content = Readonly<Record<string, { schema: Schema }>>;

/** The declaration of a route. */
export interface Route {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** In the notation of OpenAPI, parameters in braces. */
  path: string;
  tags: string[];
  summary: string;
  description?: string;
  security: { token: TokenScope[] }[];
  /** Runs before the input is checked. */
  middleware: MiddlewareHandler<ApiEnv>;
  request?: {
    params?: z.ZodType;
    query?: z.ZodType;
    body?: { required: boolean; content: Content };
  };
  /** By status. */
  responses: Readonly<Record<number, { description: string; content?: Content }>>;
}

/** The type of each part of the input after checking; never if the route takes no such part. */
interface Parts<R extends Route> {
  query: R extends { request: { query: infer S extends z.ZodType } } ? z.output<S> : never;
  param: R extends { request: { params: infer S extends z.ZodType } } ? z.output<S> : never;
  json: R extends { request: { body: { content: { "application/json": { schema: infer S } } } } }
    ? S extends z.ZodType
      ? z.output<S>
      : never
    : never;
}

interface Checked<R extends Route> {
  in: object;
  out: { [P in keyof Parts<R> as [Parts<R>[P]] extends [never] ? never : P]: Parts<R>[P] };
}

/** The answers that a handler may give; problems are thrown. */
type Answer<R extends Route> = {
  [S in keyof R["responses"] & StatusCode]: R["responses"][S] extends { content: infer C extends Content }
    ? { [M in keyof C]: AnswerIn<M, C[M]["schema"], S> }[keyof C]
    : TypedResponse<null, S, "body">;
}[keyof R["responses"] & StatusCode];

type AnswerIn<Media, S, Status extends StatusCode> = Media extends "application/problem+json"
  ? never
  : S extends z.ZodType
    ? TypedResponse<JSONParsed<z.output<S>>, Status, "json">
    : TypedResponse<string, Status, "text">;

type Handler<R extends Route> = (c: Context<ApiEnv, string, Checked<R>>) => Promise<Response & Answer<R>>;

/** A Hono app that also takes declared routes. */
export interface Router extends Hono<ApiEnv> {
  /** Adds a route. Its handler gets checked input, and must answer as the route declares. */
  openapi<R extends Route>(route: R, handler: Handler<R>): void;
}

/** Returns the route unchanged, with its exact type. */
export function createRoute<R extends Route>(route: R): R {
  return route;
}

/** Declarations of routes, by their checking middleware, which Hono keeps wherever a router is mounted. */
const described = new WeakMap<object, Route>();

/** The declaration of the route whose input this handler (of `app.routes`) checks; undefined for other handlers. */
export function routeOf(handler: object): Route | undefined {
  return described.get(handler);
}

/** A new router. Its routes answer wrong input with a problem (400) that names every wrong parameter. */
export function router(): Router {
  const hono = newHono();
  const openapi = <R extends Route>(route: R, handler: Handler<R>): void => {
    const check = checking(route);
    described.set(check, route);
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    hono.on(
      route.method,
      [path],
      route.middleware,
      check,
      async (c) => await handler(c as Context<ApiEnv, string, Checked<R>>),
    );
  };
  return Object.assign(hono, { openapi });
}

/**
 * Checks a request's input by the route's own schemas, and refuses what these do not name, so that no route can forget
 * that: also parameters and a body of a route that declares none.
 */
function checking({ method, request: { query, params, body } = {} }: Route): MiddlewareHandler<ApiEnv> {
  const json = body?.content["application/json"]?.schema;
  return async (c, next) => {
    const asked = checked(query ?? NOTHING, queryOf(c), "query");
    if (query !== undefined) c.req.addValidatedData("query", asked);
    if (params !== undefined) c.req.addValidatedData("param", checked(params, c.req.param(), "path"));
    if (json instanceof z.ZodType) c.req.addValidatedData("json", checked(json, await jsonOf(c), "body"));
    else if (body === undefined && method !== "get") await refuseBody(c);
    await next();
  };
}

const NOTHING = z.strictObject({});

function checked(schema: z.ZodType, value: unknown, place: InputPlace): object {
  const [known, unknown] = place === "path" ? [value, []] : partedBy(namesAt(schema), value);
  const result = schema.safeParse(known, { reportInput: true });
  if (result.success && unknown.length === 0) return result.data as object;
  const issues = [...(result.error?.issues ?? []), ...(unknown.length === 0 ? [] : [unknownNames(unknown)])];
  throw inputProblem(issues, place, schema);
}

/** An object's fields with these names, and the names of its other fields. Other values are left as they are. */
function partedBy(names: readonly string[] | null, value: unknown): [known: unknown, unknown: string[]] {
  if (names === null || typeof value !== "object" || value === null || Array.isArray(value))
    return [value, []];
  const [known, unknown] = [[], []] as [[string, unknown][], string[]];
  for (const [name, one] of Object.entries(value)) {
    if (names.includes(name)) known.push([name, one]);
    else unknown.push(name);
  }
  return [Object.fromEntries(known), unknown];
}

/** Refuses a body that the route does not take, except an empty object, which some clients always send. */
async function refuseBody(c: Context<ApiEnv>): Promise<void> {
  if (/^\s*(\{\s*\})?\s*$/.test(await whole(c.req.text()))) return;
  const reason = "this takes no body";
  throw new ProblemError(400, `body: ${reason}`, [{ in: "body", parameter: "body", reason }]);
}

/** The query's parameters. One that is passed more than once becomes a list, which only some schemas accept. */
function queryOf(c: Context<ApiEnv>): Record<string, unknown> {
  const passed = Object.entries({ ...c.req.queries(), ...c.var.implied });
  return Object.fromEntries(passed.map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/** The result of reading the body. If the body breaks off, the answer is 400: the fault is the sender's, not ours. */
export async function whole<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch {
    throw new ProblemError(400, "The body did not come whole.");
  }
}

/** The body's JSON; an empty object if there is no body. A body that is no JSON is refused, not ignored. */
async function jsonOf(c: Context<ApiEnv>): Promise<unknown> {
  const type = c.req.header("content-type");
  const text = type === undefined || JSON_TYPE.test(type) ? await whole(c.req.text()) : null;
  if (type === undefined && text === "") return {};
  if (type === undefined || text === null)
    throw new ProblemError(415, "The body must be JSON; send it as application/json.");
  if (holdsTooMany(text)) throw new ProblemError(413, `The body holds more than ${MOST_VALUES} values.`);
  try {
    return JSON.parse(text);
  } catch {
    const reason = "is not JSON";
    throw new ProblemError(400, `body: ${reason}`, [{ in: "body", parameter: "body", reason }]);
  }
}

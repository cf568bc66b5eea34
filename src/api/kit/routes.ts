// Routes that say what they take and what they answer. The same zod schemas check input, type the handlers and, in
// openapi.ts, make the description. This is no package, because the one there is holds on to the whole of zod, its
// translations into fifty languages with it, and an isolate's first request pays for what it loads.

import { Hono, type Context, type MiddlewareHandler, type TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { JSONParsed } from "hono/utils/types";
import * as z from "zod";
import { type ApiEnv } from "./env.ts";
import type { TokenScope } from "../../model/token-scope.ts";
import { inputProblem, ProblemError } from "./problem.ts";

/** A zod schema, or a JSON Schema where a handler reads the body itself. */
export type Schema = z.ZodType | Readonly<Record<string, unknown>>;
/** By media type. */
export type Content = Readonly<Record<string, { schema: Schema }>>;

export interface Route {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** As OpenAPI writes it, parameters in braces. */
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

/** What each part of the input is once it is checked; never where the route takes none. */
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

export interface Router extends Hono<ApiEnv> {
  /** Adds a route: its handler gets checked input, and must answer as the route says. */
  openapi<R extends Route>(route: R, handler: Handler<R>): void;
}

/** The route as it is, with its type. */
export function createRoute<R extends Route>(route: R): R {
  return route;
}

/** What routes say, by the middleware that checks for them: Hono keeps that wherever a router is mounted. */
const described = new WeakMap<object, Route>();

/** The route that a handler among `app.routes` checks for. */
export function routeOf(handler: object): Route | undefined {
  return described.get(handler);
}

/** A router whose routes answer wrong input with a problem that names every wrong parameter. */
export function router(): Router {
  const hono = new Hono<ApiEnv>();
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

function checking({ request: { query, params, body } = {} }: Route): MiddlewareHandler<ApiEnv> {
  const json = body?.content["application/json"]?.schema;
  return async (c, next) => {
    if (query !== undefined) c.req.addValidatedData("query", checked(query, queryOf(c)));
    if (params !== undefined) c.req.addValidatedData("param", checked(params, c.req.param()));
    if (json instanceof z.ZodType) c.req.addValidatedData("json", checked(json, await jsonOf(c)));
    await next();
  };
}

function checked(schema: z.ZodType, value: unknown): object {
  const result = schema.safeParse(value);
  if (!result.success) throw inputProblem(result.error);
  return result.data as object;
}

/** A parameter that is passed more than once is a list, which no schema takes. */
function queryOf(c: Context<ApiEnv>): Record<string, unknown> {
  const passed = Object.entries(c.req.queries());
  return Object.fromEntries(passed.map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/** What reading the body gives. A body that breaks off is its sender's trouble, or nobody's any more. */
export async function whole<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch {
    throw new ProblemError(400, "The body did not come whole.");
  }
}

/** The body's JSON; an object without fields where there is no body. What is no JSON is refused, not passed over. */
async function jsonOf(c: Context<ApiEnv>): Promise<unknown> {
  const type = c.req.header("content-type");
  const text = type === undefined || JSON_TYPE.test(type) ? await whole(c.req.text()) : null;
  if (type === undefined && text === "") return {};
  if (type === undefined || text === null)
    throw new ProblemError(415, "The body must be JSON; send it as application/json.");
  try {
    return JSON.parse(text);
  } catch {
    const reason = "is not JSON";
    throw new ProblemError(400, `body: ${reason}`, [{ parameter: "body", reason }]);
  }
}

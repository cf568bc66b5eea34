// The OpenAPI 3.1 document, made of the routes and the same schemas that check requests and type answers.

import type { Hono } from "hono";
import * as z from "zod";
import { type ApiEnv } from "./env.ts";
import { routeOf, type Content, type Route, type Schema } from "./routes.ts";

type Json = z.core.JSONSchema.BaseSchema;

/**
 * The document as JSON text: the contents of `about`, and every route that `app` has by now. Throws if one schema id is
 * used both for input and for answers.
 */
export function documentOf(app: Hono<ApiEnv>, about: { components?: object }): string {
  const routes = app.routes.flatMap(({ path, handler }) => {
    const route = routeOf(handler);
    return route === undefined ? [] : [{ path: path.replaceAll(/:(\w+)/g, "{$1}"), route }];
  });
  const takes = jsonSchemas(
    "input",
    routes.flatMap(({ route }) => taken(route)),
  );
  const gives = jsonSchemas(
    "output",
    routes.flatMap(({ route }) => given(route)),
  );
  const twice = Object.keys(takes.named).find((id) => id in gives.named);
  if (twice !== undefined) throw new Error(`${twice} names what is taken and what is answered`);
  const paths: Record<string, Record<string, object>> = {};
  for (const { path, route } of routes)
    (paths[path] ??= {})[route.method] = operation(route, takes.of, gives.of);
  const components = { ...about.components, schemas: { ...takes.named, ...gives.named } };
  return JSON.stringify({ ...about, paths, components }).replaceAll('"#/$defs/', '"#/components/schemas/');
}

const taken = ({ request = {} }: Route): Schema[] => [
  ...[request.params, request.query].flatMap((schema) => schema ?? []),
  ...schemasIn(request.body?.content),
];

const given = ({ responses }: Route): Schema[] =>
  Object.values(responses).flatMap(({ content }) => schemasIn(content));

const schemasIn = (content: Content = {}): Schema[] => Object.values(content).map(({ schema }) => schema);

interface JsonSchemas {
  /** The schemas that have an id, by that id. The others refer to them. */
  named: Record<string, Json>;
  of: (schema: Schema) => Json;
}

/** Converts all schemas at once, as properties of one object, so that a schema with an id is described once. */
function jsonSchemas(io: "input" | "output", schemas: readonly Schema[]): JsonSchemas {
  const list = [...new Set(schemas)].filter((schema) => schema instanceof z.ZodType);
  const numbers = new Map<Schema, string>(list.map((schema, i) => [schema, String(i)]));
  const all = z.object(Object.fromEntries(list.map((schema, i) => [String(i), schema])));
  const { properties = {}, $defs = {} } = z.toJSONSchema(all, {
    io,
    unrepresentable: "any",
    override: ({ jsonSchema }) => tidy(jsonSchema, io),
  });
  const of = (schema: Schema): Json =>
    schema instanceof z.ZodType ? (properties[numbers.get(schema) ?? ""] as Json) : schema;
  return { named: $defs, of };
}

/**
 * Removes what no reader needs, and the promise that answers have no further fields, because later versions may add
 * some.
 */
function tidy(schema: Json, io: "input" | "output"): void {
  if (schema.type === "integer" || schema.format !== undefined) delete schema.pattern;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (io === "output" && schema.additionalProperties === false) delete schema.additionalProperties;
}

function operation(route: Route, takes: JsonSchemas["of"], gives: JsonSchemas["of"]): object {
  const { tags, summary, description, security, request: { params, query, body } = {} } = route;
  const parameters = [
    ...(params === undefined ? [] : parametersOf("path", takes(params))),
    ...(query === undefined ? [] : parametersOf("query", takes(query))),
  ];
  const responses = Object.entries(route.responses).map(([status, response]) => [
    status,
    { description: response.description, ...contentOf(response.content, gives) },
  ]);
  return {
    tags,
    summary,
    ...(description === undefined ? {} : { description }),
    security,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: body.required, ...contentOf(body.content, takes) } }),
    responses: Object.fromEntries(responses) as object,
  };
}

function contentOf(content: Content | undefined, of: JsonSchemas["of"]): { content?: object } {
  if (content === undefined) return {};
  const media = Object.entries(content).map(([type, { schema }]) => [type, { schema: of(schema) }]);
  return { content: Object.fromEntries(media) as object };
}

/** The fields of an object's schema as parameters. */
function parametersOf(place: "path" | "query", { properties = {}, required = [] }: Json): object[] {
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as Json;
    const about = description === undefined ? {} : { description };
    return { name, in: place, required: required.includes(name), ...about, schema };
  });
}

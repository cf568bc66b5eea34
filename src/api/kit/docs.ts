// The documentation: an OpenAPI 3.1 document made of the very schemas that check requests, and the static pages of src/docs,
// Swagger UI among them, which `npm run build` puts into the assets. Only what lies below /docs is served of those.

import type { Hono } from "hono";
import type { ApiEnv } from "./env.ts";
import { documentOf } from "./openapi.ts";

const ABOUT = {
  openapi: "3.1.0",
  info: {
    title: "Tidings",
    version: "1",
    description:
      "What became of each mail, as the email service providers reported it. Lists come in pages: pass `next` as " +
      "`after`. Every answer names a bookmark in `x-tidings-bookmark`; send it back to read at least what it saw.",
  },
  tags: [
    { name: "Events", description: "The stored feed" },
    { name: "Contacts", description: "One address over all sources" },
    { name: "Messages", description: "One mail" },
    { name: "Suppressions", description: "Who must not be mailed, and why" },
    { name: "Statistics", description: "Exact counts and rates" },
    { name: "Dead letters", description: "What could not become an event" },
    { name: "Sources", description: "Where events come from" },
    { name: "History", description: "Reading stored deliveries anew" },
    { name: "Pipes", description: "Where events are passed on to" },
    { name: "Jobs", description: "What the clock begins every minute" },
    { name: "Tokens", description: "Who may ask" },
  ],
  components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
};

/** What pages may load and do: nothing but from here. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** Swagger UI styles its elements itself. */
const SWAGGER_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

const HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Adds /openapi.json, for all routes that `app` has by now, and /docs. */
export function describe(app: Hono<ApiEnv>): void {
  let document: string | undefined;
  app.get("/openapi.json", () => {
    document ??= documentOf(app, ABOUT);
    return new Response(document, { headers: { "content-type": "application/json" } });
  });
  app.get("/docs/*", async (c) => {
    const found = await c.env.ASSETS.fetch(c.req.raw);
    if (found.status === 404) return await c.notFound();
    // The platform's own headers have it revalidated each time, by its ETag.
    const response = new Response(found.body, found);
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
    const policy = c.req.path === "/docs/api" ? SWAGGER_POLICY : POLICY;
    response.headers.set("content-security-policy", policy);
    return response;
  });
}

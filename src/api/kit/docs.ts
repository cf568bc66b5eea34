// The documentation: an OpenAPI 3.1 document made of the same schemas that check requests, and the static pages of
// src/docs, Swagger UI among them. `npm run build` puts these into the assets, of which only /docs is served.

import type { Hono } from "hono";
import type { ApiEnv } from "./env.ts";
import { documentOf } from "./openapi.ts";

const ABOUT = {
  openapi: "3.1.0",
  info: {
    title: "Tidings",
    version: "1",
    description:
      "What happened to each mail, as the email service providers reported it. Lists come in pages: pass `next` as " +
      "`after`. Every answer has a bookmark in `x-tidings-bookmark`. Send it back, and the next answer is at least as new.",
  },
  tags: [
    { name: "Status", description: "What is bad, and what to do about it" },
    { name: "Events", description: "The stored feed" },
    { name: "Contacts", description: "One address over all sources" },
    { name: "Messages", description: "One mail" },
    { name: "Suppressions", description: "Addresses that must not be mailed, and why" },
    { name: "Statistics", description: "Exact counts and rates" },
    { name: "Dead letters", description: "Deliveries and elements that could not become events" },
    { name: "Sources", description: "The endpoints that providers post to" },
    { name: "History", description: "Parsing stored deliveries again" },
    { name: "Pipes", description: "Destinations that events are passed on to" },
    { name: "Jobs", description: "The work that runs every minute" },
    {
      name: "Storage",
      description: "How full the database is, until when there is room, and rebuilding a lost one",
    },
    { name: "Tokens", description: "Access to this API" },
  ],
  components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
};

/** What pages may load and do: everything must come from this origin. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** Swagger UI sets inline styles. */
const SWAGGER_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

/** Beside those of every answer, see door.ts. */
const HEADERS = {
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
    const asset = await c.env.ASSETS.fetch(c.req.raw);
    if (asset.status === 404) return await c.notFound();
    // The platform's own headers make browsers revalidate each time, by the ETag.
    const response = new Response(asset.body, asset);
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
    const policy = c.req.path === "/docs/api" ? SWAGGER_POLICY : POLICY;
    response.headers.set("content-security-policy", policy);
    return response;
  });
}

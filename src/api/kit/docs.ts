// The API described: an OpenAPI 3.1 document made of the very schemas that check requests, and a page to read and try it.

import type { Hono } from "hono";
import { type ApiEnv } from "./env.ts";
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
    { name: "Tokens", description: "Who may ask" },
  ],
  components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
};

/** Files of swagger-ui-dist that the page loads. */
const FILES = new Set(["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]);

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidings API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", deepLinking: true });\n`;

/** Everything that the page needs comes from here; Swagger UI styles its elements itself and draws icons as data URLs. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'";

/** Adds /openapi.json and /docs for all routes that `app` has by now. */
export function describe(app: Hono<ApiEnv>): void {
  let document: string | undefined;
  app.get("/openapi.json", () => {
    document ??= documentOf(app, ABOUT);
    return new Response(document, { headers: { "content-type": "application/json" } });
  });
  app.get("/docs", () => page(PAGE, "text/html"));
  app.get("/docs/start.js", () => page(START, "text/javascript"));
  app.get("/docs/:file", async (c) => {
    const file = c.req.param("file");
    if (!FILES.has(file)) return await c.notFound();
    return await c.env.ASSETS.fetch(new URL(`/${file}`, c.req.url));
  });
}

function page(text: string, type: string): Response {
  const headers = { "content-type": `${type}; charset=utf-8`, "content-security-policy": POLICY };
  return new Response(text, { headers });
}

// The Hono app: all routes that people call. Providers' requests never reach it, because door.ts answers them first.

import { answerHealth } from "./api/health.ts";
import { describe } from "./api/kit/docs.ts";
import { answerError } from "./api/kit/errors.ts";
import { newHono } from "./api/kit/hono.ts";
import { problem } from "./api/kit/problem.ts";
import { v1 } from "./api/v1.ts";

/** The app: GET /healthz, /v1 and the documentation. Every error is answered as a problem (RFC 9457). */
export const app = newHono();

app.get("/healthz", async (c) => await answerHealth(c.env, c.req.header("authorization")));

app.route("/v1", v1);
describe(app);

const READ_ONLY = { allow: "GET, HEAD, OPTIONS" };
for (const path of ["/healthz", "/openapi.json", "/docs/*"]) {
  app.options(path, () => new Response(null, { status: 204, headers: READ_ONLY }));
  app.all(path, () => problem(405, `This resource takes ${READ_ONLY.allow}.`, { headers: READ_ONLY }));
}

app.notFound(() =>
  problem(
    404,
    "There is nothing at this URL. The API is at /v1: /openapi.json lists its resources, and /docs/api shows them. " +
      "Providers post to /webhooks/<source>.",
  ),
);

app.onError(answerError);

// The Worker that is read from: Tidings over a database with a million events, and beside it the least that a question to
// that database can be.

import { app } from "../../../src/app.ts";

export { Contact } from "../../../src/index.ts";

interface SqlQuestion {
  statements: { sql: string; values?: unknown[] }[];
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/bare":
        return Response.json(await env.DB.prepare("SELECT 1 AS one").first());
      case "/sql": {
        const { statements } = await request.json<SqlQuestion>();
        await env.DB.batch(statements.map(({ sql, values = [] }) => env.DB.prepare(sql).bind(...values)));
        return Response.json(null);
      }
      default:
        return await app.fetch(request, env, ctx);
    }
  },
};

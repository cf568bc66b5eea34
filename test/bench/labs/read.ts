// The Worker that is read from: Tidings over databases with many events, and beside it the least that a question to them
// can be: one that asks for nothing, and one that gets the answer's rows as text that is kept ready.

import { app } from "../../../src/app.ts";

export { Contact } from "../../../src/index.ts";

type TwoDatabases = Env & { DB_LARGE?: D1Database };

interface SqlQuestion {
  database?: "DB" | "DB_LARGE";
  statements: { sql: string; values?: unknown[] }[];
}

/** Rows of text that are kept ready, in the column `body`. */
export interface ReadyQuestion {
  sql: string;
  values: (string | number)[];
}

/** Before the path of a question to the other database. */
const OTHER = "/large";

export default {
  async fetch(request: Request, env: TwoDatabases, ctx: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/bare":
        return Response.json(await env.DB.prepare("SELECT 1 AS one").first());
      case "/ready": {
        const { sql, values } = await request.json<ReadyQuestion>();
        const { results } = await env.DB.prepare(sql)
          .bind(...values)
          .all<{ body: string }>();
        return new Response(`{"events":[${results.map(({ body }) => body).join(",")}]}`);
      }
      case "/sql": {
        const { database = "DB", statements } = await request.json<SqlQuestion>();
        const db = env[database] ?? env.DB;
        await db.batch(statements.map(({ sql, values = [] }) => db.prepare(sql).bind(...values)));
        return Response.json(null);
      }
      default:
        if (!url.pathname.startsWith(`${OTHER}/`)) return await app.fetch(request, env, ctx);
        url.pathname = url.pathname.slice(OTHER.length);
        return await app.fetch(new Request(url, request), otherOf(env), ctx);
    }
  },
};

let known: Env | undefined;

/** The environment with the other database: one object for all requests, as the platform's own is. */
function otherOf(env: TwoDatabases): Env {
  known ??= { ...env, DB: env.DB_LARGE ?? env.DB };
  return known;
}

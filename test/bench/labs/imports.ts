// The Worker that lists are imported into: Tidings over two databases, because a suppression of a whole domain counts for
// everybody who asks the same one.

import { app } from "../../../src/app.ts";

export { Contact } from "../../../src/index.ts";

type TwoDatabases = Env & { DB_DOMAINS: D1Database };

interface SqlQuestion {
  statements: { sql: string }[];
}

export default {
  async fetch(request: Request, env: TwoDatabases, ctx: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    const asks = url.pathname.startsWith("/domains/");
    const own = asks ? ownOf(env) : env;
    if (asks) url.pathname = url.pathname.slice("/domains".length);
    if (url.pathname === "/sql") {
      const { statements } = await request.json<SqlQuestion>();
      await own.DB.batch(statements.map(({ sql }) => own.DB.prepare(sql)));
      return Response.json(null);
    }
    return await app.fetch(new Request(url, request), own, ctx);
  },
};

let known: Env | undefined;

/** The environment with the other database: one object for all requests, as the platform's own is. */
function ownOf(env: TwoDatabases): Env {
  known ??= { ...env, DB: env.DB_DOMAINS };
  return known;
}

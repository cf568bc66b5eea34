// The context of every route of /v1.

import type { TokenScope } from "../../model/token-scope.ts";
import type { Db } from "../../store/db.ts";
import type { Shards } from "../../store/shards.ts";

/** Bindings and variables, as Hono's types name them. */
export interface ApiEnv {
  Bindings: Env;
  Variables: {
    /** A session of the home database, at least as new as the caller's bookmark. */
    db: Db;
    /** Sessions of all databases, as new. */
    shards: Shards;
    /** The caller's token. */
    token: {
      name: string;
      scopes: readonly TokenScope[];
      /** The sources that it sees; null for all. */
      sources: readonly string[] | null;
    };
    /** Parameters of the query that follow from the token. */
    implied?: Record<string, string[]>;
  };
}

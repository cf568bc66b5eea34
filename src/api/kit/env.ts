// What every route of /v1 finds in its context.

import type { TokenScope } from "../../model/token-scope.ts";
import type { Db } from "../../store/db.ts";

export interface ApiEnv {
  Bindings: Env;
  Variables: {
    /** A session of the database that is at least as new as the bookmark that the caller showed. */
    db: Db;
    token: { name: string; scopes: readonly TokenScope[] };
  };
}

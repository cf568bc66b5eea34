// Bindings that only tests have.

import type { D1Migration } from "cloudflare:test";
import type * as main from "../src/index.ts";

declare global {
  interface ImportMeta {
    /** Vite's: the texts of the files that match. */
    glob(pattern: string, options: { query: "?raw"; import: "default"; eager: true }): Record<string, string>;
  }
  namespace Cloudflare {
    interface Env {
      TEST_MIGRATIONS: D1Migration[];
      /** Of all properties. */
      TEST_SEED: number;
      TEST_DB_1: D1Database;
      TEST_DB_2: D1Database;
      TEST_DB_ALL: D1Database;
      TEST_PIPE: Queue;
      TEST_PIPE_LIMITS: Queue;
      TEST_PIPE_CONSUMER: Fetcher;
    }
    interface GlobalProps {
      mainModule: typeof main;
    }
  }
}

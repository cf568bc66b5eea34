// SQL for a database by wrangler, which knows the account. Wrangler finds a database only by a configuration, so it gets
// one of its own, which names nothing else.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runWrangler } from "../../../src/cli/wrangler.ts";
import { makeStorage, ROOT } from "../runtime.ts";

/** Where the database is: in the account, or in a folder of this machine. */
export type Place = "account" | { folder: string };

/** What D1 tells of a statement: https://developers.cloudflare.com/d1/worker-api/return-object/ */
export interface Answer {
  results: Record<string, unknown>[];
  meta: { duration: number; rows_written?: number; rows_read?: number; size_after?: number };
}

/** Runs commands against one database. Each rejects with wrangler's words if it fails. */
export interface Trier {
  /** The statements as one request; an answer for each. */
  execute(statements: readonly string[]): Promise<Answer[]>;
  /** Creates the schema. */
  migrate(): Promise<void>;
}

export function trierOf(database: string, place: Place): Trier {
  const config = join(makeStorage(), "wrangler.json");
  const bound = {
    binding: "DB",
    database_name: database,
    ...(place === "account" ? {} : { database_id: "trial" }),
    migrations_dir: join(ROOT, "src", "store", "migrations"),
  };
  writeFileSync(config, JSON.stringify({ name: "tidings-trial", d1_databases: [bound] }));
  const where = place === "account" ? ["--remote"] : ["--local", "--persist-to", place.folder];
  const ask = async (command: string[], ...rest: string[]): Promise<string> => {
    const ran = await runWrangler(["d1", ...command, database, "--config", config, ...where, ...rest]);
    if (!ran.ok) throw new Error(`wrangler d1 ${command.join(" ")} failed: ${ran.reason}`);
    return ran.value;
  };
  return {
    execute: async (statements) => {
      const sql = statements.map((statement) => statement.replaceAll(/\s+/g, " ").trim()).join("; ");
      return JSON.parse(await ask(["execute"], "--json", "--yes", "--command", sql)) as Answer[];
    },
    migrate: async () => void (await ask(["migrations", "apply"])),
  };
}

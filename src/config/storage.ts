// The table [vars.STORAGE]: the databases' size and number. Where they lie is read by jurisdiction.ts. The number is read
// by src/store/shards/databases.ts, too, so that nobody who needs a database needs the configuration.

import { GB, LARGEST } from "../model/storage/level.ts";
import { wantedShards } from "../model/storage/shards.ts";
import { openTable, optional, positive } from "./checks.ts";
import type { Report } from "./report.ts";

const fields = {
  limit_gb: optional(positive("must be a number of gigabytes above 0, such as 10 or 0.5")),
};
const storageTable = openTable(fields);

/** The settings of STORAGE. */
export const STORAGE_SETTINGS: readonly string[] = [...Object.keys(fields), "jurisdiction", "shards"];

/** What STORAGE says. */
export interface StorageSettings {
  /** The largest size that each database may have, bytes. */
  limit: number;
  /** How many databases there are. */
  shards: number;
}

/** Reads the value of STORAGE. A mistake is reported, and leaves the default. `env`: the environment, for its bindings. */
export function readStorage(value: object, env: object, report: Report): StorageSettings {
  const checked = storageTable(value);
  if (!checked.ok)
    for (const { path, message } of checked.issues) report(["STORAGE", ...path].join("."), message);
  const gigabytes = checked.ok ? checked.value.limit_gb : undefined;
  const { count, problem } = wantedShards(env);
  if (problem !== null) report("STORAGE.shards", problem);
  return { limit: gigabytes === undefined ? LARGEST : gigabytes * GB, shards: count };
}

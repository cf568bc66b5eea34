// The table [vars.STORAGE]: the database's size. Where it lies is read by jurisdiction.ts.

import { GB, LARGEST } from "../model/storage/level.ts";
import { openTable, optional, positive } from "./checks.ts";
import type { Report } from "./report.ts";

const fields = {
  limit_gb: optional(positive("must be a number of gigabytes above 0, such as 10 or 0.5")),
};
const storageTable = openTable(fields);

/** The settings of STORAGE. */
export const STORAGE_SETTINGS: readonly string[] = [...Object.keys(fields), "jurisdiction"];

/** What STORAGE says. */
export interface StorageSettings {
  /** The largest size that the database may have, bytes. */
  limit: number;
}

/** Reads the value of STORAGE. A mistake is reported, and leaves the default. */
export function readStorage(value: object, report: Report): StorageSettings {
  const checked = storageTable(value);
  if (!checked.ok)
    for (const { path, message } of checked.issues) report(["STORAGE", ...path].join("."), message);
  const gigabytes = checked.ok ? checked.value.limit_gb : undefined;
  return { limit: gigabytes === undefined ? LARGEST : gigabytes * GB };
}

// The setting STORAGE.jurisdiction. A mistake in it must not mean "none": objects would be made where they must not be,
// and no object can be moved afterwards. So it becomes "unknown", with which no object is reached at all.

import { nearestOf } from "../lib/nearest.ts";
import { JURISDICTIONS, type Jurisdiction } from "../model/jurisdiction.ts";
import { oneOf } from "./checks.ts";
import type { Report } from "./report.ts";

/** Where the objects shall lie. "unknown": the setting has a mistake, and none may be reached. */
export type WantedJurisdiction = Jurisdiction | "none" | "unknown";

const NAME = "jurisdiction";
const jurisdiction = oneOf(JURISDICTIONS, `must be of ${JURISDICTIONS.join(", ")}, or left out`);

/** Reads the setting from the value of STORAGE, and reports its mistake. A misspelt name is a mistake as well. */
export function readJurisdiction(
  storage: Readonly<Record<string, unknown>>,
  report: Report,
): WantedJurisdiction {
  const value = storage[NAME];
  if (value === undefined) {
    const isMisspelt = Object.keys(storage).some((key) => nearestOf(key, [NAME]) !== null);
    return isMisspelt ? "unknown" : "none"; // unknown-settings.ts reports it
  }
  const checked = jurisdiction(value);
  if (checked.ok) return checked.value;
  for (const { message } of checked.issues) report(`STORAGE.${NAME}`, message);
  return "unknown";
}

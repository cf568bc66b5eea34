// Settings that do not exist. A misspelt one would be passed over in silence, so each is a problem that names the setting
// which was probably meant. It closes nothing: what is unknown has no effect, as before.

import { nearestOf } from "../lib/nearest.ts";
import type { Problem } from "./report.ts";
import { POLICY_SETTINGS, SUPPRESSION_SETTINGS } from "./suppression.ts";

/** The variables and secrets that are settings. */
const VARIABLES = [
  "SOURCES",
  "SOURCE_CREDENTIALS",
  "API_TOKENS",
  "PIPE_KEYS",
  "SUPPRESSION",
  "RETENTION",
  "STORAGE",
  "API",
];

/** The settings of a source's table: of all sources, and those that some providers read. */
export const SOURCE_SETTINGS = [
  "provider",
  "ip_policy",
  "ips",
  "suppression",
  "campaign_from",
  "custom_id_from",
  "secret_header",
  "signature_header",
  "signature_version",
  "parameters",
  "url",
];

const RETENTION_SETTINGS = ["events_days", "archive_days"];
const STORAGE_SETTINGS = ["jurisdiction"];

type Table = Readonly<Record<string, unknown>>;

/** The problems of all unknown settings. `sources`: the tables of SOURCES that are tables, by name. */
export function unknownSettings(env: Table, sources: ReadonlyMap<string, Table | null>): Problem[] {
  const ofSources = [...sources].flatMap(([name, table]) =>
    [
      ...unknownIn(`SOURCES.${name}`, table, SOURCE_SETTINGS),
      ...unknownIn(`SOURCES.${name}.suppression`, table?.["suppression"], POLICY_SETTINGS),
    ].map((problem) => ({ ...problem, name })),
  );
  return [
    ...misspelt(env),
    ...ofSources,
    ...unknownIn("SUPPRESSION", parsed(env["SUPPRESSION"]), SUPPRESSION_SETTINGS),
    ...unknownIn("RETENTION", parsed(env["RETENTION"]), RETENTION_SETTINGS),
    ...unknownIn("STORAGE", parsed(env["STORAGE"]), STORAGE_SETTINGS),
  ];
}

/** Variables that nobody reads, if their names are nearly those of settings. Others may be somebody's own. */
function misspelt(env: Table): Problem[] {
  return Object.keys(env).flatMap((name) => {
    if (VARIABLES.includes(name) || env[name] === undefined) return [];
    const meant = nearestOf(name, VARIABLES);
    return meant === null ? [] : [{ setting: name, reason: `is unknown; did you mean ${meant}?` }];
  });
}

function unknownIn(setting: string, value: unknown, known: readonly string[]): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.keys(value).flatMap((key) => {
    if (known.includes(key)) return [];
    const meant = nearestOf(key, known);
    const path = `${setting}.${key}`;
    // A key that is nearly a setting is no secret that stands in the wrong place.
    if (meant !== null) return [{ setting: path, reason: `is unknown; did you mean ${meant}?` }];
    return [{ setting: path, reason: `is unknown; known: ${known.join(", ")}`, key }];
  });
}

/** A table that may be JSON text. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return null; // reported where it is read
  }
}

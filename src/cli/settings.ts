// Reads .dev.vars, the secrets of the local setup. A fresh clone has none, so the example is copied until the user
// writes their own.

import { constants } from "node:fs";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ROOT } from "./wrangler.ts";

/** The part of the configuration that the banner and the demo's sender need. */
export interface Settings {
  /** The credentials of each source, by its name. */
  sources: ReadonlyMap<string, readonly string[]>;
  /** A token of the API; null if none is configured. */
  token: string | null;
}

/**
 * Copies the example to .dev.vars if that file does not exist; returns whether it did. Throws if the file cannot be
 * written.
 */
export async function ensureDevVars(): Promise<boolean> {
  try {
    await copyFile(join(ROOT, ".dev.vars.example"), join(ROOT, ".dev.vars"), constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** The variables of the example that .dev.vars lacks, because it was copied before they were added. */
export async function missingDevVars(): Promise<string[]> {
  const variablesOf = async (file: string): Promise<string[]> =>
    Object.keys(parseEnv(await readFile(join(ROOT, file), "utf8")));
  const [present, example] = await Promise.all([variablesOf(".dev.vars"), variablesOf(".dev.vars.example")]);
  return example.filter((name) => !present.includes(name));
}

/** Reads .dev.vars; throws if the file is missing. */
export async function readDevVars(): Promise<Settings> {
  return toSettings(await readFile(join(ROOT, ".dev.vars"), "utf8"));
}

/**
 * Reads the settings from the text of a .dev.vars. Never fails: the Worker reports mistakes in the file, at /healthz.
 */
export function toSettings(text: string): Settings {
  const variables = parseEnv(text);
  const sources = new Map<string, readonly string[]>();
  for (const [source, value] of entriesOf(variables["SOURCE_CREDENTIALS"])) {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    sources.set(
      source,
      list.filter((credential) => typeof credential === "string"),
    );
  }
  const token = entriesOf(variables["API_TOKENS"]).find(([, value]) => typeof value === "string")?.[1];
  return { sources, token: typeof token === "string" ? token : null };
}

function entriesOf(json: string | undefined): [string, unknown][] {
  try {
    const value: unknown = JSON.parse(json ?? "");
    return typeof value === "object" && value !== null ? Object.entries(value) : [];
  } catch {
    return [];
  }
}

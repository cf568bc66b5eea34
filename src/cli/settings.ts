// .dev.vars: the secrets of the local setup. A fresh clone has none, so the example serves until somebody writes their own.

import { constants } from "node:fs";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ROOT } from "./wrangler.ts";

/** What the banner, and the demo's sender, need to know of the configuration. */
export interface Settings {
  /** Source -> its credentials. */
  sources: ReadonlyMap<string, readonly string[]>;
  /** A token of the API; null where there is none. */
  token: string | null;
}

/** Copies the example to .dev.vars where there is none yet; whether it did. */
export async function ensureDevVars(): Promise<boolean> {
  try {
    await copyFile(join(ROOT, ".dev.vars.example"), join(ROOT, ".dev.vars"), constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Variables of the example that .dev.vars lacks: it is older than what they are for. */
export async function missingDevVars(): Promise<string[]> {
  const variablesOf = async (file: string): Promise<string[]> =>
    Object.keys(parseEnv(await readFile(join(ROOT, file), "utf8")));
  const [own, example] = await Promise.all([variablesOf(".dev.vars"), variablesOf(".dev.vars.example")]);
  return example.filter((name) => !own.includes(name));
}

export async function readDevVars(): Promise<Settings> {
  return toSettings(await readFile(join(ROOT, ".dev.vars"), "utf8"));
}

/** Never fails: what is wrong in the file is the Worker's to report, at /healthz. */
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

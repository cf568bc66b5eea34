// Which databases a configuration names. Nearly all name one, and then wrangler.toml need not be read for it: that takes
// seconds, because wrangler must be loaded.

import { readFile } from "node:fs/promises";
import { databasesIn, ONLY, type Configuration } from "./beside.ts";

/** Whether the text of a wrangler.toml names more than one database, in a line that is no comment. */
export function namesSeveral(text: string): boolean {
  return (text.match(/^[^#\n]*(?:d1_databases|DB_\d)/gm) ?? []).length > 1;
}

/** The databases that a file of wrangler's names; the one that it comes with if the file cannot be read. */
export async function localDatabases(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  if (!namesSeveral(text)) return [ONLY];
  const { experimental_readRawConfig: readConfig } = await import("wrangler");
  return databasesIn(readConfig({ config: file }).rawConfig as Configuration);
}

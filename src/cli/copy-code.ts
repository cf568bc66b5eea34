// Copies the code and runs it from the copy, so that an edit while it runs does not restart the Worker: the local queue
// lives in memory only, and its content would be lost.

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./wrangler.ts";

/**
 * Copies `parts`, paths below the project's folder, into `folder`; returns the path of the configuration to run from
 * there.
 */
export async function copyCode(folder: string, parts: readonly string[] = ["src"]): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const part of [...parts, "package.json"]) {
    await mkdir(dirname(join(folder, part)), { recursive: true });
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  }
  const config = join(folder, "wrangler.toml");
  const assets = relative(folder, join(ROOT, "dist", "assets")).replaceAll("\\", "/");
  const text = await readFile(join(ROOT, "wrangler.toml"), "utf8");
  await writeFile(config, text.replace('"dist/assets"', JSON.stringify(assets)));
  return config;
}

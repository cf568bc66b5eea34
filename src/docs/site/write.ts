// Files on disk, changed only where they differ: wrangler watches this folder, and restarts the Worker for each change.

import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Makes `folder` hold exactly `files` (path -> content) in what `isOurs` says is ours. Several processes may do this at the
 * same time: each file is replaced whole. Gives the number of files that changed.
 */
export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  isOurs: (path: string) => boolean,
): Promise<number> {
  const changed = await Promise.all(
    [...files].map(async ([path, content]) => await write(folder, path, content)),
  );
  const stale = (await list(folder)).filter((path) => isOurs(path) && !files.has(path));
  await Promise.all(stale.map(async (path) => await rm(join(folder, path), { force: true })));
  return changed.filter(Boolean).length + stale.length;
}

async function list(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    );
}

async function write(folder: string, path: string, content: string | Uint8Array): Promise<boolean> {
  const file = join(folder, path);
  const bytes = Buffer.from(content);
  const before = await readFile(file).catch(() => null);
  if (before?.equals(bytes) === true) return false;
  await mkdir(dirname(file), { recursive: true });
  // Beside the folder, not in it: half a file is no asset.
  const partial = `${folder}.${process.pid}.${path.replaceAll("/", "-")}`;
  await writeFile(partial, bytes);
  await rename(partial, file);
  return true;
}

// Keeps two runs from the same local state. Two runtimes that write into one SQLite file damage it, or one of them waits
// for the other. The lock is a file beside the state that names the run which holds it. A run that was killed leaves its
// file behind; the next one sees that nobody holds it any more, and takes it over.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail, ok, type Result } from "../lib/result.ts";

/** Who holds the state. `since`: ms since the epoch. */
interface Holder {
  pid: number;
  port: number;
  since: number;
}

/** How long a run may take until it listens on its port, ms. */
const STARTS_WITHIN = 120_000;

/**
 * Takes the lock of the state in `folder` for this process, which will listen on `port`. Returns the function that gives
 * it back, or fails with the words for whoever asked. `isFree`: whether nobody listens on a port.
 */
export async function lockState(
  folder: string,
  port: number,
  isFree: (port: number) => Promise<boolean>,
  now: number,
): Promise<Result<() => Promise<void>>> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "tidings.lock");
  const mine = JSON.stringify({ pid: process.pid, port, since: now } satisfies Holder);
  for (let tries = 0; tries < 3; tries++) {
    if (await create(file, mine)) return ok(async () => await giveBack(file, mine));
    const text = await readFile(file, "utf8").catch(() => null);
    if (text === null) continue; // it was given back meanwhile
    const holder = read(text);
    if (holder !== null && (await holds(holder, isFree, now)))
      return fail(
        `.wrangler/state is in use by another \`npm start\`, process ${holder.pid} at http://localhost:${holder.port}; ` +
          "stop that one first (Ctrl-C where it runs), for two would damage the data",
      );
    if ((await readFile(file, "utf8").catch(() => null)) === text) await rm(file, { force: true });
  }
  return fail(`${file} could not be taken; another \`npm start\` begins at this moment`);
}

async function create(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Only if it is still the own one: somebody may have deleted it by hand, and another run may have taken it. */
async function giveBack(file: string, mine: string): Promise<void> {
  if ((await readFile(file, "utf8").catch(() => null)) === mine) await rm(file, { force: true });
}

function read(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const { pid, port, since } = value as Partial<Holder>;
    return typeof pid === "number" && typeof port === "number" && typeof since === "number"
      ? { pid, port, since }
      : null;
  } catch {
    return null; // a run was killed while it wrote
  }
}

/** A process with this id that neither listens nor has just begun is another one, which got the id of a dead run. */
async function holds(
  { pid, port, since }: Holder,
  isFree: (port: number) => Promise<boolean>,
  now: number,
): Promise<boolean> {
  if (!isAlive(pid) || pid === process.pid) return false;
  return now - since < STARTS_WITHIN || !(await isFree(port));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"; // somebody else's
  }
}

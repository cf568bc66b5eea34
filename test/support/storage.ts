// Where the local bindings of tests and benchmarks keep their data.

import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";
/** Bytes that have to be free there; a million stored events need a part of it. */
const ENOUGH = 3e9;

/**
 * A folder in memory where the machine has one with room, else the temporary one. A machine's disk says nothing about the
 * platform's, and waiting for it is most of what a test of the database does.
 */
export function storage(): string {
  if (process.env["TMPDIR"] !== undefined || !existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize > ENOUGH ? MEMORY : tmpdir();
}

// Where the local bindings of tests and benchmarks keep their data.

import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";
/** Bytes that must be free there; a million stored events need a part of them. */
const ENOUGH = 3e9;

/**
 * A folder in memory if the machine has one with room, else the temporary one. A machine's disk is no measure of the
 * platform's, and a test of the database spends most of its time waiting for it.
 */
export function storage(): string {
  if (process.env["TMPDIR"] !== undefined || !existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize > ENOUGH ? MEMORY : tmpdir();
}

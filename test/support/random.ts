// Randomness for tests: the same in every run, other values with SEED=<number>.

import { env } from "cloudflare:workers";
import { randomFrom, type Random } from "../../src/demo/traffic/random.ts";

/** A separate random source for each use; `name` distinguishes the uses of one seed. */
export function seeded(name: string): Random {
  const mixed = new TextEncoder().encode(name).reduce((sum, byte) => (sum * 31 + byte) | 0, env.TEST_SEED);
  return randomFrom(mixed >>> 0);
}

/** Incompressible bytes of this number. */
export function randomBytes(length: number, random: Random): Uint8Array {
  return new Uint8Array(length).map(() => random.between(0, 255));
}

/** Incompressible bytes of this number as base64 text, which is a third longer. */
export function randomText(bytes: number, random: Random): string {
  return Buffer.from(randomBytes(bytes, random)).toString("base64");
}

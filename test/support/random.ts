// Randomness for tests: the same in every run, other values with SEED=<number>.

import { env } from "cloudflare:workers";
import { randomFrom, type Random } from "../../src/demo/traffic/random.ts";

/** A source of its own for each use; `name` tells the uses of one seed apart. */
export function seeded(name: string): Random {
  const mixed = new TextEncoder().encode(name).reduce((sum, byte) => (sum * 31 + byte) | 0, env.TEST_SEED);
  return randomFrom(mixed >>> 0);
}

/** So many bytes that no compression makes shorter. */
export function randomBytes(length: number, random: Random): Uint8Array {
  return new Uint8Array(length).map(() => random.between(0, 255));
}

/** Text of so many bytes that no compression makes shorter: base64, a third longer. */
export function randomText(bytes: number, random: Random): string {
  return Buffer.from(randomBytes(bytes, random)).toString("base64");
}

// Limits wrong passwords by the address that they come from. Right ones are checked first and are never limited,
// whatever else comes from their address.

import ipaddr from "ipaddr.js";

/** How long a caller should wait after too many wrong passwords, in seconds: the period of the limits. */
export const WAIT = "60";

/**
 * The address that a request comes from, for counting: of an IPv6 address the first 64 bits, because one customer of a
 * network has at least as many.
 */
export function callerOf(headers: Headers): string {
  const address = headers.get("cf-connecting-ip") ?? "unknown";
  if (!address.includes(":") || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address); // an IPv4-mapped IPv6 address counts as IPv4
  if (parsed.kind() === "ipv4") return parsed.toString();
  return `${parsed.toNormalizedString().split(":").slice(0, 4).join(":")}::/64`;
}

/**
 * Counts one guess under `key`; resolves to whether there were too many within a minute. The platform counts for each
 * of its locations, in memory. Never rejects: if counting fails, nobody is limited.
 */
export async function countGuess(limit: RateLimit | undefined, key: string): Promise<boolean> {
  try {
    return (await limit?.limit({ key }))?.success === false;
  } catch {
    return false;
  }
}

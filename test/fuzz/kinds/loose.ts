// Shared by the makers of requests that may not be proper HTTP.

import type { Random } from "../../../src/demo/traffic/random.ts";
import { API_TOKEN, pairOf } from "../settings.ts";
import { request, type FuzzRequest } from "../types.ts";

/** A request that needs no answer, because it may not be proper HTTP. */
export function loose(fields: Partial<FuzzRequest>): FuzzRequest {
  return { ...request(fields), whole: false };
}

/** Mostly the right credentials, so that requests reach the code behind them. */
export function authorized(target: string, random: Random): { headers: FuzzRequest["headers"] } {
  if (random.chance(0.2)) return { headers: [] };
  const source = /\/webhooks\/(\w+)/.exec(target)?.[1] ?? "generic";
  const value = target.startsWith("/v1")
    ? `Bearer ${API_TOKEN}`
    : `Basic ${Buffer.from(pairOf(source)).toString("base64")}`;
  return { headers: [["authorization", value]] };
}

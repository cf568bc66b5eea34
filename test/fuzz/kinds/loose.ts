// What the requests have in common that may be no proper HTTP.

import type { Random } from "../../../src/demo/traffic/random.ts";
import { API_TOKEN, pairOf } from "../settings.ts";
import { request, type FuzzRequest } from "../types.ts";

/** Not held to an answer, for it may be no proper HTTP. */
export function loose(fields: Partial<FuzzRequest>): FuzzRequest {
  return { ...request(fields), whole: false };
}

/** Mostly the right credentials, so that what is behind them is reached. */
export function authorized(target: string, random: Random): { headers: FuzzRequest["headers"] } {
  if (random.chance(0.2)) return { headers: [] };
  const source = /\/webhooks\/(\w+)/.exec(target)?.[1] ?? "generic";
  const value = target.startsWith("/v1")
    ? `Bearer ${API_TOKEN}`
    : `Basic ${Buffer.from(pairOf(source)).toString("base64")}`;
  return { headers: [["authorization", value]] };
}

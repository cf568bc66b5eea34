// Parses a request of one of the demo's dialects without a server, for suites about what a report becomes.

import type { Dialect, SignedRequest } from "../../src/demo/traffic/types.ts";
import type { ParsedEvent } from "../../src/model/event.ts";
import { providers } from "../../src/providers/index.ts";

/** The first event of the request; undefined if it gives none. */
export function eventOf(
  { source, settings = {} }: Dialect,
  { method, path, headers, body }: SignedRequest,
): ParsedEvent | undefined {
  const named = settings["provider"];
  const delivery = {
    method,
    url: `https://edge.example${path}`,
    headers: new Headers(headers),
    body: new TextEncoder().encode(body ?? ""),
    receivedAt: 1.79e12,
    settings,
  };
  return providers[typeof named === "string" ? named : source]?.parse(delivery).events[0];
}

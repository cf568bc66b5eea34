// Senders that misuse their connection: they drip, stop in the middle, close one half or all of it, leave at the
// answer, or send the next request before the last answer.

import type { Random } from "../../../src/demo/traffic/random.ts";
import { draw } from "../draw.ts";
import type { FuzzRequest } from "../types.ts";

/** The request, sometimes with its body in chunks, sometimes sent by fetch. */
export function varied(made: FuzzRequest, random: Random): FuzzRequest {
  const drawn = random.next();
  if (drawn < 0.2 && isFetchable(made)) return { ...made, via: "fetch" };
  if (drawn < 0.35 && made.framing === "length" && made.method !== "GET") {
    return {
      ...made,
      framing: { chunk: random.between(Math.ceil(made.body.length / 200) || 1, 70_000), trailers: [] },
    };
  }
  return made;
}

/** Methods and texts that fetch sends unchanged. */
function isFetchable({ method, target, headers }: FuzzRequest): boolean {
  const plain = /^[\x20-\x7e]*$/;
  const own = /^(?:connection|content-length|expect|host|te|transfer-encoding|upgrade)$/i;
  return (
    /^(?:GET|HEAD|POST|PUT|DELETE)$/.test(method) &&
    /^\/[^/\\#]/.test(target) &&
    plain.test(target) &&
    headers.every(([name, value]) => plain.test(value) && /^[\w-]+$/.test(name) && !own.test(name))
  );
}

/** The request, sent in a way that strains the server. */
export function troubled(made: FuzzRequest, others: readonly FuzzRequest[], random: Random): FuzzRequest {
  const socket: FuzzRequest = { ...made, via: "socket" };
  const share = random.next();
  switch (random.between(0, 5)) {
    case 0: // still a whole request, only slower
      return {
        ...socket,
        kind: "slow",
        drip: { pieces: random.between(2, 12), pause: random.between(5, 120) },
      };
    case 1:
      return { ...socket, kind: "cut off", whole: false, cut: { share, end: "destroy" } };
    case 2:
      return { ...socket, kind: "cut off", whole: false, cut: { share, end: "half-close" } };
    case 3:
      return {
        ...socket,
        kind: "half-closed",
        whole: false,
        cut: { share: 1, end: draw(random, ["half-close", "destroy"]) },
      };
    case 4:
      return { ...socket, kind: "leaves", whole: false, leaves: true };
    default:
      // A server may close a connection after a refusal, and then does not answer the requests behind it.
      return {
        ...socket,
        kind: "pipelined",
        whole: false,
        pipeline: others.map((other) => ({ ...other, via: "socket" as const })),
      };
  }
}

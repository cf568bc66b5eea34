// Makes a failing request smaller as long as it still fails in the same way. It makes few tries, because each is a real
// request.

import type { FuzzRequest } from "./types.ts";

const MOST_TRIES = 60;

/** The smallest request found for which `fails` still holds. */
export async function shrink(
  request: FuzzRequest,
  fails: (request: FuzzRequest) => Promise<boolean>,
): Promise<FuzzRequest> {
  let smallest = request;
  let tries = 0;
  for (let smaller = true; smaller;) {
    smaller = false;
    for (const candidate of candidates(smallest)) {
      if (++tries > MOST_TRIES) return smallest;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      smaller = true;
      break;
    }
  }
  return smallest;
}

/** The reductions, the largest first. */
function* candidates(request: FuzzRequest): Generator<FuzzRequest> {
  const { body, headers, pipeline, drip, framing } = request;
  if (pipeline.length > 0) yield { ...request, pipeline: [] };
  if (drip !== null) yield { ...request, drip: null };
  if (typeof framing === "object") yield { ...request, framing: "length" };
  for (const index of headers.keys()) yield { ...request, headers: headers.toSpliced(index, 1) };
  for (let piece = body.length; piece >= Math.max(1, body.length / 16); piece = Math.floor(piece / 2)) {
    for (let at = 0; at < body.length; at += piece) {
      yield { ...request, body: Buffer.concat([body.subarray(0, at), body.subarray(at + piece)]) };
    }
  }
}

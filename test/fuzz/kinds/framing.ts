// False ends of bodies: lengths that are wrong, repeated or not numbers, and malformed chunks.

import type { Random } from "../../../src/demo/traffic/random.ts";
import { draw } from "../draw.ts";
import { PROVIDER_OF } from "../settings.ts";
import type { FuzzRequest } from "../types.ts";
import { authorized, loose } from "./loose.ts";

/** Gives the request a false body length. */
export function oddFraming(random: Random): FuzzRequest {
  const source = draw(random, [...PROVIDER_OF.keys()]);
  const target = `/webhooks/${source}`;
  const { headers } = authorized(target, random);
  const body = Buffer.from('{"event":"open","email":"framing@example.com"}');
  const trailers: [string, string][] = [
    ["x-trailer", "1"],
    ["content-length", "3"],
    ["authorization", "Basic x"],
  ];
  const lies = [
    "0",
    "1",
    "45",
    "47",
    "5000001",
    "-1",
    "+46",
    "0x2e",
    "4e1",
    "46, 46",
    "99999999999999999999",
    " ",
    "46;",
    "\xb2",
  ];
  switch (random.between(0, 4)) {
    case 0:
      headers.push(["content-length", draw(random, lies)]);
      break;
    case 1:
      headers.push(["content-length", "46"], ["content-length", draw(random, lies)]);
      break;
    case 2:
      headers.push([
        "transfer-encoding",
        draw(random, ["chunked", "gzip, chunked", "Chunked", "identity", "x", "chunked, chunked"]),
      ]);
      break;
    case 3:
      headers.push(["transfer-encoding", "chunked"], ["content-length", draw(random, lies)]);
      break;
    default:
      return loose({
        kind: "framing",
        method: "POST",
        target,
        headers,
        body,
        framing: { chunk: random.between(1, 20), trailers },
      });
  }
  const broken = draw(random, [
    body.toString(),
    "zz\r\nabc\r\n0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "5;a=b\r\nhello\r\n0\r\n\r\n",
    "0\r\n\r\n",
    "-1\r\n",
  ]);
  return loose({
    kind: "framing",
    method: "POST",
    target,
    headers,
    body: Buffer.from(broken),
    framing: "none",
  });
}

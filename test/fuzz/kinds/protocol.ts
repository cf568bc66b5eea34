// HTTP requests with wrong first lines: targets, methods, headers.

import type { Random } from "../../../src/demo/traffic/random.ts";
import { draw } from "../draw.ts";
import { ODD_HEADERS } from "../hostile-headers.ts";
import { randomBytes } from "../mutate-bytes.ts";
import { PROVIDER_OF } from "../settings.ts";
import type { FuzzRequest } from "../types.ts";
import { authorized, loose } from "./loose.ts";

const ROUTES: readonly string[] = [
  "/",
  "/healthz",
  "/webhooks",
  "/webhooks/",
  "/backup",
  "/backup/",
  "/backup/webhooks",
  "/v1",
  "/v1/",
  "/v1/events",
  "/v1/sources",
  "/webhooks/mailjet",
  "/backup/webhooks/generic",
  "/webhooks/jangomail/open",
  "/webhooks/nobody",
  "/favicon.ico",
  "/openapi.json",
  "/robots.txt",
  "/.env",
  "/webhooks/__proto__",
  "/webhooks/constructor",
  "/backup/backup/webhooks/mailjet",
  "/cdn-cgi/trace",
];

/** Parts of paths that servers and routers have interpreted differently. */
const PARTS: readonly string[] = [
  "%2e%2e",
  "%2f",
  "%5c",
  "%00",
  "%ff",
  "%",
  "%zz",
  "%c0%af",
  "%u002e",
  "..",
  ".",
  "//",
  "/./",
  "/../",
  "\\",
  "\\..\\",
  ";",
  ";a=b",
  "?",
  "??",
  "#",
  "#?a",
  "*",
  ":",
  "@",
  "[",
  "]",
  "|",
  "^",
  "{",
  "}",
  "~",
  "$",
  "&",
  "=",
  "+",
  ",",
  "'",
  '"',
  "<",
  ">",
  "`",
  "\xc3\xa9",
  "\xff",
  "\x7f",
  "%F0%9F%98%80",
  "%E2%80%AE",
  "a".repeat(3000),
  "/a".repeat(2000),
  "%41".repeat(800),
  "?a".repeat(500),
];

/** Targets that are not paths. */
const NO_PATHS: readonly string[] = [
  "*",
  "http://evil.example/webhooks/mailjet",
  "https://[::1/",
  "//evil.example/x",
  "evil.example:443",
  "",
  "?",
  "#",
  "/\t",
  "/ /",
  `/${"x".repeat(70_000)}`,
  `/webhooks/mailjet?${"a=b&".repeat(5000)}`,
  "http:///",
  "file:///etc/passwd",
  "/%",
  "\\\\x\\y",
  "/\x01",
];

/** A request with an odd path, or with a target that is not a path. */
export function oddPath(random: Random): FuzzRequest {
  if (random.chance(0.15)) return loose({ kind: "path", method: "GET", target: draw(random, NO_PATHS) });
  let target = draw(random, ROUTES);
  for (let left = random.between(1, 3); left > 0; left -= 1) {
    const at = random.between(1, target.length);
    target = target.slice(0, at) + draw(random, PARTS) + target.slice(at);
  }
  const method = draw(random, ["GET", "GET", "POST"]);
  const body = method === "POST" ? { body: Buffer.from("{}") } : {};
  return loose({ kind: "path", method, target, ...authorized(target, random), ...body });
}

/** Not CONNECT: Cloudflare's edge takes none, and the local runtime answers it by itself, with 500. */
const METHODS: readonly string[] = [
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "PATCH",
  "DELETE",
  "get",
  "post",
  "Post",
  "GETT",
  "PROPFIND",
  "PURGE",
  "QUERY",
  "X",
  "LINK",
  "M-SEARCH",
  "GET\t",
  "",
  "G\xcbT",
  "G".repeat(9000),
  "POST\0",
  "__proto__",
  "SUBSCRIBE",
  "DEBUG",
  "MOVE",
  "PRI",
];

/** A request with an odd method to an existing route. */
export function oddMethod(random: Random): FuzzRequest {
  const target = draw(random, [...ROUTES, ...[...PROVIDER_OF.keys()].map((source) => `/webhooks/${source}`)]);
  const body = random.chance(0.3) ? { body: Buffer.from('{"event":"open"}') } : {};
  return loose({
    kind: "method",
    method: draw(random, METHODS),
    target,
    ...authorized(target, random),
    ...body,
  });
}

/**
 * A proper delivery with odd headers: some of them are HTTP errors, so any answer is right except an error of our own.
 */
export function oddHeaders(random: Random): FuzzRequest {
  const source = draw(random, [...PROVIDER_OF.keys()]);
  const target = draw(random, [
    `/webhooks/${source}`,
    `/webhooks/${source}`,
    "/v1/events?limit=1",
    "/healthz",
  ]);
  const drawn = Array.from({ length: random.between(1, 4) }, () => draw(random, ODD_HEADERS));
  const headers = drawn
    .filter(([name], i) => name !== "host" || drawn.findIndex(([other]) => other === name) === i)
    .map(([name, value]): [string, string] => [random.chance(0.2) ? name.toUpperCase() : name, value]);
  // Each twice, but for the host: Cloudflare's edge takes no two, and the local runtime answers them by itself, with
  // 500.
  if (random.chance(0.2)) headers.push(...headers.filter(([name]) => name.toLowerCase() !== "host"));
  if (random.chance(0.1))
    headers.push(...Array.from({ length: 300 }, (_, i): [string, string] => [`x-${i}`, "v"]));
  if (random.chance(0.15)) headers.push(["x-garbage", randomBytes(random, 20).toString("latin1")]);
  if (random.chance(0.08))
    headers.push([draw(random, ["", " ", "a b", "x\xff", "a:b", "\0", "x\r\ny"]), "v"]);
  const { headers: own } = authorized(target, random);
  const isDelivery = target.startsWith("/webhooks");
  const body = isDelivery ? { body: Buffer.from('{"event":"open","email":"headers@example.com"}') } : {};
  return loose({
    kind: "headers",
    method: isDelivery ? "POST" : "GET",
    target,
    headers: [...own, ...headers],
    ...body,
  });
}

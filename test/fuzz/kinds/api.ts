// Calls of the API with hostile parameters and bodies, with and without the right token. No contact is erased whose
// events are counted in the end.

import type { Random } from "../../../src/demo/traffic/random.ts";
import { EVENT_TYPES } from "../../../src/model/event.ts";
import type { Names } from "../corpus.ts";
import { draw } from "../draw.ts";
import { MALFORMED_AUTHORIZATIONS } from "../hostile-headers.ts";
import { hostileText } from "../mutate-json.ts";
import { API_TOKEN } from "../settings.ts";
import { request, type FuzzRequest } from "../types.ts";

const PARAMETERS =
  "after limit order contact type source message_id since until token __proto__ constructor custom_id campaign reason scope destination held include from to bucket by tag a b metric human note".split(
    " ",
  );
const FIELDS =
  "addresses address note scope destination since until name scopes from to source apply after limit recount __proto__".split(
    " ",
  );
const ACCEPTED = ["*/*", "text/csv", "application/x-ndjson", "application/json;q=0, text/csv;q=0.1", "x", ""];
const VALUES: readonly string[] = [
  "",
  "0",
  "1",
  "1000",
  "1001",
  "-1",
  "1e3",
  "999999999999999",
  "9999999999999999",
  "01",
  "1.0",
  "٣",
  "asc",
  "desc",
  "ASC",
  "2026-01-01",
  "2026-01-01T00:00:00Z",
  "2026-02-30",
  "0000-01-01",
  "9999-12-31T23:59:59.999999999Z",
  "+010000-01-01",
  "2026-01-01T24:00:00Z",
  "2026-01-01T00:00:00+24:00",
  "2026-01-01T00:00:60Z",
  "null",
  "'",
  '"',
  "%",
  "%%",
  "_",
  "\0",
  "a@b",
  "ann@example.com",
  "mailjet",
  "unknown",
  "x".repeat(600),
  "😀",
  "\ud800".toWellFormed(),
  "~",
  "z".repeat(34),
  "0".repeat(34),
  "../",
  "%2e%2e",
  "[]",
  "[object Object]",
  "1 OR 1=1",
  ",,,",
  "a".repeat(3000),
];

const METHODS = ["HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"];

/** A request of /v1. */
export function apiCall(names: Names, random: Random): FuzzRequest {
  const authorized = random.chance(0.85);
  const authorization = authorized ? `Bearer ${API_TOKEN}` : draw(random, MALFORMED_AUTHORIZATIONS);
  const [usual, path] = callOf(names, random);
  const query = random.chance(0.6) ? `?${queryOf(names, random)}` : "";
  const method = random.chance(0.85) ? usual : draw(random, METHODS);
  const posts = method === "POST" || method === "PUT";
  const expect = authorized ? null : unauthorized(method);
  return request({
    kind: "api",
    method,
    target:
      (method === "DELETE" ? path.replace(/contacts\/[^/?]*/, "contacts/nobody@example.com") : path) + query,
    headers: [
      ["authorization", authorization],
      ["accept", draw(random, ACCEPTED)],
      ...(posts ? [["content-type", draw(random, TYPES)] as [string, string]] : []),
    ],
    body: Buffer.from(posts ? bodyOf(names, random) : ""),
    expect,
  });
}

/** The statuses of a call without a token. A HEAD is refused like a GET; OPTIONS tells the methods of a resource to all, and that there is none. */
export const unauthorized = (method: string): number[] => (method === "OPTIONS" ? [204, 401, 404] : [401]);

const TYPES = ["application/json", "application/json", "text/csv", "application/x-ndjson", "text/plain"];

/** The call's usual method, and its path. */
function callOf(names: Names, random: Random): [method: string, path: string] {
  const any = (known: readonly string[]): string =>
    encodeURIComponent(random.chance(0.7) && known.length > 0 ? draw(random, known) : word(random));
  const none = (): string => encodeURIComponent(word(random));
  const calls: (() => [string, string])[] = [
    () => ["GET", "/v1/events"],
    () => ["GET", `/v1/events/${any(names.events)}`],
    () => ["GET", `/v1/contacts/${any(names.contacts)}`],
    () => ["GET", `/v1/contacts/${any(names.contacts)}/timeline`],
    () => ["GET", `/v1/messages/${any(names.messages)}`],
    () => ["GET", "/v1/messages"],
    () => ["GET", "/v1/sources"],
    () => ["GET", "/v1/dead-letters"],
    // Ids of no existing dead letter: those that exist are checked, and discarded, once everything has come to rest.
    () => [
      random.chance(0.3) ? "POST" : "GET",
      `/v1/dead-letters/${none()}${random.chance(0.3) ? "/replay" : ""}`,
    ],
    () => ["GET", "/v1/suppressions"],
    () => [draw(random, ["GET", "PUT", "DELETE"]), `/v1/suppressions/${any(names.contacts)}`],
    () => [
      "POST",
      `/v1/suppressions/${draw(random, ["check", "import", "lift", "release", "drop", "undo"])}`,
    ],
    () => ["GET", `/v1/stats${draw(random, ["", "", "/compare"])}`],
    () => ["POST", "/v1/stats/recount"],
    () => ["POST", "/v1/history/renormalise"],
    () => [draw(random, ["GET", "POST"]), "/v1/tokens"],
    () => ["DELETE", `/v1/tokens/${none()}`],
    () => ["GET", `/v1/erasures/${none()}`],
    () => ["GET", `/v1/${none()}`],
  ];
  return draw(random, calls)();
}

/** A body with known fields, among them a list of addresses, or an unrelated value. */
function bodyOf(names: Names, random: Random): string {
  if (random.chance(0.15)) return word(random);
  if (random.chance(0.15)) return `address,reason,note\n${draw(random, names.contacts)},${word(random)},"\n`;
  const value = (name: string): unknown => {
    if (random.chance(0.2)) return draw(random, [null, true, 1e308, -1, [], {}, [[]], "", word(random)]);
    if (name === "addresses") return [draw(random, names.contacts), word(random)];
    if (name === "address") return draw(random, names.contacts);
    if (name === "scopes") return ["read"];
    if (name === "limit") return random.between(1, 60);
    if (name === "from" || name === "since") return "2026-11-01";
    if (name === "to" || name === "until") return "2026-12-01T00:00:00Z";
    return name === "apply" ? random.chance(0.5) : word(random);
  };
  const fields = Array.from({ length: random.between(0, 4) }, () => draw(random, FIELDS));
  return JSON.stringify(Object.fromEntries(fields.map((name) => [name, value(name)])));
}

function queryOf(names: Names, random: Random): string {
  const pairs = Array.from({ length: random.between(1, 4) }, () => {
    const name = draw(random, PARAMETERS);
    return [name, encodeURIComponent(valueOf(name, names, random))].join("=");
  });
  return random.chance(0.9) ? pairs.join("&") : `${pairs.join("&")}&%ff=%zz&&=&${"&".repeat(200)}`;
}

function valueOf(name: string, names: Names, random: Random): string {
  if (random.chance(0.4)) return word(random);
  if (name === "contact") return draw(random, names.contacts);
  if (name === "message_id") return draw(random, names.messages);
  if (name === "type") return draw(random, EVENT_TYPES);
  if (name === "limit") return String(random.between(1, 1000));
  if (name === "after") return String(random.between(0, 2000));
  return draw(random, VALUES);
}

function word(random: Random): string {
  return random.chance(0.7) ? draw(random, VALUES) : hostileText(random).slice(0, 2000).toWellFormed();
}

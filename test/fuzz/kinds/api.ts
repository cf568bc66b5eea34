// Reads of the API with hostile parameters, with the right token and without.

import type { Random } from "../../../src/local/traffic/random.ts";
import { EVENT_TYPES } from "../../../src/model/event.ts";
import type { Names } from "../corpus.ts";
import { draw } from "../draw.ts";
import { MALFORMED_AUTHORIZATIONS } from "../hostile-headers.ts";
import { hostileText } from "../mutate-json.ts";
import { API_TOKEN } from "../settings.ts";
import { request, type FuzzRequest } from "../types.ts";

const PARAMETERS =
  "after limit order contact type source message_id since until token __proto__ constructor".split(" ");
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

/** A request of /v1. */
export function apiCall(names: Names, random: Random): FuzzRequest {
  const authorized = random.chance(0.85);
  const authorization = authorized ? `Bearer ${API_TOKEN}` : draw(random, MALFORMED_AUTHORIZATIONS);
  const path = pathOf(names, random);
  const query = random.chance(0.6) ? `?${queryOf(names, random)}` : "";
  const drawn = random.next();
  const method = drawn < 0.85 ? "GET" : draw(random, ["HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"]);
  // A HEAD or OPTIONS without a token is refused like any other method.
  const expect = authorized ? null : [401];
  return request({
    kind: "api",
    method,
    target: path + query,
    headers: [["authorization", authorization]],
    expect,
  });
}

function pathOf(names: Names, random: Random): string {
  const any = (known: readonly string[]): string =>
    encodeURIComponent(random.chance(0.7) && known.length > 0 ? draw(random, known) : word(random));
  switch (random.between(0, 8)) {
    case 0:
      return "/v1/events";
    case 1:
      return `/v1/events/${any(names.events)}`;
    case 2:
      return `/v1/contacts/${any(names.contacts)}`;
    case 3:
      return `/v1/contacts/${any(names.contacts)}/timeline`;
    case 4:
      return `/v1/messages/${any(names.messages)}`;
    case 5:
      return "/v1/sources";
    case 6:
      return "/v1/dead-letters";
    case 7:
      // Names of none that is there: those are looked at, and discarded, once all has come to rest.
      return `/v1/dead-letters/${encodeURIComponent(word(random))}${random.chance(0.3) ? "/replay" : ""}`;
    default:
      return `/v1/${encodeURIComponent(word(random))}`;
  }
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

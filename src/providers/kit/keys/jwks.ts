// Public RSA keys as JSON Web Keys (RFC 7517), the form in which servers publish them at a URL. Only the key itself is
// read: what its owner writes about its use ("alg", "use") may contradict the signatures that it really makes.

import { LONGEST, text } from "../fields.ts";
import { isObject, readJsonText } from "../json.ts";

/** A key and its id; null if it has none. */
export interface RsaKey {
  kid: string | null;
  jwk: { kty: "RSA"; n: string; e: string };
}

/** The most keys of one set that are read, more than a rotation of keys needs. */
const MOST_KEYS = 8;

/**
 * The RSA keys in a credential that is a JSON document: a set of keys (`{ "keys": [...] }`), or one key. Null if the
 * credential is no JSON object; an empty list if it contains no RSA key.
 */
export function readRsaKeys(credential: string): RsaKey[] | null {
  if (!credential.trimStart().startsWith("{")) return null;
  const json = readJsonText(credential);
  if (!json.ok || !isObject(json.value)) return [];
  const items: unknown[] = Array.isArray(json.value["keys"]) ? json.value["keys"] : [json.value];
  return items.slice(0, MOST_KEYS).flatMap((item) => {
    if (!isObject(item) || item["kty"] !== "RSA") return [];
    const [n, e] = [text(item["n"], LONGEST.words), text(item["e"])];
    return n === null || e === null ? [] : [{ kid: text(item["kid"]), jwk: { kty: "RSA" as const, n, e } }];
  });
}

/** The keys that may have made a signature: those with the id that it names, else all of them. */
export function keysById(keys: readonly RsaKey[], kid: string | null): readonly RsaKey[] {
  const named = keys.filter((key) => kid !== null && key.kid === kid);
  return named.length > 0 ? named : keys;
}

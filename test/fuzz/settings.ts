// The fuzz's own sources and credentials: every provider is open, by a shared secret where it takes one, and the keys
// of its fixtures are there, too, so that signatures are really checked. Everybody can read the secrets here; they open
// nothing but the fuzz, and they all hold one word, so that one search finds a secret where none may be.

import { providers } from "../../src/providers/index.ts";
import { verifyCases } from "./corpus.ts";

/** Stands in every secret of the fuzz. */
export const SECRET_WORD = "swordfish";

export const API_TOKEN = `${SECRET_WORD}-reader`;
/** Providers that take nothing but signed posts. */
export const LETTERMINT_KEY = `${SECRET_WORD}-lettermint`;
export const UNISENDER_KEY = `${SECRET_WORD}-unisender`;

/** Signs and seals; both show the word as base64 has it. */
const KEY = Buffer.from(`fuzz:${SECRET_WORD}`.padEnd(32, "."));
export const SIGNING_SECRET = `whsec_${KEY.toString("base64")}`;

/** `user:password` of a source. */
export const pairOf = (source: string): string => `fuzz:${SECRET_WORD}-${source}`;

/** Sources whose name is not their provider's: what settings can change. */
const SOURCES: Readonly<Record<string, { provider: string } & Record<string, unknown>>> = {
  observed: { provider: "mailjet", ip_policy: "observe", ips: ["203.0.113.0/24", "2001:db8::/32"] },
  fenced: { provider: "generic", ip_policy: "enforce", ips: ["203.0.113.0/24", "2001:db8::/32"] },
  chosen: { provider: "jangomail", parameters: { contact: "rcpt", message_id: "tid", occurred_at: "when" } },
  headered: { provider: "postmark", secret_header: "x-fuzz-secret" },
};

/** Source -> the provider whose dialect it speaks. */
export const PROVIDER_OF: ReadonlyMap<string, string> = new Map([
  ...Object.keys(providers).map((id): [string, string] => [id, id]),
  ...Object.entries(SOURCES).map(([name, { provider }]): [string, string] => [name, provider]),
]);

const MOST_KEYS = 5;

function credentialsOf(source: string, provider: string): string[] {
  if (source === "lettermint") return [LETTERMINT_KEY];
  if (source === "unisender") return [UNISENDER_KEY];
  const keys = verifyCases(provider).flatMap(({ accepted, credentials }) => (accepted ? credentials : []));
  return [pairOf(source), ...[...new Set(keys)].filter((key) => key.trim() !== "").slice(0, MOST_KEYS)];
}

/** In the form of .dev.vars. */
export function variables(): string {
  const credentials = [...PROVIDER_OF].map(([source, provider]) => [source, credentialsOf(source, provider)]);
  return [
    `SOURCE_CREDENTIALS='${JSON.stringify(Object.fromEntries(credentials)).replaceAll("'", String.raw`\u0027`)}'`,
    `API_TOKENS=${JSON.stringify({ fuzz: API_TOKEN })}`,
    `PIPE_KEYS=${JSON.stringify({ fuzz: KEY.toString("base64") })}`,
    `SOURCES=${JSON.stringify(SOURCES)}`,
    "",
  ].join("\n");
}

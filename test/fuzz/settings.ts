// The fuzz's own sources and credentials: every provider has a shared secret if it accepts one, and the keys of its
// fixtures, so that signatures are really checked. The secrets are public and open only the fuzz. All contain one word,
// so that one search finds any leaked secret.

import { usableCredentials } from "../../src/config/weak-secrets.ts";
import { providers } from "../../src/providers/index.ts";
import { verifyCases } from "./corpus.ts";

/** A word that every secret of the fuzz contains. */
export const SECRET_WORD = "swordfish";

export const API_TOKEN = `${SECRET_WORD}-reader`;
/** Providers that accept only signed requests. */
export const LETTERMINT_KEY = `${SECRET_WORD}-lettermint`;
export const UNISENDER_KEY = `${SECRET_WORD}-unisender`;

/** Keys for signing and for encryption; both contain the word in base64. */
const KEY = Buffer.from(`fuzz:${SECRET_WORD}`.padEnd(32, "."));
export const SIGNING_SECRET = `whsec_${KEY.toString("base64")}`;

/** `user:password` of a source. */
export const pairOf = (source: string): string => `fuzz:${SECRET_WORD}-for-${source}`;

/** Sources with other names than their provider's, to try what settings can change. */
const SOURCES: Readonly<Record<string, { provider: string } & Record<string, unknown>>> = {
  observed: { provider: "mailjet", ip_policy: "observe", ips: ["203.0.113.0/24", "2001:db8::/32"] },
  fenced: { provider: "generic", ip_policy: "enforce", ips: ["203.0.113.0/24", "2001:db8::/32"] },
  chosen: { provider: "jangomail", parameters: { contact: "rcpt", message_id: "tid", occurred_at: "when" } },
  headered: { provider: "postmark", secret_header: "x-fuzz-secret" },
};

/** Source -> the provider whose format it uses. */
export const PROVIDER_OF: ReadonlyMap<string, string> = new Map([
  ...Object.keys(providers).map((id): [string, string] => [id, id]),
  ...Object.entries(SOURCES).map(([name, { provider }]): [string, string] => [name, provider]),
]);

const MOST_KEYS = 5;

function credentialsOf(source: string, provider: string): string[] {
  if (source === "lettermint") return [LETTERMINT_KEY];
  if (source === "unisender") return [UNISENDER_KEY];
  const keys = verifyCases(provider).flatMap(({ accepted, credentials }) => (accepted ? credentials : []));
  const sound = [...new Set(keys)].filter((key) => isSound(provider, key));
  return [pairOf(source), ...sound.slice(0, MOST_KEYS)];
}

/** Whether the configuration finds nothing wrong with a credential; short ones would be its problems. */
function isSound(id: string, credential: string): boolean {
  const provider = providers[id];
  let isFaulty = provider === undefined;
  if (provider !== undefined) usableCredentials("", provider, [credential], () => (isFaulty = true));
  return !isFaulty;
}

/** The settings in the form of .dev.vars. */
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

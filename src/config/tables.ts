// The checks of the settings, one for each. They also decide which of several mistakes are reported.

import { sha256Hex } from "../lib/sha256.ts";
import { LEAST_DAYS } from "../model/retention.ts";
import { TOKEN_SCOPES, type TokenScope } from "../model/token-scope.ts";
import {
  byDefault,
  filledText,
  listOf,
  oneOf,
  openTable,
  optional,
  someOf,
  sound,
  table,
  text,
  wholeNumber,
  wrong,
  type Check,
  type Checked,
} from "./checks.ts";

/** Checks a table of SOURCES. Its other fields belong to the provider. */
export const sourceTable = openTable({
  provider: optional(text()),
  ip_policy: byDefault(oneOf(["off", "observe", "enforce"], 'must be "off", "observe" or "enforce"'), "off"),
  ips: byDefault(listOf(text(), "must be a list of addresses and CIDR ranges"), []),
});

const CREDENTIALS = "must be a text or a list of texts";
const credential = filledText(CREDENTIALS);
const credentialList = someOf(credential, CREDENTIALS);

/** Checks a value of SOURCE_CREDENTIALS: one credential or a list of them. */
export const credentials: Check<string[]> = (value) => {
  if (!Array.isArray(value)) {
    const one = credential(value);
    return one.ok ? sound([one.value]) : one;
  }
  const list = credentialList(value);
  // If one of them is not a text, the first mistake is enough.
  return list.ok || !list.issues.some(({ alien }) => alien)
    ? list
    : { ok: false, issues: list.issues.slice(0, 1) };
};

/** The SHA-256 of a token, hexadecimal. Tokens are stored and looked up by it. */
export const digestOf = sha256Hex;

const TOKEN = "must be a text";
const plainToken = filledText(TOKEN);
const scopes = byDefault<TokenScope[]>(
  someOf(oneOf(TOKEN_SCOPES, `must be of ${TOKEN_SCOPES.join(", ")}`), "must be a list of scopes"),
  ["admin"],
);
const digest: Check<string> = (value) => {
  const given = text()(value);
  if (!given.ok) return given;
  const digits = /^[0-9a-f]{64}$/i.test(given.value);
  return digits ? sound(given.value.toLowerCase()) : wrong("must be 64 hexadecimal digits", { alien: false });
};
const expiry: Check<number> = (value) => {
  const at = typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at)
    ? wrong("must be an ISO 8601 time such as 2027-01-01T00:00:00Z", { alien: false })
    : sound(at);
};
const limits = {
  sources: optional(someOf(text(), "must be a list of sources")),
  expires_at: optional(expiry),
};
const tokenTable = table({ token: plainToken, scopes, ...limits });
const digestTable = table({ sha256: digest, scopes, ...limits });

/** A checked value of API_TOKENS. `sha256`: of the token, in lower-case hexadecimal. */
export interface TokenSetting {
  sha256: string;
  scopes: TokenScope[];
  /** The sources that it sees; null for all. */
  sources: string[] | null;
  /** When it ends, ms; null if it does not. */
  expiresAt: number | null;
}

/**
 * Checks a value of API_TOKENS: a token, or a table with a token or its SHA-256, its scopes (by default admin), the
 * sources that it is limited to, and when it ends.
 */
export const token: Check<TokenSetting> = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const plain = plainToken(value);
    return plain.ok
      ? sound({ sha256: digestOf(plain.value), scopes: ["admin"], sources: null, expiresAt: null })
      : plain;
  }
  const whole = tokenTable(value);
  if (whole.ok) return settingOf({ ...whole.value, sha256: digestOf(whole.value.token) });
  const digested = digestTable(value);
  if (digested.ok) return settingOf(digested.value);
  // Which mistake to report depends on the table that was meant: one with a token that is sound, or one with a digest.
  const isWhole = whole.issues.every(({ path }) => path.length === 0);
  const isDigested = !digested.issues.some(({ alien }) => alien);
  if (isWhole !== isDigested) return isWhole ? whole : digested;
  const first = [...whole.issues, ...digested.issues].find(({ path }) => path.length > 0);
  return first === undefined ? wrong(TOKEN, { alien: true }) : { ok: false, issues: [first] };
};

function settingOf({
  sha256,
  scopes: allowed,
  sources,
  expires_at,
}: ValueOf<typeof digestTable>): Checked<TokenSetting> {
  if (sources !== undefined && allowed.includes("admin")) {
    const message = "must be read or write for a token with sources, because admin is about all of them";
    return { ok: false, issues: [{ path: ["scopes"], message, alien: false }] };
  }
  return sound({ sha256, scopes: allowed, sources: sources ?? null, expiresAt: expires_at ?? null });
}

const days = optional(
  wholeNumber(
    "must be a whole number of days",
    LEAST_DAYS,
    `must be at least ${LEAST_DAYS}, for repeats may come that late; leave it out to keep all`,
  ),
);

/** Checks RETENTION. */
export const retentionTable = table({ events_days: days, archive_days: days });

/** Checks a value of PIPE_KEYS, and returns the key's 32 bytes. */
export const pipeKey: Check<Uint8Array> = (value) => {
  const given = text("must be a text")(value);
  if (!given.ok) return given;
  const bytes = Buffer.from(given.value, "base64");
  return bytes.length === 32 ? sound(bytes) : wrong("must be 32 bytes in base64", { alien: false });
};

/** The type of a check's values. */
export type ValueOf<C> = C extends (value: unknown) => Checked<infer T> ? T : never;

// What the settings may hold, one check each, and which of several mistakes a person is told.

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

/** A table of SOURCES. What else it holds is the provider's. */
export const sourceTable = openTable({
  provider: optional(text()),
  ip_policy: byDefault(oneOf(["off", "observe", "enforce"], 'must be "off", "observe" or "enforce"'), "off"),
  ips: byDefault(listOf(text(), "must be a list of addresses and CIDR ranges"), []),
});

const CREDENTIALS = "must be a text or a list of texts";
const credential = filledText(CREDENTIALS);
const credentialList = someOf(credential, CREDENTIALS);

/** A value of SOURCE_CREDENTIALS: one, or a list of them. */
export const credentials: Check<string[]> = (value) => {
  if (!Array.isArray(value)) {
    const one = credential(value);
    return one.ok ? sound([one.value]) : one;
  }
  const list = credentialList(value);
  // Where one of them is no text, the first mistake is enough.
  return list.ok || !list.issues.some(({ alien }) => alien)
    ? list
    : { ok: false, issues: list.issues.slice(0, 1) };
};

/** SHA-256 of a token, hexadecimal: what it is known by. */
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
const tokenTable = table({ token: plainToken, scopes });
const digestTable = table({ sha256: digest, scopes });

export interface TokenSetting {
  sha256: string;
  scopes: TokenScope[];
}

/** A value of API_TOKENS: the token, or a table of it or of its digest, with its scopes. */
export const token: Check<TokenSetting> = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const plain = plainToken(value);
    return plain.ok ? sound({ sha256: digestOf(plain.value), scopes: ["admin"] }) : plain;
  }
  const whole = tokenTable(value);
  if (whole.ok) return sound({ sha256: digestOf(whole.value.token), scopes: whole.value.scopes });
  const digested = digestTable(value);
  if (digested.ok) return digested;
  // Which of the two tables it was meant to be tells what is wrong with it: one whose token is fine, or one that has a digest.
  const isWhole = whole.issues.every(({ path }) => path.length === 0);
  const isDigested = !digested.issues.some(({ alien }) => alien);
  if (isWhole !== isDigested) return isWhole ? whole : digested;
  const first = [...whole.issues, ...digested.issues].find(({ path }) => path.length > 0);
  return first === undefined ? wrong(TOKEN, { alien: true }) : { ok: false, issues: [first] };
};

const days = optional(
  wholeNumber(
    "must be a whole number of days",
    LEAST_DAYS,
    `must be at least ${LEAST_DAYS}, for repeats may come that late; leave it out to keep all`,
  ),
);

/** RETENTION. */
export const retentionTable = table({ events_days: days, archive_days: days });

/** A value of PIPE_KEYS: the key's bytes. */
export const pipeKey: Check<Uint8Array> = (value) => {
  const given = text("must be a text")(value);
  if (!given.ok) return given;
  const bytes = Buffer.from(given.value, "base64");
  return bytes.length === 32 ? sound(bytes) : wrong("must be 32 bytes in base64", { alien: false });
};

/** What a check of a table gives. */
export type ValueOf<C> = C extends (value: unknown) => Checked<infer T> ? T : never;

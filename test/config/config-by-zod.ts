// The configuration's former parser, which used zod. The hand-written checks in src/config/ must give the same results.

import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";
import * as z from "zod";
import type { Config, ConfiguredToken, Problem, Source } from "../../src/config/config.ts";
import type { Report } from "../../src/config/report.ts";
import { usableCredentials } from "../../src/config/weak-secrets.ts";
import { KEEP_ALL, LEAST_DAYS, type Retention } from "../../src/model/retention.ts";
import {
  DEFAULT_POLICY,
  DEFAULT_STORM,
  EVENT_REASONS,
  type Policies,
  type StormPolicy,
  type SuppressionPolicy,
} from "../../src/model/suppression/policy.ts";
import { TOKEN_SCOPES, type TokenScope } from "../../src/model/token-scope.ts";
import { nearestOf } from "../../src/lib/nearest.ts";
import { providers } from "../../src/providers/index.ts";

type RawEnv = Readonly<Record<string, unknown>>;

/** Reads the configuration from an environment by zod. */
export function readConfigByZod(env: RawEnv): Config {
  const problems: Problem[] = [];
  const report: Report = (setting, reason) => problems.push({ setting, reason });
  const tables = readMap(env, "SOURCES", SourceTable, report);
  const credentials = readMap(env, "SOURCE_CREDENTIALS", Credentials, report);
  const names = new Set([...tables.keys(), ...credentials.keys(), ...Object.keys(providers)]);
  const sources = new Map<string, Source>();
  for (const name of names) sources.set(name, readSource(name, tables, credentials, report));
  const tokens = new Map<string, ConfiguredToken>();
  for (const [name, token] of readMap(env, "API_TOKENS", Token, report))
    if (token !== null)
      tokens.set(token.sha256, { name, scopes: token.scopes, sources: null, expiresAt: null });
  const general =
    env["SUPPRESSION"] === undefined ? {} : readObject(env["SUPPRESSION"], "SUPPRESSION", report);
  const settings = new Map([...tables].map(([name, table]) => [name, table?.["suppression"]]));
  const policies = readPolicies(general, settings, report);
  const [storm, retention] = [readStorm(general), readRetention(env, report)];
  const pipeKeys = readKeys(env, report);
  return {
    sources,
    tokens,
    policies,
    storm,
    retention,
    storage: { limit: 10_000_000_000, shards: 1 },
    jurisdiction: "none",
    origins: new Set(),
    pipeKeys,
    problems,
  };
}

const SourceTable = z.looseObject({
  provider: z.string().optional(),
  ip_policy: z.enum(["off", "observe", "enforce"], 'must be "off", "observe" or "enforce"').default("off"),
  ips: z.array(z.string(), "must be a list of addresses and CIDR ranges").default([]),
});
const Credential = z.string("must be a text or a list of texts").trim().min(1, "must not be empty");
const Credentials = z.union([
  Credential.transform((one) => [one]),
  z.array(Credential, "must be a text or a list of texts").min(1, "must not be empty"),
]);
const digestOf = (token: string): string => createHash("sha256").update(token).digest("hex");
const ALL_SCOPES = z
  .array(z.enum(TOKEN_SCOPES, `must be of ${TOKEN_SCOPES.join(", ")}`), "must be a list of scopes")
  .min(1, "must not be empty")
  .default(["admin"]);
const Plain = z.string("must be a text").trim().min(1, "must not be empty");
const Token = z.union([
  Plain.transform((token) => ({ sha256: digestOf(token), scopes: ["admin"] as TokenScope[] })),
  z
    .strictObject({ token: Plain, scopes: ALL_SCOPES })
    .transform(({ token, scopes }) => ({ sha256: digestOf(token), scopes })),
  z.strictObject({
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, "must be 64 hexadecimal digits")
      .toLowerCase(),
    scopes: ALL_SCOPES,
  }),
]);

/**
 * A JSON object (or its text) whose values are checked one by one; a bad value becomes null, a bad object an empty map.
 */
function readMap<S extends z.ZodType>(
  env: RawEnv,
  setting: string,
  schema: S,
  report: Report,
): Map<string, z.output<S> | null> {
  const map = new Map<string, z.output<S> | null>();
  for (const [name, value] of Object.entries(readObject(env[setting], setting, report))) {
    const parsed = schema.safeParse(value);
    for (const issue of parsed.success ? [] : firstIssues(parsed.error)) {
      report([setting, name, ...issue.path].join("."), issue.message);
    }
    map.set(name, parsed.success ? parsed.data : null);
  }
  return map;
}

/** The issues that a person can act on: those inside a union's branches, not "Invalid input". */
function firstIssues(error: z.ZodError): { path: PropertyKey[]; message: string }[] {
  return error.issues.slice(0, 20).map((issue) => {
    const inner =
      issue.code === "invalid_union" ? issue.errors.flat().find((one) => one.path.length > 0) : undefined;
    const other = issue.code === "invalid_union" ? issue.errors.flat()[0] : undefined;
    const told = inner ?? other ?? issue;
    return { path: [...issue.path, ...(told === issue ? [] : told.path)], message: told.message };
  });
}

function readObject(value: unknown, setting: string, report: Report): Record<string, unknown> {
  const empty = value === undefined || value === "";
  const parsed = typeof value === "string" && !empty ? fromJson(value) : value;
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  if (!empty) report(setting, parsed === undefined ? "is not JSON" : "must be a JSON object");
  else if (setting !== "SOURCES") report(setting, "is not set");
  return {};
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readSource(
  name: string,
  tables: ReadonlyMap<string, z.output<typeof SourceTable> | null>,
  credentials: ReadonlyMap<string, string[] | null>,
  report: Report,
): Source {
  const configured = tables.has(name);
  const table = tables.get(name) ?? null;
  const providerId = table?.provider ?? name;
  const provider = Object.hasOwn(providers, providerId) ? (providers[providerId] ?? null) : null;
  if (provider === null && (table !== null || !configured)) {
    const known = Object.keys(providers);
    const meant = nearestOf(providerId, configured ? known : [...tables.keys(), ...known]);
    const hint = meant === null ? "" : `did you mean ${meant}? `;
    const setting = configured ? `SOURCES.${name}.provider` : `SOURCE_CREDENTIALS.${name}`;
    report(
      setting,
      `${configured ? "unknown provider" : "no source or provider of this name"}; ${hint}known: ${known.join(", ")}`,
    );
  }
  const named = /^[\w.-]{1,64}$/.test(name);
  if (!named) report(`SOURCES.${name}`, "a source's name is letters, digits, dots, dashes, at most 64");
  const ips = readRanges(`SOURCES.${name}.ips`, table?.ips ?? [], report);
  const policy = table?.ip_policy ?? "off";
  if (policy !== "off" && table?.ips.length === 0)
    report(`SOURCES.${name}.ips`, `is empty, and ip_policy is ${policy}`);
  const sound = named && ips !== null && (table !== null || !configured);
  return {
    name,
    provider,
    credentials:
      sound && provider !== null
        ? usableCredentials(`SOURCE_CREDENTIALS.${name}`, provider, credentials.get(name) ?? [], report)
        : [],
    ipPolicy: policy,
    includes: (address) => ips !== null && isWithin(address, ips),
    handles: null,
    settings: table ?? {},
  };
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** The IP ranges of a list; null if one of them is malformed. */
function readRanges(setting: string, texts: readonly string[], report: Report): Range[] | null {
  const ranges: Range[] = [];
  for (const [index, text] of texts.entries()) {
    const range = readRange(text);
    if (range === null) report(`${setting}.${index}`, "is neither an IP address nor a CIDR range");
    else ranges.push(range);
  }
  return ranges.length === texts.length ? ranges : null;
}

function readRange(text: string): Range | null {
  const [address = "", bits, rest] = text.split("/");
  if (rest !== undefined || !(ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address)))
    return null;
  if (bits !== undefined) return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : null;
  const parsed = ipaddr.parse(address);
  return [parsed, parsed.kind() === "ipv4" ? 32 : 128];
}

function isWithin(text: string, ranges: readonly Range[]): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text); // an IPv4 address in IPv6 clothes counts as IPv4
  return ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
}

const days = z
  .int("must be a whole number of days")
  .min(
    LEAST_DAYS,
    `must be at least ${LEAST_DAYS}, for repeats may come that late; leave it out to keep all`,
  );
const RetentionTable = z.strictObject({ events_days: days.optional(), archive_days: days.optional() });

/** A mistake keeps everything, because deleted data does not come back. */
function readRetention(env: RawEnv, report: Report): Retention {
  const table = env["RETENTION"] === undefined ? {} : readObject(env["RETENTION"], "RETENTION", report);
  const parsed = RetentionTable.safeParse(table);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) report(["RETENTION", ...issue.path].join("."), issue.message);
    return KEEP_ALL;
  }
  const { events_days, archive_days } = parsed.data;
  return { eventsDays: events_days ?? null, archiveDays: archive_days ?? null };
}

const Key = z
  .string("must be a text")
  .refine((text) => Buffer.from(text, "base64").length === 32, "must be 32 bytes in base64");

/** PIPE_KEYS: name -> 32 bytes in base64. Without it, pipes can store no secrets. */
function readKeys(env: RawEnv, report: Report): Map<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  if (env["PIPE_KEYS"] === undefined) return keys;
  for (const [name, text] of readMap(env, "PIPE_KEYS", Key, report)) {
    if (!/^[\w-]{1,64}$/.test(name))
      report("PIPE_KEYS", "a key's name is letters, digits, dashes, at most 64");
    else if (text !== null) keys.set(name, Buffer.from(text, "base64"));
  }
  return keys;
}

const whole = z.int("must be a whole number").min(1, "must be at least 1");
const REASONS = `must be of ${EVENT_REASONS.join(", ")}`;
const fields = {
  soft_bounces: whole.optional(),
  soft_bounce_days: whole.optional(),
  soft_bounce_window_days: whole.optional(),
  reasons: z.array(z.enum(EVENT_REASONS, REASONS), "must be a list of reasons").optional(),
  scope: z.enum(["global", "list"], 'must be "global" or "list"').optional(),
};
const OfSource = z.strictObject(fields, "must be a table");
const SHARE = "must be a number from 0 to 1";
const General = z.strictObject({
  ...fields,
  storm_share: z.number(SHARE).min(0, SHARE).max(1, SHARE).optional(),
  storm_outcomes: whole.optional(),
});

/** The policies of all sources. `general`: SUPPRESSION; `bySource`: each source's `suppression`, undefined for none. */
function readPolicies(general: unknown, bySource: ReadonlyMap<string, unknown>, report: Report): Policies {
  const base = policyOf(checked(General, general, "SUPPRESSION", report), DEFAULT_POLICY);
  const own = new Map<string, SuppressionPolicy>();
  for (const [name, table] of bySource) {
    if (table === undefined) continue;
    own.set(name, policyOf(checked(OfSource, table, `SOURCES.${name}.suppression`, report), base));
  }
  const windows = [base, ...own.values()].map(({ softBounceWindowDays }) => softBounceWindowDays);
  return { of: (source) => own.get(source) ?? base, longestWindowDays: Math.max(...windows) };
}

/** When a destination counts as refusing nearly all mail. {@link readPolicies} reports the mistakes. */
function readStorm(general: unknown): StormPolicy {
  const table = General.safeParse(general).data ?? {};
  return {
    share: table.storm_share ?? DEFAULT_STORM.share,
    outcomes: table.storm_outcomes ?? DEFAULT_STORM.outcomes,
  };
}

function checked<S extends z.ZodType>(
  schema: S,
  table: unknown,
  setting: string,
  report: Report,
): z.output<S> | null {
  const parsed = schema.safeParse(table);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) report([setting, ...path].join("."), message);
  return null;
}

function policyOf(table: z.output<typeof OfSource> | null, base: SuppressionPolicy): SuppressionPolicy {
  return {
    softBounces: table?.soft_bounces ?? base.softBounces,
    softBounceDays: table?.soft_bounce_days ?? base.softBounceDays,
    softBounceWindowDays: table?.soft_bounce_window_days ?? base.softBounceWindowDays,
    reasons: table?.reasons ?? base.reasons,
    scope: table?.scope ?? base.scope,
  };
}

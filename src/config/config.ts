// The environment, checked once, as a total Config: whatever is wrong is a named problem that closes what it touches and
// nothing else. No problem's text holds a value, because values here are secrets.

import ipaddr from "ipaddr.js";
import type { Policies, StormPolicy } from "../model/suppression/policy.ts";
import type { TokenScope } from "../model/token-scope.ts";
import type { Check } from "./checks.ts";
import type { Report } from "./report.ts";
import { readPolicies, readStorm } from "./suppression.ts";
import { credentials, pipeKey, retentionTable, sourceTable, token, type ValueOf } from "./tables.ts";
import { KEEP_ALL, type Retention } from "../model/retention.ts";
import { providerNamed, providers, type Provider } from "../providers/index.ts";
import { originalOf } from "../store/outages.ts";

export interface Problem {
  /** The setting's path, e.g. `SOURCES.eu-newsletter.ips[1]`. */
  setting: string;
  reason: string;
}

export type IpPolicy = "off" | "observe" | "enforce";

/** One configured inbound endpoint. */
export interface Source {
  name: string;
  /** Null where the configuration names none that exists: then the source is closed. */
  provider: Provider | null;
  /** Empty closes the source. */
  credentials: readonly string[];
  ipPolicy: IpPolicy;
  /** Whether an address is in the source's list. */
  includes(address: string): boolean;
  /** Everything that the source's table holds, for the provider to read. */
  settings: Record<string, unknown>;
}

export interface Config {
  sources: ReadonlyMap<string, Source>;
  /** SHA-256 (hexadecimal) of a token of /v1 -> who holds it. */
  tokens: ReadonlyMap<string, ConfiguredToken>;
  /** What suppresses a contact, by source. */
  policies: Policies;
  storm: StormPolicy;
  retention: Retention;
  /** Keys that seal the secrets of pipes, see src/pipes/sealed.ts. */
  pipeKeys: ReadonlyMap<string, Uint8Array>;
  problems: readonly Problem[];
}

export interface ConfiguredToken {
  name: string;
  scopes: readonly TokenScope[];
}

type RawEnv = Readonly<Record<string, unknown>>;

const cache = new WeakMap<object, Config>();

/** The Config of an environment: parsed at the first call, then the same object. Problems are logged then, once. */
export function configOf(env: object): Config {
  const original = originalOf(env);
  const known = cache.get(original);
  if (known !== undefined) return known;
  const config = readConfig({ ...original });
  cache.set(original, config);
  if (config.problems.length > 0) {
    console.error({ message: "the configuration has problems", problems: config.problems });
  }
  return config;
}

/** What a source's table holds for its provider to read; nothing for a source that is not configured. */
export function settingsOf(config: Config, source: string): Record<string, unknown> {
  return config.sources.get(source)?.settings ?? {};
}

/** What an environment says, and what is wrong with it, parsed anew. */
export function readConfig(env: RawEnv): Config {
  const problems: Problem[] = [];
  const report: Report = (setting, reason) => problems.push({ setting, reason });
  const tables = readMap(env, "SOURCES", sourceTable, report);
  const secrets = readMap(env, "SOURCE_CREDENTIALS", credentials, report);
  const names = new Set([...tables.keys(), ...secrets.keys(), ...Object.keys(providers)]);
  const sources = new Map<string, Source>();
  for (const name of names) sources.set(name, readSource(name, tables, secrets, report));
  const tokens = new Map<string, ConfiguredToken>();
  for (const [name, one] of readMap(env, "API_TOKENS", token, report))
    if (one !== null) tokens.set(one.sha256, { name, scopes: one.scopes });
  const general =
    env["SUPPRESSION"] === undefined ? {} : readObject(env["SUPPRESSION"], "SUPPRESSION", report);
  const settings = new Map([...tables].map(([name, table]) => [name, table?.["suppression"]]));
  const policies = readPolicies(general, settings, report);
  const [storm, retention] = [readStorm(general), readRetention(env, report)];
  const pipeKeys = readKeys(env, report);
  return { sources, tokens, policies, storm, retention, pipeKeys, problems };
}

/** Mistakes that are told of one value. */
const MOST_ISSUES = 3;

/** A JSON object (or its text) whose values are each checked alone; a bad value is null, a bad whole an empty map. */
function readMap<T>(env: RawEnv, setting: string, check: Check<T>, report: Report): Map<string, T | null> {
  const map = new Map<string, T | null>();
  for (const [name, value] of Object.entries(readObject(env[setting], setting, report))) {
    const checked = check(value);
    for (const issue of checked.ok ? [] : checked.issues.slice(0, MOST_ISSUES))
      report([setting, name, ...issue.path].join("."), issue.message);
    map.set(name, checked.ok ? checked.value : null);
  }
  return map;
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
  tables: ReadonlyMap<string, ValueOf<typeof sourceTable> | null>,
  secrets: ReadonlyMap<string, string[] | null>,
  report: Report,
): Source {
  const configured = tables.has(name);
  const table = tables.get(name) ?? null;
  const providerId = table?.provider ?? name;
  const provider = providerNamed(providerId) ?? null;
  if (provider === null && (table !== null || !configured)) {
    const known = Object.keys(providers).join(", ");
    const setting = configured ? `SOURCES.${name}.provider` : `SOURCE_CREDENTIALS.${name}`;
    report(
      setting,
      `${configured ? "unknown provider" : "no source or provider of this name"}; known: ${known}`,
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
    credentials: sound && provider !== null ? (secrets.get(name) ?? []) : [],
    ipPolicy: policy,
    includes: (address) => ips !== null && isWithin(address, ips),
    settings: table ?? {},
  };
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** The ranges of a list; null where one of them is none. */
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

/** A mistake keeps everything: what was deleted does not come back. */
function readRetention(env: RawEnv, report: Report): Retention {
  const table = env["RETENTION"] === undefined ? {} : readObject(env["RETENTION"], "RETENTION", report);
  const checked = retentionTable(table);
  if (!checked.ok) {
    for (const issue of checked.issues) report(["RETENTION", ...issue.path].join("."), issue.message);
    return KEEP_ALL;
  }
  const { events_days, archive_days } = checked.value;
  return { eventsDays: events_days ?? null, archiveDays: archive_days ?? null };
}

/** PIPE_KEYS: name -> 32 bytes in base64. Not set, pipes can keep no secrets. */
function readKeys(env: RawEnv, report: Report): Map<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  if (env["PIPE_KEYS"] === undefined) return keys;
  for (const [name, bytes] of readMap(env, "PIPE_KEYS", pipeKey, report)) {
    if (!/^[\w-]{1,64}$/.test(name))
      report("PIPE_KEYS", "a key's name is letters, digits, dashes, at most 64");
    else if (bytes !== null) keys.set(name, bytes);
  }
  return keys;
}

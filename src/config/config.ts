// Reads the environment into a Config, once. A mistake never prevents a Config: it becomes a problem with the setting's
// path, and it closes only the source, token or key concerned. No problem's text contains a value, because values here
// are secrets.

import ipaddr from "ipaddr.js";
import type { Policies, StormPolicy } from "../model/suppression/policy.ts";
import type { TokenScope } from "../model/token-scope.ts";
import type { Check } from "./checks.ts";
import { readOrigins } from "./origins.ts";
import { publicProblems } from "./public-problems.ts";
import { readHandlePlaces } from "./handles.ts";
import { readJurisdiction, type WantedJurisdiction } from "./jurisdiction.ts";
import { about, type Problem, type Report } from "./report.ts";
import { readStorage, type StorageSettings } from "./storage.ts";
import { readPolicies, readStorm } from "./suppression.ts";
import { unknownSettings } from "./unknown-settings.ts";
import { nearestOf } from "../lib/nearest.ts";
import { usableCredentials } from "./weak-secrets.ts";
import { credentials, pipeKey, retentionTable, sourceTable, token, type ValueOf } from "./tables.ts";
import { KEEP_ALL, type Retention } from "../model/retention.ts";
import { providerNamed, providers, type Provider } from "../providers/index.ts";
import type { HandlePlaces } from "../providers/kit/handles.ts";
import { originalOf } from "../store/outages.ts";

export type { Problem };

/**
 * Whether a source's list of IP ranges is ignored, only observed (requests from outside it are counted) or enforced.
 */
export type IpPolicy = "off" | "observe" | "enforce";

/** One configured inbound endpoint. */
export interface Source {
  name: string;
  /** Null if the configuration names no existing provider. Then the source is closed. */
  provider: Provider | null;
  /** What a request must prove to be accepted. Without credentials the source is closed. */
  credentials: readonly string[];
  ipPolicy: IpPolicy;
  /** Whether an IP address is in one of the source's ranges. False if the list has a mistake. */
  includes(address: string): boolean;
  /** Where it finds campaigns and custom ids; null if they are the provider's own. */
  handles: HandlePlaces | null;
  /** All settings of the source's table, some of which only its provider reads. */
  settings: Record<string, unknown>;
}

/** The checked configuration. */
export interface Config {
  /** By name: all configured sources, and one for every provider. */
  sources: ReadonlyMap<string, Source>;
  /** The configured tokens of /v1, by the SHA-256 (hexadecimal) of the token. */
  tokens: ReadonlyMap<string, ConfiguredToken>;
  /** The suppression policy of each source. */
  policies: Policies;
  storm: StormPolicy;
  retention: Retention;
  storage: StorageSettings;
  /** In which jurisdiction the objects shall lie. */
  jurisdiction: WantedJurisdiction;
  /** The origins whose pages may call /v1. */
  origins: ReadonlySet<string>;
  /** The keys that encrypt the secrets of pipes, by name: see src/pipes/secrets.ts. */
  pipeKeys: ReadonlyMap<string, Uint8Array>;
  problems: readonly Problem[];
}

/** A token of API_TOKENS. The token itself is not kept. */
export interface ConfiguredToken {
  name: string;
  scopes: readonly TokenScope[];
  /** The sources that it sees; null for all. */
  sources: readonly string[] | null;
  /** When it ends, ms; null if it does not. */
  expiresAt: number | null;
}

type RawEnv = Readonly<Record<string, unknown>>;

const cache = new WeakMap<object, Config>();

/**
 * The Config of an environment. The first call reads it and logs its problems; later calls return the same object.
 * Never throws.
 */
export function configOf(env: object): Config {
  const original = originalOf(env);
  const known = cache.get(original);
  if (known !== undefined) return known;
  const config = readConfig({ ...original });
  cache.set(original, config);
  if (config.problems.length > 0) {
    console.error({ message: "the configuration has problems", problems: publicProblems(config) });
  }
  return config;
}

/** All settings of a source's table, for its provider to read. Empty if the source is not configured. */
export function settingsOf(config: Config, source: string): Record<string, unknown> {
  return config.sources.get(source)?.settings ?? {};
}

/** Where a source finds campaigns and custom ids; null if they are the provider's own. */
export function handlePlacesOf(config: Config, source: string): HandlePlaces | null {
  return config.sources.get(source)?.handles ?? null;
}

/** Reads an environment into a Config with its problems, without the cache of {@link configOf}. Never throws. */
export function readConfig(env: RawEnv): Config {
  const problems: Problem[] = [];
  const report: Report = (setting, reason, name) =>
    problems.push({ setting, reason, ...(name === undefined ? {} : { name }) });
  const tables = readMap(env, "SOURCES", sourceTable, report);
  const secrets = readMap(env, "SOURCE_CREDENTIALS", credentials, report);
  const names = new Set([...tables.keys(), ...secrets.keys(), ...Object.keys(providers)]);
  const sources = new Map<string, Source>();
  for (const name of names) sources.set(name, readSource(name, tables, secrets, report));
  const tokens = new Map<string, ConfiguredToken>();
  for (const [name, setting] of readMap(env, "API_TOKENS", token, report))
    if (setting !== null) {
      const { sha256, ...known } = setting;
      tokens.set(sha256, { name, ...known });
    }
  const general =
    env["SUPPRESSION"] === undefined ? {} : readObject(env["SUPPRESSION"], "SUPPRESSION", report);
  const settings = new Map([...tables].map(([name, table]) => [name, table?.["suppression"]]));
  const policies = readPolicies(general, settings, report);
  const [storm, retention] = [readStorm(general), readRetention(env, report)];
  const table = env["STORAGE"] === undefined ? {} : readObject(env["STORAGE"], "STORAGE", report);
  const isUnreadable = problems.some(({ setting }) => setting === "STORAGE");
  const jurisdiction = isUnreadable ? "unknown" : readJurisdiction(table, report);
  const storage = readStorage(table, env, report);
  const origins = readOrigins(env["API"] === undefined ? {} : readObject(env["API"], "API", report), report);
  const pipeKeys = readKeys(env, report);
  const unknown = unknownSettings(env, tables);
  const isNamedThere = ({ setting, reason }: Problem): boolean =>
    reason.startsWith("Unrecognized key") && unknown.some((one) => one.setting.startsWith(`${setting}.`));
  const all = [...problems.filter((problem) => !isNamedThere(problem)), ...unknown];
  return {
    sources,
    tokens,
    policies,
    storm,
    retention,
    storage,
    jurisdiction,
    origins,
    pipeKeys,
    problems: all,
  };
}

/** How many mistakes are reported for one value. */
const MOST_ISSUES = 20;

/**
 * Reads a JSON object (or its text) and checks each of its values separately. A wrong value becomes null; if the
 * setting is not an object, the map is empty.
 */
function readMap<T>(env: RawEnv, setting: string, check: Check<T>, report: Report): Map<string, T | null> {
  const map = new Map<string, T | null>();
  for (const [name, value] of Object.entries(readObject(env[setting], setting, report))) {
    const checked = check(value);
    for (const issue of checked.ok ? [] : checked.issues.slice(0, MOST_ISSUES))
      report([setting, name, ...issue.path].join("."), issue.message, name);
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
  reportAny: Report,
): Source {
  const report = about(reportAny, name);
  const configured = tables.has(name);
  const table = tables.get(name) ?? null;
  const providerId = table?.provider ?? name;
  const provider = providerNamed(providerId) ?? null;
  if (provider === null && (table !== null || !configured)) {
    const known = Object.keys(providers);
    const setting = configured ? `SOURCES.${name}.provider` : `SOURCE_CREDENTIALS.${name}`;
    const meant = nearestOf(providerId, configured ? known : [...tables.keys(), ...known]);
    const hint = meant === null ? "" : `did you mean ${meant}? `;
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
        ? usableCredentials(`SOURCE_CREDENTIALS.${name}`, provider, secrets.get(name) ?? [], report)
        : [],
    ipPolicy: policy,
    includes: (address) => ips !== null && isWithin(address, ips),
    handles: readHandlePlaces(table ?? {}, `SOURCES.${name}`, report),
    settings: table ?? {},
  };
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Parses a list of IP addresses and CIDR ranges. Null if any of them is invalid. */
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
  const address = ipaddr.process(text); // an IPv4-mapped IPv6 address counts as IPv4
  return ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
}

/** Reads RETENTION. A mistake in it keeps all data, because deleted data cannot be restored. */
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

/** Reads PIPE_KEYS: name -> 32 bytes in base64. If it is not set, pipes cannot keep secrets. */
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

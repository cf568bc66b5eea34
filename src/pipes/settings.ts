// A pipe's settings between a person and the database: checked by its kind, changed in parts, the secret ones
// encrypted.

import { configOf } from "../config/config.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import type { PipeRecord } from "../store/pipes/pipes.ts";
import type { PipeFailure, WrongSetting } from "./failure.ts";
import { kindNamed } from "./kinds/index.ts";
import type { Kind } from "./kinds/kind.ts";
import { decryptSecrets, encryptSecrets } from "./secrets.ts";
import { refusalOf } from "./transport/http.ts";
import { maskSecretParts, maskUrl } from "./transport/masked-url.ts";

/** Settings by name. */
export type Settings = Record<string, unknown>;

/** Settings as the database keeps them. */
export type StoredSettings = Pick<PipeRecord, "settings" | "secrets">;

/** The most characters that a pipe's settings take as JSON, so that they fit into their row. */
const MOST_SETTINGS = 200_000;

/**
 * The settings as the kind takes them, or every wrong one. `loopback`: whether this machine may be called (`allowsLoopback`).
 */
export function checkSettings(
  { settings: schema }: Kind,
  passed: Settings,
  loopback: boolean,
): Result<Settings, PipeFailure> {
  if (JSON.stringify(passed).length > MOST_SETTINGS)
    return fail({
      code: "wrong_settings",
      wrong: [{ setting: "", reason: "take more than 200,000 characters" }],
    });
  const checked = schema.safeParse(passed);
  if (checked.success) {
    const unreachable = urlsNotCalled(checked.data as Settings, loopback);
    return unreachable.length > 0
      ? fail({ code: "wrong_settings", wrong: unreachable })
      : ok(checked.data as Settings);
  }
  const wrong: WrongSetting[] = checked.error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== "unrecognized_keys") return [{ setting: path.join("."), reason: issue.message }];
    return issue.keys.map((key) => ({
      setting: [...path, key].join("."),
      reason: "is not a setting of this kind",
    }));
  });
  return fail({ code: "wrong_settings", wrong });
}

/** The hosts that would be refused when something is sent: what decides there decides here as well. */
function urlsNotCalled(settings: Settings, loopback: boolean): WrongSetting[] {
  return Object.entries(settings).flatMap(([setting, value]) => {
    if (typeof value !== "string" || !(setting === "host" || /^https?:\/\//i.test(value))) return [];
    const url = setting === "host" ? `https://${value}` : value;
    const refusal = refusalOf(url, loopback);
    if (refusal === null) return [];
    const isLocal = refusalOf(url, true) === null;
    const reason = "must not lead to this machine: only a Tidings in local development (npm start) calls it";
    return [{ setting, reason: isLocal ? reason : refusal }];
  });
}

/**
 * The settings with a change applied: null removes one. A masked setting that comes back as it was shown stays as it is.
 */
export function mergeSettings(kind: Kind, present: Settings, passed: Settings): Settings {
  const change = Object.fromEntries(
    Object.entries(passed).filter(([name, value]) => !isEcho(kind, name, present[name], value)),
  );
  return Object.fromEntries(Object.entries({ ...present, ...change }).filter(([, value]) => value !== null));
}

function isEcho({ masked = [] }: Kind, name: string, present: unknown, passed: unknown): boolean {
  if (!masked.includes(name) || typeof present !== "string") return false;
  return passed === maskUrl(present) || passed === maskSecretParts(present);
}

/** Encrypts the secret settings of the pipe with this id, and leaves the others as they are. */
export async function storeSettings(
  env: Env,
  id: string,
  kind: Kind,
  settings: Settings,
): Promise<Result<StoredSettings, PipeFailure>> {
  const lacking = kind.lacks?.(env) ?? null;
  if (lacking !== null) return fail({ code: "kind_lacks", kind: kind.id, reason: lacking });
  const { shown, secret } = splitSecrets(kind, settings);
  if (Object.keys(secret).length === 0) return ok({ settings: shown, secrets: null });
  const encrypted = await encryptSecrets(configOf(env).pipeKeys, id, secret);
  if (!encrypted.ok) return fail({ code: "no_key", reason: encrypted.reason });
  return ok({ settings: shown, secrets: encrypted.value });
}

/**
 * A pipe's settings and its secrets, as far as they can be decrypted. If their key is lost, a person has to pass new
 * secrets, and no others: that repairs the pipe.
 */
export async function readSettings(env: Env, record: PipeRecord): Promise<Settings> {
  const secrets = await readSecrets(env, record);
  return { ...record.settings, ...(secrets.ok ? secrets.value : {}) };
}

/** A pipe's settings as people see them. */
export interface ShownSettings {
  /** Without the secret ones; URLs are masked, with the words of their paths. */
  settings: Settings;
  /** Names of the secret ones. */
  secrets: string[];
  /** When the secrets end that were replaced and still sign, ms; null for no end. */
  olderSecrets: (number | null)[];
}

/** Decryption may fail here, because a list of pipes must not fail for a lost key. `now`: ms. */
export async function shownSettings(env: Env, record: PipeRecord, now: number): Promise<ShownSettings> {
  const kind = kindNamed(record.kind);
  const masked = kind?.masked ?? [];
  const secrets = await readSecrets(env, record);
  const opened = secrets.ok ? secrets.value : {};
  const all = Object.entries({ ...record.settings, ...opened });
  const shown = all.flatMap(([name, value]) => {
    if (masked.includes(name)) return [[name, maskSecretParts(String(value))]];
    return Object.hasOwn(opened, name) ? [] : [[name, value]];
  });
  const names = Object.keys(opened).filter((name) => !masked.includes(name));
  return {
    settings: Object.fromEntries(shown) as Settings,
    secrets: secrets.ok ? names : ["(their key is not there)"],
    olderSecrets: kind?.olderSecrets?.(opened, now) ?? [],
  };
}

/** The shown settings as people see them who are no administrators: of a URL they see the host. */
export function maskSettings(kind: string, settings: Settings): Settings {
  const masked = kindNamed(kind)?.masked ?? [];
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      masked.includes(name) ? maskUrl(String(value)) : value,
    ]),
  );
}

/**
 * The stored secrets that a change would send to another host, and so has to pass anew. Otherwise whoever may change a
 * pipe could have its secrets sent to a host of theirs. `after`: the settings with the change applied, checked.
 */
export function secretsToRenew(
  kind: Kind,
  { before, after, change }: { before: Settings; after: Settings; change: Settings },
): WrongSetting[] {
  const isMoved = kind.endpoints.some((name) => hostOf(before[name]) !== hostOf(after[name]));
  if (!isMoved) return [];
  const left = kind.secrets.filter(
    (name) =>
      !(kind.unsent ?? []).includes(name) &&
      isSet(before[name]) &&
      isSet(after[name]) &&
      !Object.hasOwn(change, name),
  );
  const reason = "must be passed again: the pipe gets another host, and stored secrets are not sent there";
  return left.map((setting) => ({ setting, reason }));
}

/** Scheme, host and port of a URL; any other value as text. */
function hostOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? "");
  return URL.canParse(text) && new URL(text).origin !== "null" ? new URL(text).origin : text.toLowerCase();
}

function isSet(value: unknown): boolean {
  return (
    value !== undefined && !(typeof value === "object" && value !== null && Object.keys(value).length === 0)
  );
}

/** A pipe's secrets, decrypted. Fails with a reason for people. */
export async function readSecrets(
  env: Env,
  { id, secrets }: Pick<PipeRecord, "id" | "secrets">,
): Promise<Result<Settings>> {
  if (secrets === null) return ok({});
  const decrypted = await decryptSecrets(configOf(env).pipeKeys, id, secrets);
  return decrypted.ok ? ok(decrypted.value as Settings) : decrypted;
}

function splitSecrets(
  { secrets, masked = [] }: Kind,
  settings: Settings,
): { shown: Settings; secret: Settings } {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  const pick = (secret: boolean): Settings =>
    Object.fromEntries(entries.filter(([name]) => [...secrets, ...masked].includes(name) === secret));
  return { shown: pick(false), secret: pick(true) };
}

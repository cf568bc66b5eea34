// A pipe's settings between a person and the database: checked by its kind, changed in parts, the secret ones
// encrypted.

import { configOf } from "../config/config.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import type { PipeRecord } from "../store/pipes/pipes.ts";
import type { PipeFailure, WrongSetting } from "./failure.ts";
import type { Kind } from "./kinds/kind.ts";
import { decryptSecrets, encryptSecrets } from "./secrets.ts";

/** Settings by name. */
export type Settings = Record<string, unknown>;

/** Settings as the database keeps them. */
export type StoredSettings = Pick<PipeRecord, "settings" | "secrets">;

/** The settings as the kind takes them, or every wrong one. */
export function checkSettings({ settings: schema }: Kind, passed: Settings): Result<Settings, PipeFailure> {
  const checked = schema.safeParse(passed);
  if (checked.success) return ok(checked.data as Settings);
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

/** The settings with a change applied: null removes one. */
export function mergeSettings(present: Settings, change: Settings): Settings {
  return Object.fromEntries(Object.entries({ ...present, ...change }).filter(([, value]) => value !== null));
}

/** Encrypts the secret settings of the pipe with this id, and leaves the others as they are. */
export async function storeSettings(
  env: Env,
  id: string,
  kind: Kind,
  settings: Settings,
): Promise<Result<StoredSettings, PipeFailure>> {
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

/**
 * The names of a pipe's secret settings. Decryption may fail here, because a list of pipes must not fail for a lost
 * key.
 */
export async function secretNames(env: Env, record: PipeRecord): Promise<string[]> {
  const secrets = await readSecrets(env, record);
  return secrets.ok ? Object.keys(secrets.value) : ["(their key is not there)"];
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

function splitSecrets({ secrets }: Kind, settings: Settings): { shown: Settings; secret: Settings } {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  const pick = (secret: boolean): Settings =>
    Object.fromEntries(entries.filter(([name]) => secrets.includes(name) === secret));
  return { shown: pick(false), secret: pick(true) };
}

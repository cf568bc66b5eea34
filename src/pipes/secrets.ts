// Secrets of pipes as the database holds them: encrypted with AES-256-GCM under a key of the Worker's secret PIPE_KEYS.
// The key's name stands before the text, so that keys can be replaced: the last one encrypts, and all of them decrypt.

import { fail, ok, type Result } from "../lib/result.ts";

/** Name of a key -> 32 bytes; in the order of the setting. */
export type PipeKeys = ReadonlyMap<string, Uint8Array>;

const IV_BYTES = 12; // as NIST SP 800-38D, section 8.2 recommends

/** Encrypts the value as JSON for the pipe with this id. The text cannot be decrypted for another pipe. */
export async function encryptSecrets(keys: PipeKeys, pipe: string, value: unknown): Promise<Result<string>> {
  const [name, bytes] = [...keys].at(-1) ?? [];
  if (name === undefined || bytes === undefined)
    return fail(
      'the secret PIPE_KEYS is not set, so they cannot be kept. Give it {"<name>":"<32 bytes in base64>"} (openssl rand ' +
        "-base64 32); in local development, put the line of .dev.vars.example into .dev.vars",
    );
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await importKey(bytes, "encrypt");
  const plain = new TextEncoder().encode(JSON.stringify(value));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: boundTo(pipe) },
    key,
    plain,
  );
  return ok(`${name}.${Buffer.from(iv).toString("base64url")}.${Buffer.from(sealed).toString("base64url")}`);
}

/** The name of the key under which a text was encrypted. */
export function keyNameOf(text: string): string {
  return text.slice(0, text.indexOf("."));
}

/** Decrypts a value. Fails if its key is gone, or the text was changed. */
export async function decryptSecrets(keys: PipeKeys, pipe: string, text: string): Promise<Result<unknown>> {
  const [name = "", iv = "", sealed = ""] = text.split(".");
  const bytes = keys.get(name);
  if (bytes === undefined)
    return fail(`PIPE_KEYS holds no key named ${name}; put it back, or save the secrets anew`);
  try {
    const key = await importKey(bytes, "decrypt");
    const algorithm = { name: "AES-GCM", iv: Buffer.from(iv, "base64url"), additionalData: boundTo(pipe) };
    const plain = await crypto.subtle.decrypt(algorithm, key, Buffer.from(sealed, "base64url"));
    return ok(JSON.parse(new TextDecoder().decode(plain)));
  } catch {
    return fail(
      `the key ${name} of PIPE_KEYS does not open these secrets; put the right one back, or save them anew`,
    );
  }
}

async function importKey(bytes: Uint8Array, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [use]);
}

function boundTo(pipe: string): Uint8Array {
  return new TextEncoder().encode(`tidings pipe ${pipe}`);
}

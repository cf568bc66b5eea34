// Helpers to read the JSON that destinations answer. It may have any shape, so no property is trusted.

/** A JSON object whose properties are not checked yet. */
export type JsonObject = Record<string, unknown>;

/** Parses JSON. Undefined if the text is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is a JSON object, and neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is a JSON object, else an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The value if it is a non-empty text, else null. */
export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/**
 * A destination's error code, such as RATE_LIMIT. Null for any other text, because it might quote an address or a
 * secret.
 */
export function codeOf(value: unknown): string | null {
  return typeof value === "string" && /^[A-Za-z][A-Za-z0-9_.]{0,79}$/.test(value) ? value : null;
}

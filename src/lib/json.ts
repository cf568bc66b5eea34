// Reading answers of destinations, which may hold anything.

export type JsonObject = Record<string, unknown>;

/** The value; undefined where the text is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The text; null where it is none, or empty. */
export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** A destination's own word for an error, such as RATE_LIMIT; null for whatever might hold more than that. */
export function codeOf(value: unknown): string | null {
  return typeof value === "string" && /^[A-Za-z][A-Za-z0-9_.]{0,79}$/.test(value) ? value : null;
}

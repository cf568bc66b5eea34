// Opaque cursors: JSON as base64url, checked when it comes back. Callers pass back what they got, and must not compute with
// it, so that what is inside can change.

import type * as z from "zod";

/** The cursor that callers get for a place in a list. `place`: JSON that its list's schema accepts. */
export function encodeCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The place that a cursor stands for; null if the text is no cursor of this schema. */
export function decodeCursor<S extends z.ZodType>(schema: S, cursor: string): z.output<S> | null {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    return null;
  }
}

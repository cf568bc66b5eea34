// The parameter `changed_after`: a cursor in the order of change, or a time to begin with.

import * as z from "zod";
import type { ChangePlaces } from "../../store/across/changes.ts";
import { changesAfter, FIRST_CHANGE, type ChangeCursor } from "../../store/suppressions/changes.ts";
import { MINUTE } from "../../lib/time.ts";
import { time } from "../schemas.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { readTime } from "./instant.ts";

const place = z.tuple([z.int(), z.string()]);
/** Of one database, or of several by their numbers. */
const Cursor = z.union([
  z.tuple([z.literal("change"), z.int(), z.string()]),
  z.tuple([z.literal("changes"), z.array(place).min(2)]),
]);

/** Answers with `changed_after` tell when there was an erasure, because the list cannot tell whose. */
export const lastErasedAt = time
  .nullable()
  .describe(
    "When the latest erasure of the last 35 days took effect; null if there was none. If it differs from the answer before, " +
      "ask POST /v1/erasures/check which of your addresses were erased",
  );

/** A place in the order of change as callers get it. That of a single database is as it was before there were several. */
export function changeCursorOf({ known }: ChangePlaces): string {
  const [only, ...others] = known;
  return encodeCursor(only === undefined || others.length > 0 ? ["changes", known] : ["change", ...only]);
}

/**
 * Reads a cursor that {@link changeCursorOf} made; null if the text is none. Databases that it does not name are read from
 * their beginning.
 */
export function readChangeCursor(text: string): ChangePlaces | null {
  const cursor = decodeCursor(Cursor, text);
  if (cursor === null) return null;
  const known: ChangeCursor[] = cursor[0] === "change" ? [[cursor[1], cursor[2]]] : cursor[1];
  return { known, others: FIRST_CHANGE };
}

/** `0` for the beginning, a cursor, or a time. */
export const changedAfter = z
  .string()
  .transform((text, context): ChangePlaces => {
    if (text === "0") return { known: [], others: FIRST_CHANGE };
    const cursor = readChangeCursor(text);
    if (cursor !== null) return cursor;
    const time = readTime(text);
    if (time.ok)
      return { known: [], others: changesAfter(time.value.local - (time.value.offset ?? 0) * MINUTE) };
    context.addIssue({
      code: "custom",
      message:
        "must be `resume` or `next` of an answer, a time such as 2026-11-21T09:30:00Z, or 0 for the beginning",
    });
    return z.NEVER;
  })
  .meta({
    description:
      "All that was stored after this place, in the order of storage, lifts and imports included: `resume` of the answer " +
      "before, `0` for the beginning, or a time (by the database's clock, not by the evidence)",
  });

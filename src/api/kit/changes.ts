// The parameter `changed_after`: a cursor in the order of change, or a time to begin with.

import * as z from "zod";
import { changesAfter, FIRST_CHANGE, type ChangeCursor } from "../../store/suppressions/changes.ts";
import { MINUTE } from "../../lib/time.ts";
import { time } from "../schemas.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { readTime } from "./instant.ts";

const Cursor = z.tuple([z.literal("change"), z.int(), z.string()]);

/** Answers with `changed_after` tell when there was an erasure, because the list cannot tell whose. */
export const lastErasedAt = time
  .nullable()
  .describe(
    "When the latest erasure of the last 35 days took effect; null if there was none. If it differs from the answer before, " +
      "ask POST /v1/erasures/check which of your addresses were erased",
  );

/** A place in the order of change as callers get it. */
export const changeCursorOf = ([changed, contact]: ChangeCursor): string =>
  encodeCursor(["change", changed, contact]);

/** Reads a cursor that {@link changeCursorOf} made; null if the text is none. */
export function readChangeCursor(text: string): ChangeCursor | null {
  const place = decodeCursor(Cursor, text);
  return place === null ? null : [place[1], place[2]];
}

/** `0` for the beginning, a cursor, or a time. */
export const changedAfter = z
  .string()
  .transform((text, context): ChangeCursor => {
    if (text === "0") return FIRST_CHANGE;
    const cursor = readChangeCursor(text);
    if (cursor !== null) return cursor;
    const time = readTime(text);
    if (time.ok) return changesAfter(time.value.local - (time.value.offset ?? 0) * MINUTE);
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

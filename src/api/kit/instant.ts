// Times as callers write them: ISO 8601, with or without an offset. A plus sign in a query that nobody escaped arrives as
// a space, and no time has a space there, so both are read as the plus.

import { fail, ok, type Result } from "../../lib/result.ts";

/** A time as it was written. */
export interface WrittenTime {
  /** The wall clock, as ms since the epoch as if it were UTC. */
  local: number;
  /** Minutes from UTC; null if none was written. */
  offset: number | null;
}

const FORM = "must be an ISO 8601 time such as 2026-11-21T09:30:00Z, or a date such as 2026-11-21";
const ISO =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?(?:([Zz])|([+\- ])(\d\d):?(\d\d))?)?$/;

/** Reads a time; the reason says which form is wanted. */
export function readTime(text: string): Result<WrittenTime> {
  const parts = ISO.exec(text.trim());
  if (parts === null) return fail(`${FORM}${hintFor(text)}`);
  const [, date = "", clock = "00:00", utc, sign, hours = "0", minutes = "0"] = parts;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== date)
    return fail(`${FORM}; there is no such day`);
  const local = Date.parse(`${date}T${clock.replace(",", ".")}Z`);
  const away = Number(hours) * 60 + Number(minutes);
  if (Number.isNaN(local) || Number(minutes) > 59 || away > MOST_OFFSET)
    return fail(`${FORM}; there is no such time of day or offset`);
  if (utc === undefined && sign === undefined) return ok({ local, offset: null });
  return ok({ local, offset: sign === "-" ? -away : away });
}

/** Offsets reach from -12 to +14 hours. */
const MOST_OFFSET = 14 * 60;

/** Unix times are what callers try most, so the answer shows theirs in the form that is wanted. */
function hintFor(text: string): string {
  if (!/^\d{10}(\d{3})?$/.test(text)) return "";
  const time = new Date(Number(text) * (text.length === 10 ? 1_000 : 1)).toISOString();
  return `; as a Unix time this would be ${time}`;
}

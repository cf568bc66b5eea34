// Reads the times of other systems' lists. A time must not be guessed, because a subscription later than it ends an
// unsubscribe. So a date such as 03/04/2021 is only read if the caller says which part is the month.

import { fail, ok, type Result } from "../../../lib/result.ts";

/** How dates with slashes are written: the month or the day first; null if that is not known. */
export type DateOrder = "mdy" | "dmy" | null;

/** Before this nobody kept such lists; a time of zero or of another unit lies before it. 1990-01-01, ms. */
const EARLIEST = 631_152_000_000;

const TIME = String.raw`(?:[T ,]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*([ap]\.?m\.?)?)?`;
const ZONE = String.raw`\s*(z|utc|gmt|[+-]\d\d(?::?\d\d)?)?(?:\s*\(?(?:utc|gmt)\)?)?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})${TIME}${ZONE}$`, "i");
const YEAR_LAST = new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})${TIME}${ZONE}$`, "i");
const DAY_MONTH = new RegExp(
  String.raw`^(?:[a-z]{3,9},?\s+)?(\d{1,2})[ -]([a-z]{3,9})\.?,?[ -](\d{4})${TIME}${ZONE}$`,
  "i",
);
const MONTH_DAY = new RegExp(
  String.raw`^(?:[a-z]{3,9},?\s+)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})${TIME}${ZONE}$`,
  "i",
);
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const LONGEST = 60;

const WANTED = "is no time; wanted is ISO 8601 such as 2026-11-21T09:30:00Z, or seconds since 1970";
const AMBIGUOUS = "may be the month or the day first; pass dates=mdy or dates=dmy";

/** A time in ms since the epoch, in UTC unless it has an offset. Fails with what is wrong. */
export function readTime(value: unknown, order: DateOrder): Result<number> {
  if (typeof value === "number") return later(ofNumber(value));
  if (typeof value !== "string" || value.length > LONGEST) return fail(WANTED);
  const text = value.trim();
  if (/^\d{9,16}(\.\d+)?$/.test(text)) return later(ofNumber(Number(text)));
  const yearFirst = YEAR_FIRST.exec(text);
  if (yearFirst !== null) {
    const [, year, month, day, ...clock] = yearFirst;
    return later(msOf([year, month, day], clock));
  }
  const yearLast = YEAR_LAST.exec(text);
  if (yearLast !== null) return ofYearLast(yearLast, order);
  const dayMonth = DAY_MONTH.exec(text);
  if (dayMonth !== null) {
    const [, day, name, year, ...clock] = dayMonth;
    return later(msOf([year, monthOf(name), day], clock));
  }
  const monthDay = MONTH_DAY.exec(text);
  if (monthDay === null) return fail(WANTED);
  const [, name, day, year, ...clock] = monthDay;
  return later(msOf([year, monthOf(name), day], clock));
}

function later(ms: number | null): Result<number> {
  if (ms === null) return fail(WANTED);
  return ms >= EARLIEST ? ok(ms) : fail("is before 1990");
}

/** Seconds, milliseconds or microseconds since the epoch, told apart by their size: seconds reach 1e11 in the year 5138. */
function ofNumber(number: number): number | null {
  if (!Number.isFinite(number) || number < 0) return null;
  if (number < 1e11) return Math.round(number * 1_000);
  if (number < 1e14) return Math.round(number);
  return number < 1e17 ? Math.round(number / 1_000) : null;
}

/** Dates with dots have the day first; those with slashes or hyphens may have either. */
function ofYearLast(match: RegExpExecArray, order: DateOrder): Result<number> {
  const [, first = "", separator, second = "", year, ...clock] = match;
  const isDayFirst = separator === "." || Number(first) > 12 || order === "dmy";
  const isMonthFirst = !isDayFirst && (Number(second) > 12 || order === "mdy" || first === second);
  if (!isDayFirst && !isMonthFirst) return fail(AMBIGUOUS);
  const [month, day] = isDayFirst ? [second, first] : [first, second];
  return later(msOf([year, month, day], clock));
}

function monthOf(name: string | undefined): string {
  return String(MONTHS.indexOf((name ?? "").slice(0, 3).toLowerCase()) + 1);
}

type Part = string | undefined;

/** Null if there is no such day or time of day. */
function msOf(
  date: readonly Part[],
  [hour, minute, second, fraction, half, zone]: readonly Part[],
): number | null {
  const [year = 0, month = 0, day = 0] = date.map(Number);
  let hours = Number(hour ?? 0);
  if (half !== undefined) {
    if (hours < 1 || hours > 12) return null;
    hours = (hours % 12) + (half.toLowerCase().startsWith("p") ? 12 : 0);
  }
  const [minutes, seconds] = [Number(minute ?? 0), Number(second ?? 0)];
  if (month < 1 || month > 12 || day < 1 || hours > 23 || minutes > 59 || seconds > 60) return null;
  const midnight = Date.UTC(year, month - 1, day);
  if (new Date(midnight).getUTCDate() !== day) return null;
  const ms = Math.floor(Number(`0.${fraction ?? 0}`) * 1_000);
  return midnight + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms - offsetOf(zone);
}

/** The zone's offset from UTC, ms. */
function offsetOf(zone: Part): number {
  const [, sign, hours = 0, minutes = 0] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? "") ?? [];
  const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === "-" ? -size : size;
}

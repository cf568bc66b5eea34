// Local hours, days, weeks and months against the runtime's own calendar, asked at every five minutes over changes of the
// clock of many zones.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  instantOf,
  localEdges,
  zoneNamed,
  type LocalBucket,
  type Zone,
} from "../../../src/model/stats/zone.ts";

const FIVE = 300_000;
const DAY = 86_400_000;

/** Whole, half and quarter hours, changes at midnight, at half an hour, by two hours, and none. */
const ZONES = [
  "Europe/Berlin",
  "Europe/London",
  "America/New_York",
  "America/St_Johns",
  "America/Santiago",
  "America/Havana",
  "Africa/Cairo",
  "Africa/Casablanca",
  "Asia/Beirut",
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Pacific/Chatham",
  "Pacific/Kiritimati",
  "Atlantic/Azores",
  "Antarctica/Troll",
  "UTC",
];

const zoneOf = (name: string): Zone => {
  const zone = zoneNamed(name);
  if (zone === null) throw new Error(`no zone ${name}`);
  return zone;
};

/** The runtime's calendar: what the zone's clock shows, and its offset in words. */
function calendar(name: string) {
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: name, dateStyle: "short", timeStyle: "medium" });
  const words = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  return {
    date: (at: number): string => clock.format(at).slice(0, 10),
    hour: (at: number): string =>
      `${clock.format(at).slice(0, 13)} ${words.format(at).replace(/^.*GMT/, "")}`,
  };
}

const mondayOf = (date: string): string => {
  const at = Date.parse(date);
  return new Date(at - ((new Date(at).getUTCDay() + 6) % 7) * DAY).toISOString().slice(0, 10);
};

/** The starts of buckets between two instants: where the calendar's page turns for the first time. */
function turns(name: string, bucket: LocalBucket, from: number, to: number): number[] {
  const { date, hour } = calendar(name);
  const pageOf = {
    hour,
    day: date,
    week: (at: number): string => mondayOf(date(at)),
    month: (at: number): string => date(at).slice(0, 7),
  }[bucket];
  const found: number[] = [];
  let last = pageOf(from);
  for (let at = from + FIVE; at < to; at += FIVE) {
    const page = pageOf(at);
    if (page === last || (bucket !== "hour" && page < last)) continue;
    found.push(at);
    last = page;
  }
  return found;
}

describe("the buckets of a zone", () => {
  it("begin where the runtime's calendar turns the page, over years of changes of the clock", () => {
    const when = fc.integer({ min: Date.UTC(2019, 0) / FIVE, max: Date.UTC(2037, 0) / FIVE });
    const spans: Record<LocalBucket, number> = { hour: 3, day: 10, week: 24, month: 50 };
    // Around a change of the clock, if there is one within half a year.
    const nearChange = (name: string, at: number): number => {
      const zone = zoneOf(name);
      for (let days = 0; days < 190; days += 1)
        if (zone.offsetAt(at + days * DAY) !== zone.offsetAt(at + (days + 1) * DAY))
          return at + (days - 1) * DAY;
      return at;
    };
    const kinds = fc.constantFrom<LocalBucket>("hour", "day", "week", "month");
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), kinds, when, (name, bucket, slot) => {
        const from = nearChange(name, slot * FIVE);
        const to = from + spans[bucket] * DAY;
        const edges = localEdges(zoneOf(name), bucket, { from, to });
        expect(edges[0]).toBeLessThanOrEqual(from);
        expect(edges.at(-1)).toBeGreaterThanOrEqual(to);
        expect(edges).toEqual(edges.toSorted((a, b) => a - b));
        expect(edges.filter((edge) => edge > from && edge < to)).toEqual(turns(name, bucket, from, to));
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("are days of 23, 24 and 25 hours, and of 24.5 where the clock moves by half an hour", () => {
    const hours = (name: string, date: string): number => {
      const zone = zoneOf(name);
      const from = instantOf(zone, Date.parse(date));
      const [start = 0, end = 0] = localEdges(zone, "day", { from, to: from + 1 });
      return (end - start) / 3_600_000;
    };
    expect(hours("Europe/Berlin", "2026-10-25")).toBe(25);
    expect(hours("Europe/Berlin", "2026-03-29")).toBe(23);
    expect(hours("Europe/Berlin", "2026-06-01")).toBe(24);
    expect(hours("Australia/Lord_Howe", "2026-04-05")).toBe(24.5);
    expect(hours("Africa/Cairo", "2026-04-24")).toBe(23);
  });

  it("a clock shows twice or never have an instant", () => {
    const berlin = zoneOf("Europe/Berlin");
    expect(new Date(instantOf(berlin, Date.parse("2026-10-25T02:30:00Z"))).toISOString()).toBe(
      "2026-10-25T00:30:00.000Z",
    );
    expect(new Date(instantOf(berlin, Date.parse("2026-03-29T02:30:00Z"))).toISOString()).toBe(
      "2026-03-29T01:00:00.000Z",
    );
    expect(new Date(instantOf(zoneOf("Asia/Kathmandu"), Date.parse("2026-05-01"))).toISOString()).toBe(
      "2026-04-30T18:15:00.000Z",
    );
  });

  it("exist for names of zones only", () => {
    for (const name of ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"])
      expect(zoneNamed(name)).not.toBeNull();
    for (const name of ["Berlin", "", "Mars/Olympus", "CEST", "../etc"]) expect(zoneNamed(name)).toBeNull();
  });
});

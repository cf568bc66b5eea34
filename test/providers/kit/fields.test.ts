// Reading single fields: times, flags, bounce classes, SMTP replies, metadata.

import { describe, expect, it } from "vitest";
import {
  bounceClass,
  flag,
  metadata,
  recipients,
  tags,
  text,
  time,
} from "../../../src/providers/kit/fields.ts";
import { readText } from "../../../src/providers/kit/json.ts";
import { mailjet } from "../../../src/providers/mailjet.ts";
import { findSmtp } from "../../../src/providers/kit/smtp.ts";
import { nested } from "../../support/hostile.ts";
import { bytes, deliveryOf } from "../parsing.ts";

describe("fields", () => {
  it.each([
    [1433333949, "2015-06-03T12:19:09.000Z"],
    ["1433333949", "2015-06-03T12:19:09.000Z"],
    ["1433333949.25", "2015-06-03T12:19:09.250Z"],
    [1433333949.25, "2015-06-03T12:19:09.250Z"],
    [1433333949123, "2015-06-03T12:19:09.123Z"],
    [1433333949123456, "2015-06-03T12:19:09.123Z"],
    ["2024-01-15T10:30:00Z", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15T10:30:00.1234567Z", "2024-01-15T10:30:00.123Z"],
    ["2024-01-15T10:30:00+02:00", "2024-01-15T08:30:00.000Z"],
    ["2024-01-15T10:30:00+02", "2024-01-15T08:30:00.000Z"],
    ["2024-01-15 10:30:00+00", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15T10:30:00", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15 10:30:00.5", "2024-01-15T10:30:00.500Z"],
    ["2024-01-15 10:30:00 UTC", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15", "2024-01-15T00:00:00.000Z"],
    ["2024/1/5 10:30", "2024-01-05T10:30:00.000Z"],
    ["01-15-2024", "2024-01-15T00:00:00.000Z"],
    ["1/15/2024 10:30:00 AM", "2024-01-15T10:30:00.000Z"],
    ["1/15/2024 10:30:00 PM EST", "2024-01-16T03:30:00.000Z"],
    ["Mon, 15 Jan 2024 10:30:00 GMT", "2024-01-15T10:30:00.000Z"],
    ["Mon, 15 Jan 2024 10:30:00 -0500", "2024-01-15T15:30:00.000Z"],
    ["15 Jan 2024 10:30", "2024-01-15T10:30:00.000Z"],
    ["Jan 15, 2024 10:30 AM", "2024-01-15T10:30:00.000Z"],
  ])("reads the time %s", (value, iso) => {
    const ms = time(value);
    expect(typeof ms === "number" ? new Date(ms).toISOString() : ms).toBe(iso);
  });

  it("distinguishes a missing time from one that cannot be read, and keeps the words of that", () => {
    for (const value of [undefined, null, "", " ", 0, "0"]) expect(time(value)).toBeNull();
    const words = [
      "soon",
      "hello 5",
      "camp 2024",
      "camp 2024-01-15",
      "camp 1/15/2024",
      "1/15/24",
      "Jan 5",
      "5 Jan",
      "2024-13-45",
      "15/15/2024",
      "10:30",
      "9e99",
    ];
    const cut = [
      "2024-01-15 10:30 CET",
      "2024-01-15 10:30 (CET)",
      "1".repeat(30),
      `2024-01-15${" ".repeat(90)}x`,
    ];
    for (const value of [...words, ...cut, -5, NaN, 5, true])
      expect(time(value), JSON.stringify(value)).toBe(String(value).slice(0, 64));
    expect([{}, [], [nested(9)], "a\0"].map(time)).toEqual(["object", "object", "object", "a\ufffd"]);
  });

  it("reads flags, bounce classes, SMTP replies and metadata", () => {
    expect([true, "True", 1, "1"].map(flag)).toEqual([true, true, true, true]);
    expect([false, "FALSE", 0, "0"].map(flag)).toEqual([false, false, false, false]);
    expect(["", null, undefined, "yes", 2, {}].map(flag)).toEqual(Array(6).fill(null));
    expect(["Hard", "permanent failure"].map(bounceClass)).toEqual(["hard", "hard"]);
    expect(["SoftBounce", "transient", "temporary"].map(bounceClass)).toEqual(["soft", "soft", "soft"]);
    expect(["42", "", null].map(bounceClass)).toEqual([null, null, null]);
    expect(findSmtp("smtp; 421 4.7.0 later")).toEqual({
      code: 421,
      enhanced: "4.7.0",
      response: "smtp; 421 4.7.0 later",
    });
    expect(findSmtp("gone for good")).toBeNull();
    expect(metadata('{"order":12345678901234567890}')).toEqual({ order: "12345678901234567890" });
    expect(metadata(JSON.parse(nested(33)))).toEqual({});
    expect(metadata("words")).toEqual({ payload: "words" });
  });

  it("reads only metadata that a store can hold", () => {
    expect(metadata(' {"a":null}')).toEqual({ a: null });
    expect(metadata("{broken")).toEqual({ payload: "{broken" });
    expect(metadata({ a: "x".repeat(8_184) })).toEqual({ a: "x".repeat(8_184) });
    const unstorable = [{ a: "x".repeat(8_185) }, { a: 1, b: JSON.parse(nested(33)) }, { a: "\0" }];
    for (const value of [...unstorable, { a: "\ud800" }, { "\udfff": 1 }, 5, true, [1], null]) {
      expect(metadata(value)).toEqual({});
    }
  });

  it("shortens long texts and refuses too many items", () => {
    expect(text(" a\0b\ud800 ")).toBe("a\ufffdb\ufffd");
    expect([text("x".repeat(300))?.length, text("x".repeat(300), 512)?.length]).toEqual([256, 300]);
    expect(tags(Array(40).fill("a"))).toHaveLength(32);
    const many = Array.from({ length: 1_001 }, (_, i) => `a${i}@example.com`);
    expect([recipients(many).ok, recipients(many.slice(1)).ok]).toEqual([false, true]);
    expect([readText(Uint8Array.of(0xff)).ok, readText(bytes("é")).ok]).toEqual([false, true]);
    const parsed = (body: unknown) => mailjet.parse(deliveryOf(mailjet, bytes(JSON.stringify(body))));
    const rejectsOf = (elements: number) => parsed(Array(elements).fill(0)).rejects.length;
    expect([rejectsOf(25_000), rejectsOf(25_001)]).toEqual([25_000, 1]);
    const long = "x".repeat(9_000);
    const event = { event: "bounce", email: "ada@example.com", MessageID: long, url: long, comment: long };
    const [{ message_id, url, description } = {}] = parsed(event).events;
    expect([message_id, url, description].map((value) => value?.length)).toEqual([512, 2_048, 1_024]);
  });
});

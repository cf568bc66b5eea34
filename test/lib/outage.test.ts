// Errors in the log: which failures are outages, and that no logged error contains an address, the query of a URL, or
// the input that was read.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { within } from "../../src/lib/deadline.ts";
import { describeError, describeUnquoted, isOutage, outageOf } from "../../src/lib/outage.ts";

describe("an outage", () => {
  it("keeps the error's class, message and stack, and names the service", () => {
    const error = new RangeError("too far");
    const { stack } = error;
    expect(outageOf("the bucket", error)).toBe(error);
    expect([error.message, error.stack, isOutage(error)]).toEqual(["too far", stack, true]);
    expect(describeError(error)).toEqual({ error: "the bucket: RangeError: too far" });
  });

  it("is a missed deadline, but not an error that was thrown before the deadline", async () => {
    const late = await within(1, "the queue", new Promise(() => {})).catch((error: unknown) => error);
    expect(isOutage(late)).toBe(true);
    expect(describeError(late).error).toMatch(/^the queue: .*no answer within 1 ms$/);
    const bug = await within(1_000, "the queue", Promise.reject(new TypeError("x"))).catch(
      (error: unknown) => error,
    );
    expect(isOutage(bug)).toBe(false);
  });

  it("is only an error that was tagged as one, whatever its message", () => {
    for (const thrown of [new Error("the database did not answer"), "outage", null, { outage: "x" }])
      expect(isOutage(thrown)).toBe(false);
    expect(isOutage(outageOf("the queue", "a text"))).toBe(true);
  });
});

describe("the log of an error", () => {
  const local = fc.stringMatching(/^[a-z0-9._+-]{1,20}$/);
  const host = fc.stringMatching(/^[a-z0-9-]{1,20}\.(com|example)$/);
  const around = fc.constantFrom(" ", "'", '"', "<", "(", ",", ";", ":", "/", "=");

  it("contains no address, plain or escaped, anywhere in the text", () => {
    fc.assert(
      fc.property(
        local,
        host,
        fc.constantFrom("@", "%40"),
        around,
        fc.boolean(),
        (name, domain, at, mark, outage) => {
          const address = `${name}${at}${domain}`;
          const error = new Error(`failed for${mark}${address}${mark} today`);
          const { error: text } = describeError(outage ? outageOf("the database", error) : error);
          expect(text).not.toContain(address);
          expect(text).not.toContain(domain);
          expect(text).toContain("failed");
        },
      ),
    );
  });

  it("contains no query of a URL", () => {
    const error = new Error("GET https://hooks.example/a/b?token=secret#top answered 500");
    expect(describeError(error).error).toBe("Error: GET https://hooks.example/a/b answered 500");
  });

  it("has the stack of a bug without its message, and no stack of an outage", () => {
    const { error, stack = "" } = describeError(new TypeError("ann@example.com\n at nobody@example.com"));
    expect(error).toMatch(/^TypeError: /);
    expect(stack).toMatch(/^\s+at .*outage\.test\.ts/);
    expect(error + stack).not.toContain("example.com");
    expect(describeError(outageOf("the queue", new Error("x")))).not.toHaveProperty("stack");
  });

  it("quotes no input: neither malformed JSON nor the text that a parser met", () => {
    let thrown: unknown;
    try {
      JSON.parse('{"name": Ann Example}');
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toContain("Ann");
    expect(describeError(thrown).error).toBe("SyntaxError");
    expect(describeUnquoted(new RangeError("Ann Example")).error).toBe("RangeError");
    expect(JSON.stringify(describeUnquoted(new RangeError("Ann Example")))).not.toContain("Ann");
    expect(describeUnquoted("Ann Example")).toEqual({ error: "string" });
  });

  it("is at most 300 characters long, whatever the message", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), (words) => {
        expect(describeError(new Error(words)).error.length).toBeLessThanOrEqual(300);
      }),
    );
  });
});

// A check while the database does not answer: nobody is told as not suppressed.

import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { freshStorage } from "../../support/support.ts";
import { ask, bindings } from "./asking.ts";

beforeEach(freshStorage);
afterEach(() => void vi.restoreAllMocks());

/** A database that takes statements and never answers them. */
const down = {
  prepare: (sql: string) => env.DB.prepare(sql),
  batch: () => Promise.reject(new Error("D1_ERROR: Network connection lost.")),
  withSession: () => ({ ...down, getBookmark: () => null }),
};

const check = async (query: string, changes = {}) => {
  const addresses = ["ann@example.com", "no address"];
  return await ask("POST", `/check${query}`, { addresses }, { env: bindings(changes) });
};

describe("a check while the database does not answer", () => {
  it("is 503 with Retry-After", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    for (const query of ["", "?partial=false"]) {
      const answer = await check(query, { DB: down });
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    }
    expect(warned).toHaveBeenCalled();
  });

  it("with partial=true tells that nothing is known of the address, and still what is no address", async () => {
    const answer = await check("?partial=true", { DB: down });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      addresses: [
        { address: "ann@example.com", suppressed: null, reason: null, reasons: [], error: null },
        { address: "no address", suppressed: false },
      ],
    });
  });

  it("tells everything as usual once it answers, and takes no other word for `partial`", async () => {
    await ask("PUT", "/ann@example.com");
    const answer = await check("?partial=true");
    expect(await answer.json()).toMatchObject({
      addresses: [{ suppressed: true, reason: "manual" }, { suppressed: false }],
    });
    expect((await check("?partial=yes")).status).toBe(400);
  });
});

// Suppressing and lifting by hand, and the effect on earlier and later events.

import { beforeEach, describe, expect, it } from "vitest";
import { withoutDatabase } from "../../support/faults.ts";
import { askApi, figure, freshStorage, rows } from "../../support/support.ts";
import { secondsNow, ask, bindings, bounce, list, mailjet, status, type Status } from "./asking.ts";
import { expectLogs } from "../../support/log.ts";

const NOW = secondsNow();

describe("suppressing and lifting by hand", () => {
  beforeEach(freshStorage);

  it("records who did it and why; a repeated PUT changes nothing, and a repeated DELETE answers 404", async () => {
    const first = await ask("PUT", "/Ann@Example.com", { note: "asked by phone" });
    expect(first.status).toBe(200);
    const put = await first.json<Status>();
    expect(put).toMatchObject({ address: "ann@example.com", suppressed: true });
    expect(put.suppression).toMatchObject({
      reason: "manual",
      by: "tests",
      note: "asked by phone",
      source: "api",
    });
    expect(await (await ask("PUT", "/ann@example.com", { note: "asked by phone" })).json()).toEqual(put);
    expect(await (await ask("PUT", "/ann@example.com")).json()).toEqual(put);
    expect(await status("ann@example.com")).toEqual(put);
    expect((await list()).suppressions).toHaveLength(1);

    expect((await ask("DELETE", "/ann@example.com?reason=complaint")).status).toBe(404);
    const lifted = await ask("DELETE", "/ann@example.com?note=came+back");
    expect(lifted.status).toBe(200);
    expect(await lifted.json()).toMatchObject({
      suppressed: false,
      suppression: null,
      history: [{ lifted_by: "tests", lift_note: "came back", by: "tests" }],
    });
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(404);
    expect((await ask("DELETE", "/nobody@example.com")).status).toBe(404);
    expect(await status("nobody@example.com")).toMatchObject({ suppressed: false, history: [] });
    const tag = (await ask("GET", "/nobody@example.com")).headers.get("etag") ?? "";
    const same = { headers: { "if-none-match": tag } };
    expect((await ask("GET", "/nobody@example.com", undefined, same)).status).toBe(304);
    expect(await list()).toEqual({ suppressions: [], next: null });
    expect((await list("?include=lifted")).suppressions).toHaveLength(1);
    // At once afterwards, in the same millisecond perhaps.
    expect(await (await ask("PUT", "/ann@example.com")).json()).toMatchObject({ suppressed: true });
    expect(await rows("SELECT suppressed FROM contacts")).toEqual([{ suppressed: "manual" }]);
  });

  it("ends suppressions by earlier events, even if these arrive later; later events suppress again", async () => {
    await mailjet(bounce("ann@example.com", NOW - 500, true), {
      event: "spam",
      email: "ann@example.com",
      time: NOW - 400,
    });
    expect((await status("ann@example.com")).suppression?.reason).toBe("complaint");
    await ask("DELETE", "/ann@example.com?reason=complaint");
    expect((await status("ann@example.com")).suppression?.reason).toBe("hard_bounce");
    await ask("DELETE", "/ann@example.com");
    await mailjet({ event: "unsub", email: "ann@example.com", time: NOW - 450 });
    expect((await status("ann@example.com")).suppressed).toBe(false);
    await mailjet(bounce("ann@example.com", NOW + 60, true));
    const now = await status("ann@example.com");
    expect(now.history.map(({ reason, lifted_by }) => [reason, lifted_by])).toEqual([
      ["hard_bounce", "tests"],
      ["unsubscribed", "tests"],
      ["complaint", "tests"],
      ["hard_bounce", null],
    ]);
    // That one is dated later than now; it was known when it was lifted, and so it ends.
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(200);
    expect((await status("ann@example.com")).suppressed).toBe(false);
    const contact = await askApi("GET", "/v1/contacts/ann@example.com", undefined, bindings());
    expect(await contact.json()).toMatchObject({
      status: "active",
      suppression: null,
      history: now.history.map(() => ({ lifted_by: "tests" })),
    });
  });

  it("can be repeated after a database failure, and then takes full effect", async () => {
    expectLogs(/a request met an outage[^]*it went away/);
    const broken = { env: withoutDatabase(bindings()) };
    for (const [method, path, body] of [
      ["PUT", "/ann@example.com", { note: "n" }],
      ["DELETE", "/ann@example.com", undefined],
    ] as const) {
      expect((await ask(method, path, body, broken)).status).toBe(503);
      const before = await figure("SELECT max(version) AS n FROM contacts");
      expect((await ask(method, path, body)).status).toBe(200);
      expect(await figure("SELECT max(version) AS n FROM contacts")).toBeGreaterThan(before);
    }
    expect((await ask("DELETE", "/ann@example.com")).status).toBe(404);
    expect((await status("ann@example.com")).history).toHaveLength(1);
    const csv = "address\na@example.com\nb@example.com\n";
    const asCsv = { headers: { "content-type": "text/csv" } };
    expect((await ask("POST", "/import", csv, { ...broken, ...asCsv })).status).toBe(503);
    expect(await (await ask("POST", "/import", csv, asCsv)).json()).toMatchObject({ rows: 2, rejected: 0 });
    expect((await list()).suppressions).toHaveLength(2);
  });

  it("needs a token with the write scope, and answers 400 with the name of the wrong parameter", async () => {
    const reader = { headers: { authorization: "Bearer read-token" } };
    for (const [method, path] of [
      ["PUT", "/by-hand@example.com"],
      ["DELETE", "/by-hand@example.com"],
      ["POST", "/import"],
      ["POST", "/release"],
      ["POST", "/drop"],
      ["POST", "/lift"],
      ["POST", "/undo"],
    ] as const)
      expect((await ask(method, path, method === "DELETE" ? undefined : {}, reader)).status, path).toBe(403);
    expect((await ask("POST", "/check", { addresses: ["by-hand@example.com"] }, reader)).status).toBe(200);
    const wrong: [method: string, path: string, body: unknown, parameter: string][] = [
      ["GET", "/nobody", undefined, "address"],
      ["GET", "?reason=x", undefined, "reason"],
      ["GET", "?scope=x", undefined, "scope"],
      ["GET", "?held=no", undefined, "held"],
      ["GET", "?held=true&include=lifted", undefined, "held"],
      ["GET", "?after=WzFd", undefined, "after"],
      ["GET", "?limit=0", undefined, "limit"],
      ["PUT", "/by-hand@example.com", { notes: "" }, "notes"],
      ["PUT", "/by-hand@example.com", { note: "x".repeat(501) }, "note"],
      ["PUT", "/by-hand@example.com", { scope: "list" }, "scope"],
      ["PUT", "/by-hand@example.com", { reason: "spam" }, "reason"],
      ["PUT", "/by-hand@example.com", { expires_at: "2020-01-01" }, "expires_at"],
      ["PUT", "/@nonsense", {}, "address"],
      ["PUT", "/*@*.example.com", {}, "address"],
      ["POST", "/check", { addresses: ["a@example.com"], reasons: ["spam"] }, "reasons[0]"],
      ["POST", "/check?reasons=spam", { addresses: ["a@example.com"] }, "reasons[0]"],
      ["POST", "/check", { addresses: ["a@example.com"], reasons: [] }, "reasons"],
      ["POST", "/lift", { domain: "x y" }, "domain"],
      ["POST", "/lift", { destination: "gmail", after: "x" }, "after"],
      ["POST", "/undo", {}, "id"],
      ["DELETE", "/by-hand@example.com?reasons=x", undefined, "reasons"],
      ["POST", "/check", { addresses: [] }, "addresses"],
      [
        "POST",
        "/check",
        { addresses: Array.from({ length: 1_001 }, () => "by-hand@example.com") },
        "addresses",
      ],
      ["POST", "/release", {}, "address"],
      ["POST", "/drop", { address: "by-hand@example.com", destination: "gmail" }, "address"],
      ["POST", "/import", { suppressions: 1 }, "body"],
    ];
    for (const [method, path, body, parameter] of wrong) {
      const answer = await ask(method, path, body);
      expect(answer.status, path).toBe(400);
      expect((await answer.json<{ errors: { parameter: string }[] }>()).errors[0]?.parameter, path).toBe(
        parameter,
      );
    }
    expect((await ask("POST", "/lift", {})).status).toBe(400);
    expect((await ask("PUT", "/by-hand@example.com", "{")).status).toBe(400);
    const form = { headers: { "content-type": "application/x-www-form-urlencoded" } };
    expect((await ask("PUT", "/by-hand@example.com", '{"note":"would be lost"}', form)).status).toBe(415);
    expect((await ask("POST", "/drop", { address: "by-hand@example.com" })).status).toBe(404);
    expect((await ask("POST", "/check", { addresses: ["x".repeat(6_000_000)] })).status).toBe(413);
    expect((await list("?include=lifted")).suppressions).toEqual([]);
  });
});

// The data that outlives an erasure: a suppression in force, as a keyed hash, and the object's tombstone, for 35 days.

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { findErased, hashOf, liftErased } from "../../src/store/erasure/erased.ts";
import { deliver, figure, messagesOf, objects, read, rows, runScheduled } from "../support/support.ts";
import { ANN, DAY, JOANN, both, erase, pass, settle, withStandingClock } from "./asking.ts";

withStandingClock();

describe("a suppression in force", () => {
  it("outlives the erased contact as a keyed hash, whatever arrives later, until it is lifted", async () => {
    await deliver(await messagesOf(both({ event: "spam" })));
    await erase();
    await settle();
    const hashes = async (): Promise<unknown> => [
      ...(await findErased(env.DB, env.BUCKET, [ANN, JOANN, "x@y.z"])),
    ];
    expect(await hashes()).toEqual([[ANN, { reason: "complaint", since: 1_790_000_000_000 }]]);
    await deliver(await messagesOf(both({ event: "sent", time: 1_790_000_500 })));
    expect(await hashes()).toHaveLength(1);
    expect((await erase()).kept).toMatchObject({ reason: "complaint" });
    await settle();
    expect(await hashes()).toHaveLength(1);
    expect(await liftErased(env.DB, env.BUCKET, ANN)).toBe(true);
    expect(await liftErased(env.DB, env.BUCKET, ANN)).toBe(false);
    expect(await hashes()).toEqual([]);
    const plan = await rows<{ detail: string }>(
      "EXPLAIN QUERY PLAN SELECT e.hash FROM json_each('[]') AS h CROSS JOIN erased AS e ON e.hash = h.value",
    );
    expect(plan.map(({ detail }) => detail).join()).toMatch(/SEARCH e USING PRIMARY KEY/);
  });

  it("is returned by every request about the erased address, and can be lifted like any other", async () => {
    await deliver(await messagesOf(both({ event: "spam" })));
    const stats = async (): Promise<unknown> =>
      await (await read("/v1/stats?from=2026-09-01&to=2026-10-01")).json();
    const before = await stats();
    await erase();
    await settle();
    expect(await stats()).toEqual(before);
    const json = { "content-type": "application/json" };
    const check = async () =>
      await (
        await read("/v1/suppressions/check", {
          method: "POST",
          headers: json,
          body: JSON.stringify({ addresses: [ANN.toUpperCase(), "x@y.z"] }),
        })
      ).json();
    expect(await check()).toMatchObject({
      addresses: [{ suppressed: true, reason: "complaint", scope: null }, { suppressed: false }],
    });
    const path = `/v1/suppressions/${encodeURIComponent(ANN)}`;
    expect(await (await read(path)).json()).toMatchObject({
      suppressed: true,
      suppression: { reason: "complaint", event: "erased", source: "erasure" },
    });
    expect((await read(`/v1/contacts/${encodeURIComponent(ANN)}`)).status).toBe(404);
    await deliver(
      await messagesOf(both({ event: "sent", time: Math.floor(Date.now() / 1000), MessageID: 77 })),
    );
    expect(await (await read(`/v1/contacts/${encodeURIComponent(ANN)}`)).json()).toMatchObject({
      status: "suppressed",
    });
    expect((await read(`${path}?reason=hard_bounce`, { method: "DELETE" })).status).toBe(404);
    expect((await read(path, { method: "DELETE" })).status).toBe(200);
    expect(await check()).toMatchObject({ addresses: [{ suppressed: false }, { suppressed: false }] });
    const body = JSON.stringify({ from: "2026-09-01", to: "2026-10-01" });
    const recount = await (await read("/v1/stats/recount", { method: "POST", headers: json, body })).json();
    expect(recount).toMatchObject({ status: "done", differing: 0 });
  });

  it("is hashed with one key, which concurrent first uses create only once", async () => {
    const own = (): R2Bucket =>
      new Proxy(env.BUCKET, {
        get: (bucket, name) => {
          const value: unknown = Reflect.get(bucket, name, bucket);
          return typeof value === "function"
            ? (...args: unknown[]): unknown => Reflect.apply(value, bucket, args)
            : value;
        },
      });
    await env.BUCKET.delete("keys/erasure");
    const hashes = await Promise.all(Array.from({ length: 5 }, async () => await hashOf(own(), ANN)));
    expect(new Set(hashes).size).toBe(1);
    expect(await hashOf(own(), JOANN)).not.toBe(hashes[0]);
    expect(await objects("keys/")).toEqual(["keys/erasure"]);
  });
});

describe("the tombstone", () => {
  it("stays for 35 days, and then the object is deleted", async () => {
    await deliver(await messagesOf(both()));
    await erase();
    await settle();
    const stub = env.CONTACTS.getByName(ANN);
    const keys = async (): Promise<number> =>
      await runInDurableObject(stub, (_, { storage }) => [...storage.kv.list()].length);
    pass(33 * DAY);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await keys()).toBe(1);
    pass(5 * DAY);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await keys()).toBe(0);
    await runScheduled();
    expect(await figure("SELECT count(*) AS n FROM erasures WHERE hash IS NOT NULL")).toBe(0);
  });
});

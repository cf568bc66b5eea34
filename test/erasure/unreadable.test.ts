// Objects of the bucket that cannot be read, or are long: they hold up no erasure.

import { env } from "cloudflare:workers";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fromLine, toLine, type Envelope } from "../../src/model/envelope.ts";
import { linesOf, zipLines } from "../../src/store/bucket/lines.ts";
import { randomText, seeded } from "../support/random.ts";
import { expectLogs } from "../support/log.ts";
import {
  deliver,
  envWith,
  figure,
  mailjetEvent,
  messagesOf,
  objects,
  rows,
  runScheduled,
} from "../support/support.ts";
import {
  ANN,
  ask,
  both,
  erase,
  freshWithKey,
  JOANN,
  MINUTE,
  pass,
  receipt,
  settle,
  traces,
  type Receipt,
} from "./asking.ts";

beforeEach(async () => {
  await freshWithKey();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

afterEach(() => void vi.useRealTimers());

/** Bindings whose bucket does not give the objects with these keys. */
function without(keys: readonly string[]): Env {
  const bucket = new Proxy(env.BUCKET, {
    get: (from, name) => {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        if (name === "get" && keys.some((key) => key === args[0])) throw new Error("internal error (10001)");
        return await (Reflect.apply(value, from, args) as Promise<unknown>);
      };
    },
  });
  return envWith({ BUCKET: bucket });
}

describe("an object that is no gzipped text", () => {
  it.each([
    ["random bytes", new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])],
    ["cut off", gzipSync(randomText(2_000, seeded("cut off"))).subarray(0, 700)],
    ["nothing", new Uint8Array(0)],
  ])("%s: is passed over and noted in the receipt, and everything else is erased", async (_, bytes) => {
    expectLogs(/an erasure passed over an object/);
    await deliver(await messagesOf(both()));
    const [good = ""] = await objects("archive/");
    const key = `${good.slice(0, good.lastIndexOf("/"))}/0.ndjson.gz`;
    await env.BUCKET.put(key, bytes);
    await deliver(await messagesOf(both({ event: "click", url: "https://example.com" })));
    const { id } = await erase();
    await settle();
    expect(await receipt(id)).toMatchObject({
      status: "done",
      removed: { events: 2, archive: { objects_rewritten: 2, objects_unreadable: 1, unreadable: [key] } },
    });
    await env.BUCKET.delete(key);
    expect(await traces(ANN)).toEqual([]);
  });
});

describe("an object that the bucket does not give", () => {
  it("is erased once the bucket gives it again, and nothing is passed over", async () => {
    expectLogs(/an erasure waits for an object/);
    for (const time of [1_790_000_000, 1_790_000_001, 1_790_000_002])
      await deliver(await messagesOf(both({ time })));
    const keys = await objects("archive/");
    const { id } = await (await ask(ANN, "", without(keys.slice(1, 2)))).json<Receipt>();
    expect((await receipt(id)).removed.archive).toMatchObject({
      objects_rewritten: 2,
      objects_unreadable: 0,
    });
    for (let n = 0; n < 3; n++) {
      pass(21 * MINUTE);
      await runScheduled(without(keys.slice(1, 2)));
      expect((await receipt(id)).status).toBe("running");
    }
    await settle();
    expect(await receipt(id)).toMatchObject({
      status: "done",
      removed: { archive: { objects_rewritten: 3, objects_unreadable: 0, unreadable: [] } },
    });
    expect(await traces(ANN)).toEqual([]);
  });

  it("is passed over after many tries in more than an hour, for other erasures too", async () => {
    expectLogs(/an erasure (waits for|passed over) an object/);
    for (const time of [1_790_000_000, 1_790_000_001]) await deliver(await messagesOf(both({ time })));
    const [bad = ""] = await objects("archive/");
    const ids: string[] = [];
    for (const address of [ANN, JOANN])
      ids.push((await (await ask(address, "", without([bad]))).json<Receipt>()).id);
    for (let n = 0; n < 12; n++) {
      pass(10 * MINUTE);
      await runScheduled(without([bad]));
    }
    for (const id of ids)
      expect(await receipt(id)).toMatchObject({
        status: "done",
        removed: { archive: { objects_rewritten: 1, objects_unreadable: 1, unreadable: [bad] } },
      });
    expect(await figure("SELECT count(*) AS n FROM erasures WHERE contact IS NOT NULL")).toBe(0);
  });

  it("is no reason to pass over objects during an outage of the bucket, however long it lasts", async () => {
    expectLogs(/a job failed/, /a request met an outage/);
    for (const time of [1_790_000_000, 1_790_000_001]) await deliver(await messagesOf(both({ time })));
    const keys = await objects("archive/");
    await ask(ANN, "", without(keys));
    for (let n = 0; n < 15; n++) {
      pass(10 * MINUTE);
      await runScheduled(without(keys));
    }
    await settle();
    expect(await rows("SELECT unreadable FROM erasures")).toEqual([{ unreadable: 0 }]);
    expect(await traces(ANN)).toEqual([]);
  });
});

describe("a long object", () => {
  it("is rewritten line by line, and every other line stays as it is", async () => {
    const envelope = (id: string, body: string | Uint8Array): Envelope => ({
      id,
      source: "mailjet",
      provider: "mailjet",
      receivedAt: Date.now(),
      method: "POST",
      url: "https://edge.example/webhooks/mailjet",
      headers: [],
      body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    });
    const filler = randomText(700_000, seeded("a long object"));
    const lines = [
      toLine(envelope("1", JSON.stringify([mailjetEvent({ email: JOANN, Payload: filler })]))),
      toLine(
        envelope(
          "2",
          JSON.stringify([mailjetEvent({ email: ANN, Payload: filler }), mailjetEvent({ email: JOANN })]),
        ),
      ),
      `{"damaged": "${ANN}`,
      toLine(envelope("3", new Uint8Array([0xff, 0xfe, 0x00]))),
      "",
    ];
    await deliver(await messagesOf(both()));
    const [key = ""] = await objects("archive/");
    await env.BUCKET.put(key, gzipSync(lines.join("\n")));
    const { id } = await erase();
    await settle();
    expect((await receipt(id)).removed.archive).toMatchObject({ objects_rewritten: 1, elements: 2 });
    const left = gunzipSync((await (await env.BUCKET.get(key))?.bytes()) ?? "")
      .toString()
      .split("\n");
    expect(left.map((line) => (line === "" ? "" : line.slice(0, 12)))).toEqual(
      lines.map((line) => (line === "" ? "" : line.slice(0, 12))),
    );
    expect([left[0], left[3], left[4]]).toEqual([lines[0], lines[3], lines[4]]);
    expect(left[2]).toBe('{"damaged": "erased@tidings.invalid');
    const body = new TextDecoder().decode(fromLine(left[1] ?? "").body);
    expect(JSON.parse(body)).toEqual([null, mailjetEvent({ email: JOANN })]);
  });

  it("gives the same lines as a short one, wherever its chunks end", async () => {
    const random = seeded("chunks");
    for (const length of [10, 400_000, 1_200_000]) {
      const lines = Array.from({ length: 40 }, (_, i) => `${i} ä€😀 ${randomText(length / 40, random)}`);
      const zipped = gzipSync(lines.join("\n"));
      const read: string[] = [];
      for await (const line of linesOf(zipped)) read.push(line);
      expect(read).toEqual(lines);
      const again = await zipLines(linesOf(zipped), lines.join("\n").length);
      expect(gunzipSync(again).toString()).toBe(lines.join("\n"));
    }
  });
});

// /v1/dead-letters: listing, discarding and replaying dead letters.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  askApi,
  capture,
  deliver,
  envWith,
  figure,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
} from "../support/support.ts";

describe("dead letters", () => {
  beforeEach(freshStorage);
  const ask = async (path: string, method: string, bindings = envWith()) =>
    await askApi(method, `/v1/dead-letters${path}`, undefined, bindings);

  it("are listed page by page with their reasons, and each can be read with its whole delivery", async () => {
    await deliver(
      await messagesOf(mailjetPost(JSON.stringify([1, 2, 3, mailjetEvent()])), mailjetPost("{broken")),
    );
    const seen = new Map<string, string>();
    let after = "";
    let listed = 0;
    for (let turn = 0; turn < 5; turn++) {
      const { dead_letters, next } = await (
        await ask(`?limit=3${after}`, "GET")
      ).json<{ dead_letters: { id: string; reason: string }[]; next: string | null }>();
      for (const { id, reason } of dead_letters) seen.set(reason, id);
      listed += dead_letters.length;
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(listed).toBe(4);
    expect([...seen.keys()].sort()).toEqual(["the body is not JSON", "the element is not an object"]);
    const whole = await (
      await ask(`/${seen.get("the body is not JSON")}`, "GET")
    ).json<{ raw: string; delivery: { body: { text: string } } }>();
    expect([whole.raw, whole.delivery.body.text]).toEqual(["{broken", "{broken"]);
  });

  it("can be discarded one by one; the delivery is deleted with its last dead letter", async () => {
    await deliver(await messagesOf(mailjetPost("[1,2]")));
    const { dead_letters } = await (await ask("", "GET")).json<{ dead_letters: { id: string }[] }>();
    for (const [i, { id }] of dead_letters.entries()) {
      expect((await ask(`/${id}`, "DELETE")).status).toBe(204);
      expect((await env.BUCKET.list({ prefix: "dead-letters/" })).objects).toHaveLength(i === 0 ? 1 : 0);
    }
    expect((await ask(`/${dead_letters[0]?.id}`, "DELETE")).status).toBe(404);
  });

  it("can be replayed after a fix: the missing event is stored, the dead letter is deleted, and no event is stored twice", async () => {
    const [message] = await messagesOf(
      mailjetPost(JSON.stringify([mailjetEvent(), mailjetEvent({ event: "click", email: "b@example.com" })])),
    );
    const broken = Buffer.from(message ?? [])
      .toString("latin1")
      .replace('"provider":"mailjet"', '"provider":"mailjex"');
    await deliver([Buffer.from(broken, "latin1")]);
    const { dead_letters } = await (
      await ask("", "GET")
    ).json<{ dead_letters: { id: string; envelope: string }[] }>();
    expect(dead_letters).toHaveLength(1);
    // The fix: the same delivery, read by a provider that exists.
    const { putDeadEnvelope, getDeadEnvelope } = await import("../../src/store/dead-letters.ts");
    const envelope = await getDeadEnvelope(env.BUCKET, dead_letters[0]?.envelope ?? "");
    if (envelope === null) throw new Error("no envelope");
    await putDeadEnvelope(env.BUCKET, { ...envelope, provider: "mailjet" });
    const { queue, bodies } = capture();
    expect((await ask(`/${dead_letters[0]?.id}/replay`, "POST", envWith({ QUEUE: queue }))).status).toBe(202);
    const marked = await (await ask("", "GET")).json<{ dead_letters: { replayed_at: string | null }[] }>();
    expect(marked.dead_letters[0]?.replayed_at).not.toBeNull();
    await deliver([...bodies, ...bodies]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(2);
    expect(await figure("SELECT sum(n) AS n FROM rollups")).toBe(2);
    expect(await figure("SELECT count(*) AS n FROM dead_letters")).toBe(0);
    expect((await env.BUCKET.list({ prefix: "dead-letters/" })).objects).toHaveLength(0);
  });

  interface Letter {
    id: string;
    status: string;
    reason: string;
    replays: number;
    replayed_at: string | null;
    failed_at: string | null;
  }
  const list = async (): Promise<Letter[]> =>
    (await (await ask("", "GET")).json<{ dead_letters: Letter[] }>()).dead_letters;
  const bulk = async (path: string, body: unknown, bindings = envWith()) =>
    await askApi("POST", `/v1/dead-letters/${path}`, body, bindings);

  it("keep the times and the number of their replays when these fail, with the latest reason", async () => {
    await deliver(await messagesOf(mailjetPost("[1]")));
    const [first] = await list();
    expect(first).toMatchObject({ status: "waiting", replays: 0, replayed_at: null, failed_at: null });
    for (const replays of [1, 2]) {
      const { queue, bodies } = capture();
      await ask(`/${first?.id}/replay`, "POST", envWith({ QUEUE: queue }));
      expect((await list())[0]).toMatchObject({ status: "replaying", replays });
      await deliver(bodies);
      await deliver(bodies); // the platform may deliver a message twice
      const [letter, ...others] = await list();
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ status: "failed", replays, reason: "the element is not an object" });
      expect(Date.parse(letter?.failed_at ?? "")).toBeGreaterThanOrEqual(
        Date.parse(letter?.replayed_at ?? ""),
      );
    }
  });

  it("can be replayed and discarded by filter, with a dry run, step by step", async () => {
    const many = Array.from({ length: 205 }, (_, i) => i);
    await deliver(
      await messagesOf(
        mailjetPost(JSON.stringify([...many, mailjetEvent()])),
        mailjetPost("{broken"),
        mailjetPost("[1]", "/webhooks/observed", {
          headers: { authorization: "Bearer observed-token-of-the-tests" },
        }),
      ),
    );
    const dry = await (await bulk("replay", { source: "mailjet", dry_run: true })).json();
    expect(dry).toMatchObject({
      dry_run: true,
      dead_letters: 206,
      deliveries: 2,
      reasons: [
        { source: "mailjet", reason: "the element is not an object", count: 205 },
        { source: "mailjet", reason: "the body is not JSON", count: 1 },
      ],
    });
    expect((await list()).every(({ replays }) => replays === 0)).toBe(true);
    const { queue, bodies } = capture();
    const bindings = envWith({ QUEUE: queue });
    const one = await (await bulk("replay", { source: "mailjet" }, bindings)).json<{ next: string | null }>();
    expect(one).toMatchObject({ dead_letters: 200, deliveries: 1 });
    const two = await bulk("replay", { source: "mailjet", after: one.next }, bindings);
    expect(await two.json()).toMatchObject({ dead_letters: 6, deliveries: 2, next: null });
    await deliver(bodies);
    expect(await figure("SELECT count(*) AS n FROM dead_letters WHERE failed_at >= replayed_at")).toBe(206);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);

    expect((await bulk("discard", {})).status).toBe(400);
    expect((await bulk("discard", { dry_run: true })).status).toBe(400);
    const past = { to: "2020-01-01", source: "mailjet" };
    expect(await (await bulk("discard", past)).json()).toMatchObject({ dead_letters: 0, next: null });
    const reason = "the body is not";
    expect(await (await bulk("discard", { reason, dry_run: true })).json()).toMatchObject({
      dead_letters: 1,
    });
    expect(await (await bulk("discard", { reason })).json()).toMatchObject({ dead_letters: 1, next: null });
    for (let after: string | null | undefined; after !== null;) {
      const step = await bulk("discard", {
        source: "mailjet",
        from: "2020-01-01",
        ...(after === undefined ? {} : { after }),
      });
      after = (await step.json<{ next: string | null }>()).next;
    }
    expect((await list()).map(({ id }) => id)).toHaveLength(1);
    expect((await env.BUCKET.list({ prefix: "dead-letters/" })).objects).toHaveLength(1);
  });

  it("keep a delivery whose other dead letters do not match, and tell those whose delivery is gone", async () => {
    await deliver(await messagesOf(mailjetPost(JSON.stringify([1, mailjetEvent({ event: "" })]))));
    const reasons = (await list()).map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(2);
    await bulk("discard", { reason: reasons[0] });
    expect((await env.BUCKET.list({ prefix: "dead-letters/" })).objects).toHaveLength(1);
    const [object] = (await env.BUCKET.list({ prefix: "dead-letters/" })).objects;
    await env.BUCKET.delete(object?.key ?? "");
    expect(await (await bulk("replay", {})).json()).toMatchObject({
      dead_letters: 1,
      deliveries: 0,
      gone: 1,
    });
  });

  it("whose delivery is gone can still be read, but a replay answers 409", async () => {
    await deliver(await messagesOf(mailjetPost("[1]")));
    const [object] = (await env.BUCKET.list({ prefix: "dead-letters/" })).objects;
    await env.BUCKET.delete(object?.key ?? "");
    const { dead_letters } = await (await ask("", "GET")).json<{ dead_letters: { id: string }[] }>();
    expect((await ask(`/${dead_letters[0]?.id}/replay`, "POST")).status).toBe(409);
    expect((await ask(`/${dead_letters[0]?.id}`, "GET")).status).toBe(200);
  });
});

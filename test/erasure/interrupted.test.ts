// Erasure between any two calls of another run, and with any call failing: in the end no trace of the address is left.
// The simulation also erases contacts, but cannot replace this suite. Its senders are the dialects of the demo, whose
// bodies a parser can read: no address stands in an unreadable element, in a body that is no JSON or within a longer
// address, which is where an erasure can go wrong. And it draws the call at which a run is interrupted, where the first
// two tests here visit every call.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAULT, faulty, interrupted, type Fault } from "../support/faults.ts";
import {
  capture,
  DEAD_QUEUE,
  deliver,
  envWith,
  figure,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
  runScheduled,
  send,
} from "../support/support.ts";
import {
  ANN,
  JOANN,
  MINUTE,
  ask,
  both,
  freshWithKey,
  others,
  pass,
  settle,
  traces,
  withStandingClock,
} from "./asking.ts";
import { expectLogs } from "../support/log.ts";

withStandingClock();

describe("an erasure and a consumer that interrupt each other", () => {
  const requests = (): Request[] => [
    both({ event: "bounce", hard_bounce: true }),
    mailjetPost(
      JSON.stringify([
        mailjetEvent({ email: ANN, event: "" }),
        mailjetEvent({ email: JOANN, time: 1_790_000_007 }),
      ]),
    ),
  ];
  /** Delivers the messages left in the queue again, and expects the final state. */
  const deliverAgain = async (bodies: readonly Uint8Array[]): Promise<void> => {
    expect((await deliver(bodies)).acked).toHaveLength(bodies.length);
    await settle();
    expect(await traces(ANN)).toEqual([]);
    expect(await rows("SELECT contact FROM events ORDER BY at")).toEqual([
      { contact: JOANN },
      { contact: JOANN },
    ]);
    expect(await figure("SELECT count(*) AS n FROM suppressions")).toBe(1);
  };

  it("leave no trace of the address if the erasure runs between any two calls of the consumer", async () => {
    expectLogs(/could not be processed[^]*integer overflow/);
    let calls = Infinity;
    let retried = 0;
    for (let k = 1; k <= calls; k++) {
      await freshWithKey();
      const bodies = await messagesOf(...requests());
      const consumer = interrupted(envWith(), k, ask);
      const outcome = await deliver(bodies, consumer.bindings);
      calls = consumer.calls();
      retried += outcome.retried.length;
      await deliverAgain(outcome.retried.flatMap((index) => bodies[index] ?? []));
    }
    expect(calls).toBeGreaterThan(5);
    // The transaction that would have brought the contact back was refused.
    expect(retried).toBeGreaterThan(0);
  });

  it("leave no trace of the address if the consumer runs between any two calls of the erasure", async () => {
    let calls = Infinity;
    for (let k = 1; k <= calls; k++) {
      await freshWithKey();
      const bodies = await messagesOf(...requests());
      let left = bodies;
      const erasure = interrupted(envWith(), k, async () => {
        const { retried } = await deliver(bodies);
        left = retried.flatMap((index) => bodies[index] ?? []);
      });
      expect((await ask(ANN, "", erasure.bindings)).status).toBe(202);
      calls = erasure.calls();
      await deliverAgain(left);
    }
    expect(calls).toBeGreaterThan(5);
  });
});

/**
 * The outcome of a run, or null a moment after its process has died. It is waited for however long it takes: a run that
 * went on while 21 minutes pass would be older than any invocation gets.
 */
async function unlessDead<T>(run: Promise<T>, dead: () => boolean): Promise<T | null> {
  const own = { isOver: false };
  const death = async (): Promise<null> => {
    while (!dead() && !own.isOver) await sleep(20);
    await sleep(100);
    return null;
  };
  const ended = run.finally(() => {
    own.isOver = true;
  });
  return await Promise.race([ended, death()]);
}

const sleep = async (ms: number): Promise<void> =>
  await new Promise((resolve) => void setTimeout(resolve, ms));

describe("with failures at any call and in any order", () => {
  const post = fc.record({
    kind: fc.constant("post" as const),
    shape: fc.constantFrom("both", "ann", "unread", "form", "garbage", "joann"),
    event: fc.constantFrom("sent", "spam", "bounce"),
    time: fc.nat(2),
    at: fc.constantFrom("queue", "spool"),
  });
  const act = fc.oneof(
    { weight: 5, arbitrary: post },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("consume" as const), most: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 3, arbitrary: fc.constant({ kind: "erase" as const }) },
    { weight: 2, arbitrary: fc.constant({ kind: "run" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "bury" as const }) },
  );
  const step = fc.record({
    acts: fc.array(act, { minLength: 1, maxLength: 3 }),
    wait: fc.constantFrom(1, 1_000, 21 * MINUTE),
    fails: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 14 })),
    fault: fc.constantFrom<Fault>("before", "after", "death"),
  });
  const TYPES = { sent: "delivered", spam: "complained", bounce: "bounced" };
  const SHAPES: Record<string, (event: object) => Request> = {
    both: (event) => both(event as Record<string, unknown>),
    ann: (event) => mailjetPost(JSON.stringify({ ...mailjetEvent(), ...event, email: "Ann@EXAMPLE.com" })),
    joann: (event) => mailjetPost(JSON.stringify({ ...mailjetEvent(), ...event, email: JOANN })),
    unread: (event) =>
      mailjetPost(JSON.stringify([{ ...mailjetEvent(), ...event, event: "" }, { x: JOANN }, 1])),
    garbage: () => mailjetPost(`not JSON, of ANN%40example.com`),
    form: () =>
      new Request(
        "https://edge.example/webhooks/jangomail?token=jango-token-of-the-tests&event=open&email=ann%40example.com&time=2026-10-01",
      ),
  };

  it("an erasure leaves no trace of the address in the end, and other contacts keep every event and count", async () => {
    expectLogs(FAULT, /no answer within/, /nothing took it/, /could not be processed[^]*integer overflow/);
    let events = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
        await freshWithKey();
        let waiting: Uint8Array[] = [];
        const expected = new Set<string>();
        const run = async (
          acts: (typeof steps)[number]["acts"],
          bindings: Env,
          dead = () => false,
        ): Promise<void> => {
          // What the queue took it has, even from a run that died after it.
          const { queue, bodies } = capture();
          const all = acts.map(async (act) => {
            if (act.kind === "post") {
              const event = { event: act.event, hard_bounce: true, time: 1_790_000_000 + act.time };
              const request = SHAPES[act.shape]?.(event) ?? both();
              const path =
                act.at === "spool" ? request.url.replace("/webhooks", "/backup/webhooks") : request.url;
              const answer = await send(new Request(path, request), {
                ...bindings,
                QUEUE: queue as Queue,
              }).catch(() => null);
              if (answer?.status === 200 && (act.shape === "both" || act.shape === "joann"))
                expected.add(`${TYPES[act.event]} ${event.time * 1000}`);
            } else if (act.kind === "erase") await ask(ANN, "", bindings);
            else if (act.kind === "run")
              await runScheduled({ ...bindings, QUEUE: queue as Queue }).catch(() => {});
            else {
              const taken = waiting.splice(0, act.kind === "bury" ? 1 : act.most);
              const end = act.kind === "bury" ? { queue: DEAD_QUEUE } : {};
              // A run that died has acknowledged nothing that the queue heard of.
              const outcome = await unlessDead(deliver(taken, bindings, end), dead);
              const acked = new Set(outcome?.acked);
              waiting.push(...taken.filter((_, index) => !acked.has(index)));
            }
          });
          await unlessDead(Promise.all(all), dead);
          waiting.push(...bodies);
        };
        for (const { acts, wait, fails, fault } of steps) {
          pass(wait);
          const own = faulty(envWith(), fails, fault);
          await run(acts, own.bindings, () => own.dead());
        }
        // Asked for a last time, and from then on nothing fails.
        pass(1);
        expect((await ask()).status).toBe(202);
        for (let n = 0; n < 6; n++) {
          pass(21 * MINUTE);
          await run([{ kind: "run" }], envWith());
          while (waiting.length > 0)
            waiting = waiting.slice((await deliver(waiting.slice(0, 100))).acked.length);
        }
        expect(await figure("SELECT count(*) AS n FROM erasures WHERE finished_at IS NULL")).toBe(0);
        expect(await traces(ANN)).toEqual([]);
        // Nothing of the others is lost or counted twice: the counters hold each of their events once.
        const stored = await rows<{ name: string }>("SELECT type || ' ' || at AS name FROM events");
        const names = new Set(stored.map(({ name }) => name));
        expect(names.size).toBe(stored.length);
        const buried = steps.some(({ acts }) => acts.some(({ kind }) => kind === "bury"));
        if (!buried) expect([...expected].filter((name) => !names.has(name))).toEqual([]);
        const counted = await figure(
          `SELECT count(*) AS n FROM (SELECT at / 300000 * 300000 AS bucket, type, count(*) AS n FROM events GROUP BY 1, 2) AS e
           LEFT JOIN (SELECT bucket, type, sum(n) AS n FROM rollups GROUP BY 1, 2) AS r USING (bucket, type)
           WHERE r.n IS NULL OR r.n < e.n`,
        );
        expect(counted).toBe(0);
        events += stored.length;
        for (const raw of ((await others(ANN)) as { raws: { email: string }[] }).raws)
          expect(raw.email).toBe(JOANN);
      }),
      {
        numRuns: 40,
        examples: [
          // An envelope is kept whole as a dead letter, and its row fails: nothing but the bucket knows of it then.
          [
            [
              { acts: [{ kind: "erase" }], wait: 1, fails: 4, fault: "before" },
              {
                acts: [{ kind: "run" }, { kind: "post", shape: "both", event: "sent", time: 0, at: "queue" }],
                wait: 21 * MINUTE,
                fails: 0,
                fault: "before",
              },
              { acts: [{ kind: "bury" }], wait: 1, fails: 3, fault: "before" },
            ],
          ],
        ],
      },
    );
    expect(events).toBeGreaterThan(10);
  }, 300_000);
});

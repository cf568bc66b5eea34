// Removing a source's data: what is left is what there would be if the source had never sent anything.

import { beforeEach, describe, expect, it, vi } from "vitest";
import { FAULT, faulty, type Fault } from "../support/faults.ts";
import { expectLogs } from "../support/log.ts";
import {
  askApi,
  deliver,
  envWith,
  figure,
  finalState,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  read,
  runScheduled,
} from "../support/support.ts";
import { recount } from "../api/stats/told.ts";
import { freshWithKey, MINUTE, pass, withStandingClock } from "./asking.ts";

interface Receipt {
  id: string;
  status: string;
  settles_at: string | null;
  removed: Record<string, number> & { archive: Record<string, number> };
}

withStandingClock();
beforeEach(() => expectLogs(/data of a source|a job did its work/));

const TOKEN = { headers: { authorization: "Bearer observed-token-of-the-tests" } };
const test = (...events: Record<string, unknown>[]): Request =>
  mailjetPost(JSON.stringify(events), "/webhooks/observed", TOKEN);
const real = (...events: Record<string, unknown>[]): Request => mailjetPost(JSON.stringify(events));

const at = (minutes: number): number => 1_790_000_000 + 60 * minutes;
/** What the tests send before going live. */
const trial = (): Request[] => [
  test(
    mailjetEvent({ customcampaign: "spring", MessageID: 1, time: at(1) }),
    mailjetEvent({
      event: "bounce",
      hard_bounce: true,
      email: "test@example.com",
      MessageID: 2,
      time: at(2),
    }),
    mailjetEvent({ event: "spam", email: "both@example.com", MessageID: 3, time: at(3) }),
    mailjetEvent({ event: "", email: "bob@example.com" }),
  ),
  test(
    mailjetEvent({
      event: "click",
      customcampaign: "spring",
      MessageID: 1,
      time: at(4),
      url: "https://a.example/",
    }),
  ),
];
/** What another source says of some of the same people. */
const others = (): Request[] => [
  real(
    mailjetEvent({ customcampaign: "spring", MessageID: 11, time: at(5) }),
    mailjetEvent({ event: "unsub", email: "both@example.com", MessageID: 12, time: at(6) }),
    mailjetEvent({ event: "", email: "carl@example.com" }),
  ),
];

const remove = async (query = "?confirm=observed", bindings = envWith()): Promise<Response> =>
  await askApi("DELETE", `/v1/sources/observed/data${query}`, undefined, bindings);

/** Lets the other passes run; returns the receipt. */
async function settle(id: string): Promise<Receipt> {
  for (let passes = 0; passes < 2; passes++) {
    pass(21 * MINUTE);
    await runScheduled();
  }
  return await (await read(`/v1/removals/${id}`)).json<Receipt>();
}

async function stateOfOthersAlone(): Promise<Record<string, unknown>> {
  await deliver(await messagesOf(...others()));
  return await finalState();
}

describe("removing the data of a source", () => {
  it("leaves what there would be without the source, and tells what it removed", async () => {
    await deliver(await messagesOf(...trial(), ...others()));
    const before = await (await remove("?dry_run=true")).json<{ would_remove: Record<string, number> }>();
    expect(before.would_remove).toEqual({ events: 4, messages: 3, suppressions: 2, dead_letters: 1 });
    const answer = await remove();
    expect(answer.status).toBe(202);
    const receipt = await answer.json<Receipt>();
    expect(receipt).toMatchObject({
      source: "observed",
      status: "running",
      removed: { events: 4, messages: 3, suppressions: 2, dead_letters: 1, contacts: 1 },
    });
    const left = await finalState();
    expect((await read("/v1/contacts/test%40example.com")).status).toBe(404);
    expect((await read("/v1/sources/observed")).status).toBe(404);
    expect(await recount({ from: "2026-09-01", to: "2026-09-30" })).toMatchObject({ differing: 0 });
    const done = await settle(receipt.id);
    expect(done).toMatchObject({
      status: "done",
      settles_at: null,
      removed: { events: 4, archive: { deliveries: 2 } },
    });
    expect(await finalState()).toEqual(left);
    await freshWithKey();
    expect(left).toEqual(await stateOfOthersAlone());
  });

  it("keeps an archived request of another source readable, and deletes objects in which nothing is left", async () => {
    await deliver(await messagesOf(...trial(), ...others()));
    await deliver(await messagesOf(test(mailjetEvent({ MessageID: 4, time: at(9) }))));
    expect(await objects("archive/")).toHaveLength(2);
    await remove();
    expect(await objects("archive/")).toHaveLength(1);
    expect(await objects("dead-letters/")).toHaveLength(1);
    const { events } = await (await read("/v1/events")).json<{ events: { id: string }[] }>();
    const { raw } = await (await read(`/v1/events/${events[0]?.id}`)).json<{ raw: { MessageID: number } }>();
    expect(raw.MessageID).toBe(11);
    const again = await askApi("POST", "/v1/history/renormalise", {
      from: "2026-01-01",
      to: "2026-12-31",
      apply: true,
    });
    expect(await again.json()).toMatchObject({ changed: 0, appeared: 0, vanished: 0 });
  });

  it("lets the same report count again when it is sent later", async () => {
    const bodies = await messagesOf(...trial());
    await deliver(bodies);
    const first = await finalState();
    await remove();
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(0);
    pass(MINUTE);
    await deliver(await messagesOf(...trial()));
    expect(await finalState()).toEqual(first);
  });

  it("keeps what is received after the request, and takes what was on its way, in the second pass", async () => {
    const late = await messagesOf(
      test(mailjetEvent({ event: "spam", email: "late@example.com", MessageID: 5 })),
    );
    await deliver(await messagesOf(...trial()));
    const { id } = await (await remove()).json<Receipt>();
    await deliver(late);
    pass(MINUTE);
    await deliver(await messagesOf(test(mailjetEvent({ email: "new@example.com", MessageID: 6 }))));
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(2);
    expect((await settle(id)).status).toBe("done");
    const { events } = await (await read("/v1/events")).json<{ events: { contact: string }[] }>();
    expect(events.map(({ contact }) => contact)).toEqual(["new@example.com"]);
    expect(await figure("SELECT count(*) AS n FROM suppressions")).toBe(0);
    expect(await recount({ from: "2026-09-01", to: "2026-09-30" })).toMatchObject({ differing: 0 });
    expect(await (await read("/v1/sources/observed")).json()).toMatchObject({ events: 1, outside: 1 });
  });

  it("ends with the same result if any call fails or the process dies, and a scheduled run goes on", async () => {
    expectLogs(FAULT);
    await deliver(await messagesOf(...trial(), ...others()));
    await remove();
    const right = { ...(await finalState()) };
    for (const fault of ["before", "death"] as const satisfies Fault[]) {
      let calls = Infinity;
      for (let k = 1; k <= calls; k++) {
        await freshWithKey();
        await deliver(await messagesOf(...trial(), ...others()));
        const world = faulty(envWith(), k, fault);
        const asked = remove("?confirm=observed", world.bindings);
        await Promise.race([asked, untilDead(world)]);
        if (world.calls() < k) calls = k;
        if ((await figure("SELECT count(*) AS n FROM removals")) === 0) continue; // it never began
        pass(MINUTE);
        await runScheduled();
        expect(await finalState(), `${fault} at call ${k}`).toEqual(right);
        const { removals } = await (await read("/v1/removals")).json<{ removals: Receipt[] }>();
        expect(removals[0]?.removed, `${fault} at call ${k}`).toMatchObject({
          events: 4,
          contacts: 1,
          suppressions: 2,
        });
      }
      expect(calls).toBeGreaterThan(5);
    }
  });

  it("takes the source's name as a confirmation, also where the source itself is to be deleted", async () => {
    await deliver(await messagesOf(...trial()));
    for (const query of ["", "?confirm=mailjet", "?confirm=yes"]) {
      const answer = await remove(query);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [{ parameter: "confirm" }] });
    }
    const deleted = await askApi("DELETE", "/v1/sources/observed");
    expect(deleted.status).toBe(400);
    expect(await deleted.text()).toContain("dry_run=true");
    const byEvents = await askApi("DELETE", "/v1/events?source=observed&dry_run=true");
    expect(await byEvents.json()).toMatchObject({ would_remove: { events: 4 } });
    expect((await askApi("DELETE", "/v1/events")).status).toBe(400);
    expect((await askApi("DELETE", "/v1/events?source=observed")).status).toBe(400);
    expect((await askApi("DELETE", "/v1/sources/nobody/data?confirm=nobody")).status).toBe(404);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(4);
  });
});

async function untilDead(world: { dead(): boolean }): Promise<void> {
  await vi.waitUntil(() => world.dead(), { timeout: 60_000, interval: 5 });
}

// What an object stored under older names stays readable: a pipe goes on where it was.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { encodePosition, positionAfter } from "../../src/store/feed-position.ts";
import { openRedeliveries } from "../../src/pipes/redeliveries.ts";
import { openState } from "../../src/pipes/state.ts";
import { ids, make, pass, people, show, store, withReceivers } from "./receivers.ts";

withReceivers();

/** A state as the first version stored it. */
const stored = (id: string, seq: number) => ({
  id,
  place: { events: seq, notices: 0 },
  ahead: ["an-id"],
  streak: 5,
  refusals: 3,
  down: { verdict: "unavailable", reason: "answered 503", since: 1, until: 2, looks: 4 },
  redeliveries: [{ id: "again", after: 0, last: 1, filter: null }],
  unevaluated: 7,
  delivered: 11,
  filtered: 12,
  given_up: 13,
  delivered_at: 14,
  failed_at: 15,
  failure: "answered 503",
});

it("reads a state that was stored under the names of the first version", async () => {
  const stub = env.PIPES.getByName("old");
  const [state, first] = await runInDurableObject(stub, (_, { storage }) => {
    storage.kv.put("state", stored("old", 3));
    const redeliveries = openRedeliveries(storage);
    return [openState(storage, redeliveries).load(), redeliveries.first()];
  });
  expect(first).toEqual({ id: "again", after: 0, last: 1, filter: null });
  expect(state).toEqual({
    id: "old",
    positions: { events: 3, notices: 0 },
    ahead: ["an-id"],
    consecutiveFailures: 5,
    consecutiveRefusals: 3,
    consecutiveDenials: 0,
    failing_since: null,
    discarded: 0,
    skipped: 0,
    circuit: { result: "unavailable", reason: "answered 503", since: 1, until: 2, probes: 4 },
    redeliveries: [],
    consecutiveFilterErrors: 7,
    delivered: 11,
    filtered: 12,
    given_up: 13,
    delivered_at: 14,
    failed_at: 15,
    failure: "answered 503",
  });
});

it("stores the state under today's names with the next write, and reads that", async () => {
  const stub = env.PIPES.getByName("old too");
  const [kept, read] = await runInDurableObject(stub, (_, { storage }) => {
    storage.kv.put("state", { ...stored("old too", 3), down: null });
    const state = openState(storage, openRedeliveries(storage));
    state.save(state.current());
    return [storage.kv.get<object>("state"), openState(storage, openRedeliveries(storage)).load()];
  });
  expect(Object.keys(kept ?? {}).toSorted()).toEqual(Object.keys(read ?? {}).toSorted());
  expect(read).toMatchObject({ circuit: null, consecutiveFailures: 5 });
  expect(kept).not.toHaveProperty("place");
});

it("goes on from an old state: behind its position, and with the redelivery that was under way", async () => {
  const pipe = await make("crm");
  const events = await store(people(5));
  const stub = env.PIPES.getByName(pipe);
  await stub.destroy();
  await runInDurableObject(stub, (_, { storage }) => storage.kv.put("state", stored(pipe, 3)));
  await pass();
  expect(ids("crm").toSorted()).toEqual([...events.slice(3), ...events.slice(0, 1)].toSorted());
  expect(await show(pipe)).toMatchObject({
    status: "running",
    health: { position: encodePosition(positionAfter(5)), behind: 0, delivered: 14, down: null },
  });
});

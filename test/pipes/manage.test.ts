// What people do with pipes, without HTTP: each failure has a code and what a caller needs to put it into words.

import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { PipeFailure } from "../../src/pipes/failure.ts";
import {
  createPipe,
  pauseByHand,
  removePipe,
  resumeByHand,
  rotateSecrets,
  sendSample,
  updatePipe,
  type NewPipe,
} from "../../src/pipes/manage.ts";
import { redeliver } from "../../src/pipes/redeliver/redeliver.ts";
import { showPipe, showPipes, showWaiting } from "../../src/pipes/show.ts";
import type { Result } from "../../src/lib/result.ts";
import { BEGINNING } from "../../src/store/feed-position.ts";
import { shardsOf } from "../../src/store/shards.ts";
import { envWith } from "../support/support.ts";
import { ids, pass, people, receivers, status, store, withReceivers } from "./receivers.ts";

withReceivers();

const wanted: NewPipe = {
  name: "crm",
  kind: "webhook",
  settings: { url: "https://crm.example.com/hook" },
  filter: null,
  start: "now",
  options: {},
};

/** The value of a result that must be a success. */
function valueOf<T>(result: Result<T, PipeFailure>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.reason));
  return result.value;
}

/** Creates the pipe; its id. */
const create = async (changes: Partial<NewPipe> = {}): Promise<string> =>
  valueOf(await createPipe(envWith(), { ...wanted, ...changes })).pipe.record.id;

describe("a pipe", () => {
  it("is created with defaults, shown, changed, paused, resumed and removed", async () => {
    const bindings = envWith();
    const { pipe, made } = valueOf(await createPipe(bindings, { ...wanted, options: { batch: 7 } }));
    const { id } = pipe.record;
    expect(made["signing_secret"]).toMatch(/^whsec_/);
    expect(pipe).toMatchObject({
      status: "running",
      secrets: ["headers", "signing_secrets"],
      record: { options: { batch: 7, concurrency: 4, rate: null, ordered: false, log_share: 0.005 } },
      health: { behind: 0, circuit: null },
    });
    const changed = valueOf(await updatePipe(bindings, id, { name: "crm2", options: { ordered: true } }));
    expect(changed.record).toMatchObject({ name: "crm2", options: { batch: 7, ordered: true } });
    expect(valueOf(await pauseByHand(bindings, id, "ann"))).toMatchObject({
      status: "paused",
      record: { paused: "paused by ann" },
    });
    expect(valueOf(await resumeByHand(bindings, id)).status).toBe("running");
    expect(Object.keys(valueOf(await rotateSecrets(bindings, id)).made)).toEqual(["signing_secret"]);
    expect(await showPipes(bindings, shardsOf(bindings))).toHaveLength(1);
    expect(valueOf(await removePipe(bindings, id))).toBeNull();
    expect(await showPipes(bindings, shardsOf(bindings))).toEqual([]);
  });

  it("starts at a position of the feed", async () => {
    const events = await store(people(3));
    await create({ start: { after: BEGINNING } });
    await pass();
    expect(ids("crm").toSorted()).toEqual(events.toSorted());
  });

  it("is failing while its circuit is open, and lists what waits", async () => {
    const id = await create();
    receivers.set("crm", () => status(503));
    await store(people(6));
    await pass();
    expect(valueOf(await showPipe(envWith(), shardsOf(env), id))).toMatchObject({
      status: "failing",
      health: { behind: 6, circuit: { result: "unavailable", probes: 1 } },
    });
    expect(valueOf(await showWaiting(envWith(), env.DB, id))).toEqual([]);
  });
});

describe("a failure", () => {
  it("names the pipe, the event, the kind or the setting at fault", async () => {
    const bindings = envWith();
    const id = await create();
    const scope = { from: 0, to: null, filter: null };
    const failures: [Promise<Result<unknown, PipeFailure>>, PipeFailure][] = [
      [createPipe(bindings, wanted), { code: "name_taken", name: "crm" }],
      [createPipe(bindings, { ...wanted, kind: "pigeon" }), { code: "no_kind", kind: "pigeon" }],
      [
        updatePipe(bindings, id, { settings: { urls: 1 }, options: {} }),
        { code: "wrong_settings", wrong: [{ setting: "urls", reason: "is not a setting of this kind" }] },
      ],
      [updatePipe(bindings, "none", { options: {} }), { code: "no_pipe", id: null }],
      [removePipe(bindings, "none"), { code: "no_pipe", id: null }],
      [sendSample(bindings, "none"), { code: "no_pipe", id: null }],
      [redeliver(bindings, [id, "none"], scope, { dryRun: true }), { code: "no_pipe", id: "none" }],
      [
        redeliver(bindings, [id], { events: ["nothing"] }, { dryRun: true }),
        { code: "no_event", id: "nothing" },
      ],
    ];
    for (const [asked, reason] of failures) expect(await asked).toEqual({ ok: false, reason });
  });

  it("tells a lost key from a pipe that is paused already", async () => {
    const id = await create();
    const none = envWith({ PIPE_KEYS: undefined });
    expect(await createPipe(none, { ...wanted, name: "other" })).toMatchObject({
      reason: { code: "no_key" },
    });
    expect(await sendSample(none, id)).toMatchObject({ reason: { code: "not_runnable" } });
    await pauseByHand(envWith(), id, "ann");
    expect(await pauseByHand(envWith(), id, "bob")).toEqual({
      ok: false,
      reason: { code: "already_paused" },
    });
  });

  it("keeps a change from undoing one that came first", async () => {
    const bindings = envWith();
    const id = await create();
    await create({ name: "taken" });
    expect(await updatePipe(bindings, id, { name: "taken", options: {} })).toEqual({
      ok: false,
      reason: { code: "changed_meanwhile" },
    });
    const both = await Promise.all(
      ["one", "two"].map(async (name) => await updatePipe(bindings, id, { name, options: {} })),
    );
    const names = both.flatMap((result) => (result.ok ? [result.value.record.name] : []));
    expect(names.length).toBeGreaterThan(0);
    expect(names).toContain(valueOf(await showPipe(bindings, shardsOf(bindings), id)).record.name);
  });
});

it("a redelivery counts what both filters pass, and gives the events again", async () => {
  const id = await create({ filter: 'type == "opened"' });
  const opened = await store(people(3));
  await store(people(2), "click");
  await pass();
  const scope = { from: 0, to: null, filter: 'contact != "p0@example.com"' };
  const counted = valueOf(await redeliver(envWith(), [id], scope, { dryRun: true }));
  expect(counted).toEqual({ id: null, pipes: [{ pipe: id, count: 2, complete: true }] });
  const asked = valueOf(await redeliver(envWith(), [id, id], scope, { dryRun: false }));
  expect(asked.pipes).toEqual(counted.pipes);
  await pass();
  expect(ids("crm").toSorted()).toEqual([...opened, ...opened.slice(1)].toSorted());
});

// Erasure: in the end no trace of the address is left, and all other contacts' data is unchanged.

import { beforeEach, describe, expect, it } from "vitest";
import { makeDurable } from "../../src/ingest/durable.ts";
import { decodeFrame } from "../../src/model/envelope.ts";
import {
  askApi,
  capture,
  DEAD_QUEUE,
  deliver,
  envWith,
  figure,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  objects,
  read,
  replay,
  rows,
  runScheduled,
  send,
} from "../support/support.ts";
import {
  ANN,
  DAY,
  JOANN,
  MINUTE,
  ask,
  both,
  erase,
  others,
  pass,
  receipt,
  settle,
  traces,
  withStandingClock,
  type Receipt,
} from "./asking.ts";
import { randomText, seeded } from "../support/random.ts";
import { expectLogs } from "../support/log.ts";

beforeEach(() => expectLogs(/job: 'spool'/));

/** A field that makes a delivery too long for a queue message, gzipped or not. */
const TOO_LONG = { Payload: randomText(160_000, seeded("too long for a message")) };

const iso = (ms: number): string => new Date(ms).toISOString();

withStandingClock();

describe("erasing a contact", () => {
  it("counts a contact who had events alone, and lists its receipt by its note, the latest first", async () => {
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ email: ANN })]))));
    await ask(ANN, "?note=first");
    pass(MINUTE);
    await ask(JOANN, "?note=second");
    const list = async (query: string) =>
      await (await read(`/v1/erasures${query}`)).json<{ erasures: Receipt[]; next: string | null }>();
    const { erasures } = await list("");
    expect(erasures.map(({ note, removed }) => [note, removed["contacts"]])).toEqual([
      ["second", 0],
      ["first", 1],
    ]);
    const page = await list("?limit=1");
    expect(page.erasures.map(({ note }) => note)).toEqual(["second"]);
    expect((await list(`?after=${page.next}`)).erasures.map(({ note }) => note)).toEqual(["first"]);
    expect((await read("/v1/erasures?after=x")).status).toBe(400);
  });

  it("removes it from the database, its object, the archive and the dead letters, and leaves other contacts unchanged", async () => {
    const unread = mailjetEvent({ email: "Ann@Example.com", event: "" });
    await deliver(
      await messagesOf(
        both(),
        both({ event: "spam", time: 1_790_000_100 }),
        mailjetPost(JSON.stringify([unread, { ...unread, email: JOANN }])),
        mailjetPost(`{broken, but about ${ANN}`),
      ),
    );
    await deliver(await messagesOf(both())); // repeats, that only the archive knows of
    const before = await others(ANN);
    expect((await traces(ANN)).length).toBeGreaterThan(5);

    const asked = await ask(ANN, "?note=ticket%204711");
    expect(asked.status).toBe(202);
    const first = await asked.json<Receipt>();
    expect(first).toMatchObject({
      status: "running",
      note: "ticket 4711",
      removed: { events: 2, messages: 1, contacts: 1, suppressions: 1, claims: 2, dead_letters: 2 },
      kept: { reason: "complaint" },
    });
    expect(first.removed.archive).toMatchObject({ objects_rewritten: 4, elements: 7 });
    expect(await traces(ANN)).toEqual([expect.stringMatching(/^erasures: /)]);
    expect((await read(`/v1/contacts/${ANN}`)).status).toBe(404);
    expect(await others(ANN)).toEqual(before);

    await settle();
    const done = await receipt(first.id);
    const { archive: _, ...removed } = first.removed;
    expect(done).toMatchObject({ status: "done", removed });
    expect(done.removed.archive).toMatchObject({ objects_rewritten: 4, elements: 7 });
    expect(Date.parse(done.copies_until ?? "") - Date.parse(done.finished_at ?? "")).toBe(30 * DAY);
    expect(await traces(ANN)).toEqual([]);
    expect(await others(ANN)).toEqual(before);
    // Asked again, it looks at what came since, which is nothing.
    const again = await erase();
    expect(again.id).not.toBe(first.id);
    await settle();
    expect(await receipt(again.id)).toMatchObject({
      status: "done",
      removed: { events: 0, claims: 0, dead_letters: 0, archive: { objects_rewritten: 0, elements: 0 } },
      kept: first.kept,
    });
    expect(await others(ANN)).toEqual(before);
    expect(await objects("dead-letters/")).toHaveLength(1);
  });

  it("does not stop deliveries that are received later, and erases them on a new request", async () => {
    await deliver(await messagesOf(both()));
    const { id } = await erase();
    await settle();
    await deliver(await messagesOf(both({ event: "click", url: "https://example.com" })));
    expect(await figure(`SELECT count(*) AS n FROM events WHERE contact = '${ANN}'`)).toBe(1);
    const again = await erase();
    expect(again.id).not.toBe(id);
    expect(again.removed).toMatchObject({ events: 1, claims: 1 });
    await settle();
    expect(await traces(ANN)).toEqual([]);
  });

  it("does not change a delivery that is received right after the request", async () => {
    await deliver(await messagesOf(both()));
    await erase();
    pass(1_000);
    await deliver(await messagesOf(both({ event: "click", url: "https://example.com" })));
    await settle();
    const [later] = await rows<{ id: string }>(`SELECT id FROM events WHERE contact = '${ANN}'`);
    expect(await (await read(`/v1/events/${later?.id}`)).json()).toMatchObject({
      type: "clicked",
      raw: { email: ANN },
    });
  });

  it("keeps a new event that arrives together with a repeat of an erased one, also when the archive is parsed again", async () => {
    await deliver(await messagesOf(both()));
    await erase();
    await settle();
    const news = mailjetEvent({ email: ANN, event: "click", url: "https://example.com" });
    await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ email: ANN }), news]))));
    const stored = await rows("SELECT id, contact, type FROM events ORDER BY seq");
    expect(stored).toMatchObject([{ contact: JOANN }, { contact: ANN, type: "clicked" }]);
    const range = { from: iso(Date.now() - DAY), to: iso(Date.now() + DAY) };
    const answer = await askApi("POST", "/v1/history/renormalise", { ...range, apply: true });
    expect(await answer.json()).toMatchObject({
      changed: 0,
      appeared: 0,
      vanished: 0,
    });
    expect(await rows("SELECT id, contact, type FROM events ORDER BY seq")).toEqual(stored);
  });

  it("keeps other contacts' elements of a delivery that had become a dead letter", async () => {
    await deliver(await messagesOf(both({ event: "sent" })), envWith(), { queue: DEAD_QUEUE });
    await erase();
    await settle();
    expect(await traces(ANN)).toEqual([]);
    const letters = await rows<{ id: string; raw: string }>("SELECT id, raw FROM dead_letters");
    expect(letters).toEqual([{ id: letters[0]?.id, raw: expect.stringContaining(JOANN) as string }]);
    const { queue, bodies } = capture();
    expect((await replay(letters[0]?.id, queue)).status).toBe(202);
    await deliver(bodies);
    expect(await rows("SELECT contact FROM events")).toEqual([{ contact: JOANN }]);
  });

  it("counts a repeat of an erased event as a repeat, not as a new event, however long its delivery", async () => {
    const post = (): Request =>
      mailjetPost(
        JSON.stringify([mailjetEvent({ ...TOO_LONG, email: ANN }), mailjetEvent({ email: JOANN })]),
      );
    for (const request of [both, post]) {
      await deliver(await messagesOf(request()));
      await erase();
      await settle();
      await deliver(await messagesOf(request()));
      expect(await traces(ANN)).toEqual([]);
    }
    expect(await figure("SELECT duplicates AS n FROM sources")).toBe(3);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(1);
  });

  it("erases an address that only the archive contains, and accepts an unknown address", async () => {
    const post = (): Request => mailjetPost(`garbage about ann%40Example.com and others`);
    await deliver(await messagesOf(post()));
    const { dead_letters } = await (
      await read("/v1/dead-letters")
    ).json<{ dead_letters: { id: string }[] }>();
    await askApi("DELETE", `/v1/dead-letters/${dead_letters[0]?.id}`);
    expect((await erase()).removed.archive["elements"]).toBe(1);
    expect((await erase("nobody@example.com")).removed).toMatchObject({ events: 0, claims: 0 });
    await settle();
    expect(await traces(ANN)).toEqual([]);
  });

  it("removes it from deliveries in flight: in the queue, too long for the queue, unparsable, or given up", async () => {
    const { queue, bodies } = capture();
    const long = (email: string): Record<string, unknown> => mailjetEvent({ ...TOO_LONG, email });
    for (const request of [
      both({ event: "bounce", hard_bounce: true }),
      mailjetPost(JSON.stringify([long(ANN), long(JOANN)])),
      mailjetPost(
        JSON.stringify([mailjetEvent({ email: ANN, event: "" }), mailjetEvent({ email: JOANN, event: "" })]),
      ),
    ])
      expect((await send(request, envWith({ QUEUE: queue }))).status).toBe(200);
    const given = await messagesOf(both({ event: "sent" }));
    await erase();
    await settle();
    await deliver(given, envWith(), { queue: DEAD_QUEUE });
    await runScheduled(); // which makes a dead letter of it
    await deliver(bodies);
    expect(await traces(ANN)).toEqual([]);
    expect(await rows("SELECT contact, type FROM events ORDER BY seq")).toEqual([
      { contact: JOANN, type: "bounced" },
      { contact: JOANN, type: "opened" },
    ]);
    // What is left of the given-up delivery can be replayed: the gap is no report.
    const letters = await rows<{ id: string }>("SELECT id FROM dead_letters WHERE element IS NULL");
    const replayed = capture();
    expect((await replay(letters[0]?.id, replayed.queue)).status).toBe(202);
    await deliver(replayed.bodies);
    expect(await rows("SELECT raw FROM dead_letters")).toEqual([
      { raw: expect.stringContaining(JOANN) as string },
    ]);
    expect(await figure("SELECT count(*) AS n FROM events")).toBe(3);
    expect(await traces(ANN)).toEqual([]);
  });

  it("is done only after the spool has been swept", async () => {
    const [message = new Uint8Array()] = await messagesOf(both());
    const frame = await decodeFrame(message);
    if (frame.batch !== null) throw new Error("too long");
    await makeDurable(envWith(), frame.envelope, "spool");
    const { id } = await erase();
    pass(21 * MINUTE);
    const stuck = capture();
    const failing = { ...stuck.queue, sendBatch: async () => await Promise.reject(new Error("no queue")) };
    await runScheduled(envWith({ QUEUE: failing })).catch(() => {});
    expect((await receipt(id)).status).toBe("running");
    await runScheduled(envWith({ QUEUE: stuck.queue }));
    await runScheduled();
    expect((await receipt(id)).status).toBe("done");
    await deliver(stuck.bodies);
    expect(await traces(ANN)).toEqual([]);
  });

  it("answers 400 to a note that contains the address and to wrong parameters, and 404 to an unknown receipt", async () => {
    for (const query of ["?note=for%20ANN%2540example.com", "?note=", "?nte=1", `?note=${"x".repeat(501)}`]) {
      const response = await ask(ANN, query);
      expect(response.status, query).toBe(400);
      expect(await response.text()).toMatch(/nte|note/);
    }
    expect((await ask("nobody")).status).toBe(400);
    expect((await read("/v1/erasures/none")).status).toBe(404);
    expect(await figure("SELECT count(*) AS n FROM erasures")).toBe(0);
  });
});

// Two versions run side by side during every deployment, and a deployment may be taken back. So what one version wrote,
// the next one must read: here are samples of every form that a version has written, as it wrote them. None of them is
// ever changed; a new form gets a new sample.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeFrame, fromLine, gunzip, toUnreadLine } from "../../src/model/envelope.ts";
import { buryGivenUp } from "../../src/process/given-up.ts";
import { decodePosition, encodePosition, moveBehind, positionAfter } from "../../src/store/feed-position.ts";
import { getDeadEnvelope } from "../../src/store/dead-letters.ts";
import { expectLogs } from "../support/log.ts";
import {
  capture,
  DEAD_QUEUE,
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
} from "../support/support.ts";
import { sweep } from "../../src/ingest/spool.ts";
import forms from "./landed-forms.json";

beforeEach(freshStorage);

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const frames = Object.values(forms.frames).map(bytesOf);
const archived = `archive/2026-09-21/${forms.archive.batch}.ndjson.gz`;
const contacts = async (): Promise<unknown[]> =>
  (await rows<{ contact: string }>("SELECT contact FROM events ORDER BY contact")).map(
    ({ contact }) => contact,
  );

describe("what earlier versions wrote is read", () => {
  const all = [1, 2, 3, 4, 5].map((n) => `c${n}@example.com`);

  it("from the queue: every form of a frame", async () => {
    await env.BUCKET.put(archived, bytesOf(forms.archive.object));
    expect((await deliver(frames)).acked).toEqual([0, 1, 2, 3, 4]);
    expect(await contacts()).toEqual(all);
    expect(await rows("SELECT outside FROM sources")).toEqual([{ outside: 1 }]);
  });

  it("from the spool, also under the ids of messages that were given up before", async () => {
    const [first = new Uint8Array(0), second = new Uint8Array(0)] = frames;
    await env.BUCKET.put("spool/01m3250v000000000000000000", first);
    await env.BUCKET.put("spool/again-5f3c", second);
    const { queue, bodies } = capture();
    expect(await sweep(envWith({ QUEUE: queue }))).toBe(2);
    expect((await deliver(bodies)).acked).toEqual([0, 1]);
    expect(await contacts()).toEqual(all.slice(0, 2));
  });

  it("from the dead-letter queue, where another version may have put it", async () => {
    expectLogs(/a given-up message/);
    await deliver(frames, envWith(), { queue: DEAD_QUEUE });
    expect(await buryGivenUp(envWith())).toBe(frames.length);
    expect(await rows("SELECT id FROM dead_letters ORDER BY id")).toEqual(
      ["env-gzip", "env-outside", "env-plain", "env-pointer", "env-replay"].map((id) => ({ id })),
    );
  });

  it("from the dead letters", async () => {
    for (const [form, { id, object }] of Object.entries(forms.deadLetters)) {
      await env.BUCKET.put(`dead-letters/${id}.json.gz`, bytesOf(object));
      const envelope = await getDeadEnvelope(env.BUCKET, id);
      const [last] = (JSON.parse(new TextDecoder().decode(envelope?.body)) as unknown[]).slice(-1);
      expect(last, form).toMatchObject({ event: "open", email: expect.stringMatching(/^c[678]@/) });
    }
  });

  it("from cursors: bare numbers of the first version, those of the second, and of several databases", () => {
    expect(decodePosition("17")).toEqual(positionAfter(17));
    expect(decodePosition("v2.MDoxNw")).toEqual(positionAfter(17));
    expect(encodePosition(positionAfter(17))).toBe("v2.MDoxNw");
    const both = moveBehind(positionAfter(17), { seq: 2 ** 40 + 5 });
    expect(decodePosition("v2.MDoxNywxOjU")).toEqual(both);
    expect(encodePosition(both)).toBe("v2.MDoxNywxOjU");
    expect(decodePosition("v3.anything")).toBeNull();
  });

  it("from a contact's object: claims, evidence, and the tombstone of an erasure", async () => {
    const now = Date.now();
    const evidence = { kind: "hard", at: now - 1_000, id: "0".repeat(42), source: "mailjet" };
    const facts = {
      hard: [],
      complaint: [],
      soft: [],
      good: [],
      forgotten: 0,
      list: [],
      entries: [],
      rulings: [],
    };
    const suppression = {
      reason: "hard_bounce",
      scope: "",
      event: evidence.id,
      source: "mailjet",
      at: evidence.at,
    };
    const untold = { by: null, note: null, lifted_at: null, lifted_by: null, lift_note: null, held: null };
    const kept = { kept: { reason: "complaint", at: 1 }, claims: 3 };
    const states = {
      "old@example.com": {
        facts: { ...facts, hard: [evidence] },
        version: 5,
        suppressions: [{ ...suppression, ...untold }],
        claims: [["key-one", "env-first", now - 1_000]],
      },
      "gone@example.com": {
        facts,
        version: 0,
        suppressions: [],
        claims: [],
        erased: { id: "erasure", at: now - 1_000, version: 7, ...kept },
      },
    };
    const answers = [];
    for (const [name, state] of Object.entries(states)) {
      const stub = env.CONTACTS.getByName(name);
      await runInDurableObject(stub, (_, { storage }) => {
        storage.kv.put("state", state);
        storage.kv.put("page:00000001", [["key-paged", "env-first", now - 2_000]]);
      });
      const claim = (key: string, origin: string) => ({ key, origin, evidence: null, received: now - 5_000 });
      answers.push(await stub.claim([claim("key-one", "env-other"), claim("key-paged", "env-first")]));
    }
    expect(answers).toMatchObject([
      { granted: [false, true], snapshot: { version: 5 } },
      { granted: [false, false], erased: [0, 1] },
    ]);
  });
});

describe("what this version writes, the one before reads", () => {
  it("frames and lines have no field that earlier versions do not know", async () => {
    const known = [
      "id",
      "source",
      "provider",
      "receivedAt",
      "method",
      "url",
      "headers",
      "outside",
      "replay",
      "erased",
      "credential", // which earlier versions keep with the envelope, and do not read
    ];
    const posts = [
      JSON.stringify([mailjetEvent()]),
      JSON.stringify([mailjetEvent({ noise: "x".repeat(90_000) })]),
    ];
    for (const frame of await messagesOf(...posts.map((body) => mailjetPost(body)))) {
      const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
      const header = JSON.parse(new TextDecoder().decode(frame.subarray(4, 4 + length))) as object;
      expect([...known, "gzip", "batch"]).toEqual(expect.arrayContaining(Object.keys(header)));
      expect((await decodeFrame(frame)).batch).toBeNull();
    }
  });

  it("what is kept unread has the form of a dead letter with bytes", async () => {
    const envelope = await getOf("with bytes");
    expect(toUnreadLine(envelope)).toBe(
      JSON.stringify({ ...headerOf(envelope), base64: base64Of(envelope.body) }),
    );
    expect(fromLine(toUnreadLine(envelope))).toEqual(envelope);
  });
});

async function getOf(form: keyof typeof forms.deadLetters) {
  return fromLine(new TextDecoder().decode(await gunzip(bytesOf(forms.deadLetters[form].object))));
}

function headerOf({ body: _, ...header }: Awaited<ReturnType<typeof getOf>>) {
  return header;
}

const base64Of = (body: Uint8Array): string => Buffer.from(body).toString("base64");

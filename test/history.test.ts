// Reading stored deliveries anew: what an older parser made of them is imitated by changing the rows; applying must lead to
// the state that the present parser would have made at once.

import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  deliver,
  finalState,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  read,
  rows,
} from "./support.ts";

interface Step {
  applied: boolean;
  objects: number;
  deliveries: number;
  events: number;
  rejects: number;
  changed: number;
  appeared: number;
  vanished: number;
  samples: { kind: string; id: string; before: { type: string } | null; after: { type: string } | null }[];
  next: string | null;
}

const YEAR = {
  from: new Date(Date.now() - 30 * 86_400_000).toISOString(),
  to: new Date(Date.now() + 86_400_000).toISOString(),
};

const ask = async (body: Record<string, unknown>): Promise<Response> =>
  await read("/v1/history/renormalise", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...YEAR, ...body }),
  });

/** All steps of a walk, added up. */
async function walk(body: Record<string, unknown> = {}): Promise<Omit<Step, "next" | "applied">> {
  const sum = { objects: 0, deliveries: 0, events: 0, rejects: 0, changed: 0, appeared: 0, vanished: 0 };
  const samples: Step["samples"] = [];
  for (let after: string | undefined; ;) {
    const response = await ask({ ...body, ...(after === undefined ? {} : { after }) });
    expect(response.status).toBe(200);
    const step = await response.json<Step>();
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += step[key];
    samples.push(...step.samples);
    if (step.next === null) return { ...sum, samples };
    after = step.next;
  }
}

const KINDS = ["sent", "open", "click", "bounce", "spam", "unsub"];

/** Three archive objects of several deliveries, with repeats between them. */
async function fillHistory(): Promise<void> {
  const event = (i: number) =>
    mailjetEvent({
      event: KINDS[i % KINDS.length],
      MessageID: 1000 + Math.floor(i / 3),
      email: `p${i % 11}@example.com`,
      time: 1_790_000_000 + i * 400,
      mj_campaign_id: i % 4,
      url: "https://example.com/a",
      hard_bounce: i % 4 === 1,
    });
  const all = Array.from({ length: 90 }, (_, i) => event(i));
  const post = (from: number, to: number) => mailjetPost(JSON.stringify(all.slice(from, to)));
  await deliver(await messagesOf(post(0, 20), post(20, 30)));
  await deliver(await messagesOf(post(25, 60), post(0, 5)));
  await deliver(await messagesOf(post(60, 90), mailjetPost('[{"event":"sent","email":5}]')));
}

beforeEach(async () => {
  await freshStorage();
  await fillHistory();
});

describe("reading history anew", () => {
  it("finds nothing where the parser is what it was, step by step or at once", async () => {
    for (const limit of [1, 50]) {
      expect(await walk({ limit })).toEqual({
        ...{ objects: 3, deliveries: 6, events: 100, rejects: 1, changed: 0, appeared: 0, vanished: 0 },
        samples: [],
      });
    }
  });

  it("shows what would change, appear and vanish, and changes nothing", async () => {
    await imitateOldParser();
    const before = await everything();
    const found = await walk();
    expect(found).toMatchObject({ changed: 3, appeared: 1, vanished: 1 });
    expect(found.samples.map(({ kind }) => kind).toSorted()).toEqual([
      "appeared",
      "changed",
      "changed",
      "changed",
      "vanished",
    ]);
    const type = found.samples.find(({ before: was }) => was?.type === "unknown");
    expect(type?.after?.type).toBe("complained");
    expect(await everything()).toEqual(before);
    expect(await walk({ source: "jangomail" })).toMatchObject({
      deliveries: 0,
      changed: 0,
      appeared: 0,
      vanished: 0,
    });
  });

  it("says what is wrong with a request", async () => {
    for (const [body, parameter] of [
      [{ from: "yesterday" }, "from"],
      [{ to: YEAR.from }, "to"],
      [{ from: "2020-01-01" }, "to"],
      [{ after: "x" }, "after"],
      [{ limit: 0 }, "limit"],
      [{ aply: true }, "aply"],
    ] as const) {
      const response = await ask(body);
      expect(response.status).toBe(400);
      expect((await response.json<{ detail: string }>()).detail).toMatch(new RegExp(`^${parameter}: `));
    }
  });
});

/** As if an older parser had not known complaints, had told one time wrongly, had lost one event and invented another. */
async function imitateOldParser(): Promise<void> {
  const of = async (type: string) =>
    (await rows<{ id: string }>(`SELECT id FROM events WHERE type = '${type}' ORDER BY seq`)).map(
      ({ id }) => id,
    );
  const [complaint, other] = await of("complained");
  const [late, lost, doubled] = await of("opened");
  const run = async (sql: string, ...values: unknown[]) =>
    await env.DB.prepare(sql)
      .bind(...values)
      .run();
  await run("UPDATE events SET type = 'unknown' WHERE id = ?1", complaint);
  // Another identity, and so another id: kept, though what is read now would give another one.
  await run(
    "UPDATE events SET id = substr(id, 1, 18) || '0000000000000000', type = 'sent' WHERE id = ?1",
    other,
  );
  await run("UPDATE events SET at = at + 86400000 WHERE id = ?1", late);
  await run("DELETE FROM events WHERE id = ?1", lost);
  await run(
    `INSERT INTO events (id, contact, at, received_at, source, provider, type, bounce, destination, message_id, campaign,
       batch, line, element, details)
     SELECT substr(id, 1, 18) || '1111111111111111', contact, at, received_at, source, provider, type, bounce, destination,
       message_id, campaign, batch, line, 999, details FROM events WHERE id = ?1`,
    doubled,
  );
  await env.DB.exec("UPDATE batches SET last_seq = last_seq + 1000");
}

async function everything(): Promise<unknown> {
  const events = await rows("SELECT * FROM events ORDER BY seq");
  return { ...(await finalState()), events };
}

// The order of change: whoever keeps a copy of the suppressions and asks for what changed since has the same list in the
// end, however late reports come and whatever is done by hand.

import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { askApi, deliver, envWith, freshStorage, messagesOf, read } from "../support/support.ts";

beforeEach(freshStorage);

interface Row {
  address: string;
  suppressed: boolean;
  reason: string | null;
  since: string | null;
  lifted_at: string | null;
  changed_at: string | null;
}
interface Page {
  suppressions: Row[];
  contacts: { contact: string; suppressed: boolean; reason: string | null }[];
  next: string | null;
  resume: string;
  last_erased_at: string | null;
}

const ask = async (path: string): Promise<Page> => {
  const answer = await read(`/v1/${path}`);
  if (answer.status !== 200) throw new Error(await answer.text());
  return await answer.json<Page>();
};

const report = async (email: string, event: string, at: string): Promise<void> => {
  const body = JSON.stringify([
    { event, bounce: "hard", email, timestamp: at, event_id: `${email}${event}${at}` },
  ]);
  const url = "https://edge.example/webhooks/generic?token=generic-token-of-the-tests";
  await deliver(await messagesOf(new Request(url, { method: "POST", body })));
};
const act = async (method: string, path: string, body?: unknown): Promise<void> => {
  const answer = await askApi(method, `/v1/suppressions${path}`, body, envWith());
  if (answer.status >= 500) throw new Error(await answer.text());
  await answer.text();
};

const erase = async (address: string): Promise<void> => {
  const answer = await askApi("DELETE", `/v1/contacts/${address}`, undefined, envWith());
  if (answer.status >= 300) throw new Error(await answer.text());
};
interface Told {
  address: string;
  erased_at: string | null;
  error: string | null;
}
const whichErased = async (addresses: string[]): Promise<Told[]> => {
  const answer = await askApi("POST", "/v1/erasures/check", { addresses }, envWith());
  if (answer.status !== 200) throw new Error(await answer.text());
  return (await answer.json<{ addresses: Told[] }>()).addresses;
};

const OLD = "2026-05-10T10:00:00.000Z";

describe("what changed since", () => {
  it("holds late reports, imports with an old date, and lifts, which `since` does not", async () => {
    const { resume } = await ask("suppressions?changed_after=0");
    const before = new Date().toISOString();
    await report("late@example.com", "bounced", OLD);
    await act("POST", "/import", [{ address: "listed@example.com", reason: "unsubscribed", since: OLD }]);
    expect((await ask(`suppressions?since=${before}`)).suppressions).toEqual([]);
    const first = await ask(`suppressions?changed_after=${resume}`);
    expect(first.suppressions).toMatchObject([
      { address: "late@example.com", suppressed: true, reason: "hard_bounce", since: OLD },
      { address: "listed@example.com", suppressed: true, reason: "unsubscribed", since: OLD },
    ]);
    expect((await ask(`suppressions?changed_after=${first.resume}`)).suppressions).toEqual([]);
    await act("DELETE", "/late@example.com");
    const second = await ask(`suppressions?changed_after=${first.resume}`);
    expect(second.suppressions).toMatchObject([
      {
        address: "late@example.com",
        suppressed: false,
        reason: "hard_bounce",
        lifted_at: expect.any(String),
      },
    ]);
    const contacts = await ask(`contacts?changed_after=${first.resume}`);
    expect(contacts.contacts).toMatchObject([
      { contact: "late@example.com", suppressed: false, reason: null },
    ]);
    expect((await ask(`contacts?changed_after=${resume}&suppressed=true`)).contacts).toMatchObject([
      { contact: "listed@example.com", reason: "unsubscribed" },
    ]);
  });

  it("can be asked from a time on, and answers with the place to go on from", async () => {
    await act("PUT", "/early@example.com", {});
    const { changed_at } = (await ask("suppressions?changed_after=0")).suppressions[0] ?? {
      changed_at: null,
    };
    expect(Date.parse(changed_at ?? "")).toBeGreaterThan(Date.UTC(2020, 0));
    await act("PUT", "/later@example.com", {});
    expect(
      (await ask(`suppressions?changed_after=${changed_at}`)).suppressions.map(({ address }) => address),
    ).toEqual(["later@example.com"]);
    expect((await ask("suppressions?changed_after=2020-01-01")).suppressions).toHaveLength(2);
    const future = await ask("suppressions?changed_after=2090-01-01");
    expect(future.suppressions).toEqual([]);
  });

  it("comes in pages that split no address, as NDJSON whole, and by domain", async () => {
    for (let i = 0; i < 12; i += 1) {
      await act("PUT", `/p${i}@${i % 2 === 0 ? "example.com" : "other.example"}`, {});
      if (i % 3 === 0)
        await report(`p${i}@${i % 2 === 0 ? "example.com" : "other.example"}`, "complained", OLD);
    }
    const whole = (await ask("suppressions?changed_after=0&limit=1000")).suppressions;
    expect(whole).toHaveLength(16);
    for (const size of [1, 3, 5]) {
      const paged: Row[] = [];
      let page = await ask(`suppressions?changed_after=0&limit=${size}`);
      for (;;) {
        paged.push(...page.suppressions);
        if (page.next === null) break;
        page = await ask(`suppressions?changed_after=0&limit=${size}&after=${page.next}`);
      }
      expect(paged).toEqual(whole);
    }
    const headers = { accept: "application/x-ndjson" };
    const text = await (await read("/v1/suppressions?changed_after=0", { headers })).text();
    expect(
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(whole);
    expect((await ask("suppressions?changed_after=0&domain=other.example")).suppressions).toHaveLength(
      whole.filter(({ address }) => address.endsWith("@other.example")).length,
    );
    expect((await ask("contacts?changed_after=0&domain=other.example&limit=4")).contacts).toHaveLength(4);
  });

  it("keeps any copy complete, whatever happens and whenever it is asked", async () => {
    const people = ["ann@example.com", "bob@example.com", "cy@other.example"];
    const acts = fc.oneof(
      fc.record({
        what: fc.constantFrom("put", "lift", "import", "ask", "erase"),
        who: fc.constantFrom(...people),
      }),
      fc.record({
        what: fc.constantFrom("bounced", "complained", "unsubscribed", "subscribed"),
        who: fc.constantFrom(...people),
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(acts, { minLength: 3, maxLength: 14 }),
        fc.integer({ min: 1, max: 3 }),
        async (history, size) => {
          await freshStorage();
          const copy = new Map<string, string[]>();
          let cursor = "0";
          let erased: string | null = null;
          const sync = async (): Promise<void> => {
            for (;;) {
              const page = await ask(`suppressions?changed_after=${cursor}&limit=${size}`);
              for (const [address, rows] of Map.groupBy(page.suppressions, (row) => row.address))
                copy.set(
                  address,
                  rows.filter(({ suppressed }) => suppressed).map(({ reason }) => reason ?? ""),
                );
              cursor = page.resume;
              if (page.next !== null) continue;
              if (page.last_erased_at !== erased && copy.size > 0)
                for (const { address, erased_at } of await whichErased([...copy.keys()]))
                  if (erased_at !== null) copy.delete(address);
              erased = page.last_erased_at;
              return;
            }
          };
          let clock = Date.parse(OLD);
          for (const { what, who } of history) {
            clock += 86_400_000;
            if (what === "ask") await sync();
            else if (what === "put") await act("PUT", `/${who}`, {});
            else if (what === "lift") await act("DELETE", `/${who}`);
            else if (what === "erase") await erase(who);
            else if (what === "import")
              await act("POST", "/import", [{ address: who, reason: "unsubscribed" }]);
            else await report(who, what, new Date(clock).toISOString());
          }
          await sync();
          const { suppressions } = await ask("suppressions?limit=1000");
          const now = Map.groupBy(suppressions, ({ address }) => address);
          for (const person of people)
            expect((copy.get(person) ?? []).toSorted()).toEqual(
              (now.get(person) ?? []).map(({ reason }) => reason ?? "").toSorted(),
            );
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  it("tells that there was an erasure, and a reader who asks which of its addresses are gone", async () => {
    await act("PUT", "/ann@example.com", {});
    await act("PUT", "/bob@example.com", {});
    const before = await ask("suppressions?changed_after=0");
    expect(before.last_erased_at).toBeNull();
    expect((await whichErased(["ann@example.com"]))[0]?.erased_at).toBeNull();
    await erase("ann@example.com");
    const after = await ask(`suppressions?changed_after=${before.resume}`);
    expect(after.suppressions).toEqual([]);
    expect(Date.parse(after.last_erased_at ?? "")).toBeGreaterThan(Date.UTC(2020, 0));
    expect((await ask(`contacts?changed_after=${before.resume}`)).last_erased_at).toBe(after.last_erased_at);
    expect(await whichErased(["Ann@Example.com", "bob@example.com", "cy@example.com", "nobody"])).toEqual([
      { address: "Ann@Example.com", erased_at: after.last_erased_at, error: null },
      { address: "bob@example.com", erased_at: null, error: null },
      { address: "cy@example.com", erased_at: null, error: null },
      { address: "nobody", erased_at: null, error: expect.any(String) as string },
    ]);
    // Somebody who is known again is told by the order of change, and stays in the copy.
    await act("PUT", "/ann@example.com", {});
    expect((await ask(`suppressions?changed_after=${after.resume}`)).suppressions).toMatchObject([
      { address: "ann@example.com", suppressed: true },
    ]);
    expect((await whichErased(["ann@example.com"]))[0]?.erased_at).toBeNull();
    // Every erasure changes what is told, also a second one of the same address.
    await erase("ann@example.com");
    const third = await ask(`suppressions?changed_after=${after.resume}`);
    expect(third.last_erased_at).not.toBe(after.last_erased_at);
    expect((await whichErased(["ann@example.com"]))[0]?.erased_at).toBe(third.last_erased_at);
  });

  it("goes on behind a change whose contact is gone", async () => {
    await act("PUT", "/gone@example.com", {});
    const { resume } = await ask("suppressions?changed_after=0");
    await env.DB.prepare("UPDATE contacts SET changed = changed + 100000000").run();
    const later = await ask(`suppressions?changed_after=${resume}`);
    await env.DB.prepare("DELETE FROM contacts").run();
    await act("PUT", "/next@example.com", {});
    expect((await ask(`suppressions?changed_after=${later.resume}`)).suppressions).toMatchObject([
      { address: "next@example.com" },
    ]);
  });

  it("tells an address that has no suppression any more", async () => {
    await report("ann@example.com", "bounced", OLD);
    const { resume } = await ask("suppressions?changed_after=0");
    await env.DB.prepare("DELETE FROM suppressions").run();
    await env.DB.prepare("UPDATE contacts SET changed = changed + 1, suppressed = NULL").run();
    expect((await ask(`suppressions?changed_after=${resume}`)).suppressions).toMatchObject([
      { address: "ann@example.com", destination: "other", suppressed: false, reason: null },
    ]);
  });
});

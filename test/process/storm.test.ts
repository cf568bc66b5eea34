// Storms: if a destination refuses nearly everything, its bounces suppress no contact until a person decides.

import { beforeEach, describe, expect, it } from "vitest";
import {
  deliver,
  envWith,
  freshStorage,
  mailjetEvent,
  mailjetPost,
  messagesOf,
  rows,
} from "../support/support.ts";
import { secondsNow, ask, bounce, list, mailjet, status } from "../api/suppressions/asking.ts";
import { countingDb } from "../support/counting-db.ts";

const NOW = secondsNow();

describe("a storm", () => {
  beforeEach(freshStorage);
  const day = 86_400;
  const noon = Math.floor(NOW / day) * day - 3 * day + day / 2;
  const others = (count: number, event: string, time: number) =>
    Array.from({ length: count }, (_, i) => ({
      event,
      email: `o${i}@gmail.com`,
      time: time + (i % 60),
      MessageID: time * 100 + i,
      error: "policy issue",
    }));
  const asked = { address: "ann@gmail.com" };
  const victims = ["ann@gmail.com", "bob@gmail.com", "cy@gmail.com"];

  /** Two bounces on calm days, then one in a storm. */
  async function storm(): Promise<void> {
    for (const back of [2, 1]) await mailjet(...victims.map((one) => bounce(one, noon - back * day)));
    await mailjet(...others(12, "sent", noon), ...others(60, "blocked", noon));
    await mailjet(
      ...victims.map((one) => bounce(one, noon + 200)),
      bounce("dan@gmail.com", noon + 200, true),
    );
  }

  it("holds the suppressions of its bounces, soft and hard, with the reason", async () => {
    await storm();
    expect((await list()).suppressions).toEqual([]);
    const { suppressions } = await list("?held=true");
    expect(suppressions.map(({ address }) => address)).toEqual([...victims, "dan@gmail.com"]);
    expect(suppressions[0]?.held_because).toMatch(
      /^gmail refused 64 of 76 mails \(84 %\), 1 of them as unknown addresses, in the 15 minutes before /,
    );
    expect(await status("ann@gmail.com")).toMatchObject({
      suppressed: false,
      history: [{ held: true, reason: "soft_bounces" }],
    });
    expect(await rows("SELECT suppressed FROM contacts WHERE contact = 'ann@gmail.com'")).toEqual([
      { suppressed: null },
    ]);
    expect((await list("?held=true&destination=microsoft")).suppressions).toEqual([]);
    // What is held is no matter of a lift.
    expect((await ask("DELETE", "/ann@gmail.com")).status).toBe(404);
  });

  it("is decided by hand: released for one address, dropped for the rest of the destination", async () => {
    await storm();
    expect(await (await ask("POST", "/release", asked)).json()).toMatchObject({ contacts: 1, more: false });
    expect((await ask("POST", "/release", asked)).status).toBe(404);
    expect(await status("ann@gmail.com")).toMatchObject({
      suppressed: true,
      suppression: { reason: "soft_bounces", held: false },
    });
    const range = {
      destination: "gmail",
      since: new Date((noon - 60) * 1000).toISOString(),
      until: new Date((noon + 900) * 1000).toISOString(),
    };
    const before = { ...range, until: range.since, since: undefined };
    expect(await (await ask("POST", "/drop", before)).json()).toMatchObject({ contacts: 0, more: false });
    expect(await (await ask("POST", "/drop", { ...range, note: "their outage" })).json()).toMatchObject({
      contacts: 3,
      more: false,
    });
    expect(await (await ask("POST", "/drop", range)).json()).toMatchObject({ contacts: 0, more: false });
    expect(await status("bob@gmail.com")).toMatchObject({ suppressed: false, history: [] });
    expect((await list("?held=true")).suppressions).toEqual([]);
    // The next calm bounce makes three without the storm's.
    await mailjet(...victims.map((one) => bounce(one, noon + day)));
    expect((await status("bob@gmail.com")).suppression?.reason).toBe("soft_bounces");
  });

  it("needs enough outcomes and a large share of refusals; a redelivery keeps its first mark", async () => {
    for (const back of [2, 1]) await mailjet(...victims.map((one) => bounce(one, noon - back * day)));
    const last = mailjetPost(JSON.stringify(victims.map((one) => mailjetEvent(bounce(one, noon + 200)))));
    const messages = await messagesOf(last);
    await deliver(messages);
    expect((await list()).suppressions).toHaveLength(3);
    await mailjet(...others(60, "blocked", noon));
    await deliver(messages, envWith(), { attempts: 2 });
    expect((await list()).suppressions).toHaveLength(3);
    await mailjet(...others(200, "sent", noon + 1200));
    await mailjet(
      ...["x", "y", "z"].flatMap((name) =>
        [-2, -1].map((back) => bounce(`${name}@gmail.com`, noon + back * day)),
      ),
    );
    await mailjet(...["x", "y", "z"].map((name) => bounce(`${name}@gmail.com`, noon + 1300)));
    expect((await list("?held=true")).suppressions).toEqual([]);
  });

  it("is looked for only if there are bounces, with one query by key", async () => {
    const { db, asked: queries } = countingDb();
    const asksFor = async (...events: Record<string, unknown>[]) => {
      queries.length = 0;
      await deliver(
        await messagesOf(mailjetPost(JSON.stringify(events.map((one) => mailjetEvent(one))))),
        envWith({ DB: db }),
      );
      return queries.filter((sql) => sql.includes("CROSS JOIN rollups AS r ON r.bucket"));
    };
    expect(await asksFor({ event: "sent" }, ...others(5, "blocked", NOW))).toEqual([]);
    const [sql = "", ...more] = await asksFor(
      bounce("s@gmail.com", NOW),
      bounce("t@gmail.com", NOW - 5000, true),
    );
    expect(more).toEqual([]);
    const plan = await rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql.replaceAll("?1", "'[]'")}`);
    expect(plan.map(({ detail }) => detail).join()).toMatch(/SEARCH r USING PRIMARY KEY \(bucket=\?\)/);
  });
});

// System events as pipes pass them on: suppressions, lifts, erasures.

import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { BEGINNING, positionAfter } from "../../src/store/feed-position.ts";
import { forgetSystemEvents } from "../../src/store/pipes/system-events.ts";
import { shardsOf } from "../../src/store/shards.ts";
import { rows, runScheduled } from "../support/support.ts";
import { ask, make, pass, receivers, status, store, taken, withReceivers } from "./receivers.ts";

withReceivers();

describe("system events", () => {
  it("reach a pipe once each: suppressions, lifts and erasures", async () => {
    await make("told", { filter: 'type in ["contact.suppressed", "contact.lifted", "contact.erased"]' });
    await store(["ann@example.com"], "spam");
    await ask("DELETE", "/suppressions/ann@example.com", {});
    expect((await ask("PUT", "/suppressions/bob@example.com", {})).status).toBe(200);
    expect((await ask("PUT", "/suppressions/bob@example.com", {})).status).toBe(200);
    await pass();
    await ask("DELETE", "/contacts/ann@example.com");
    await pass();
    const heard = (taken.get("told") ?? []).map(({ type, contact }) => `${type} ${contact}`);
    expect(heard).toEqual([
      "contact.suppressed ann@example.com",
      "contact.lifted ann@example.com",
      "contact.suppressed bob@example.com",
      "contact.erased ann@example.com",
    ]);
    await runScheduled();
    expect(await rows("SELECT type, contact FROM notices WHERE type <> 'gone'")).toEqual([
      { type: "contact.suppressed", contact: "bob@example.com" },
    ]);
  });

  it("reach a pipe although their evidence is months old and the scheduled run comes first", async () => {
    await make("told", { filter: 'type in ["contact.suppressed"]' });
    await store(["ann@example.com"], "spam");
    vi.setSystemTime(Date.now() + 60 * 86_400_000);
    await store(["bob@example.com"], "spam");
    await runScheduled();
    await pass();
    expect((taken.get("told") ?? []).map(({ contact }) => contact)).toContain("bob@example.com");
  });

  const HOUR = 3_600_000;
  interface Answer {
    id: string | null;
    pipes: { count: number; complete: boolean; missing?: number }[];
  }
  const redeliver = async (more: Record<string, unknown>): Promise<Answer["pipes"][number] | undefined> => {
    const response = await ask("POST", "/redeliveries", { pipes: ["told"], ...more });
    expect(response.status, await response.clone().text()).toBe(200);
    return (await response.json<Answer>()).pipes[0];
  };
  const heard = (): string[] =>
    (taken.get("told") ?? []).flatMap(({ type, contact, attempt }) =>
      attempt === "" ? [] : [`${type} ${contact}`],
    );

  it("that were given up go again by outcome, and no others", async () => {
    await make("told", { filter: 'type.startsWith("contact.")' });
    receivers.set("told", ({ contact }) => status(contact === "ann@example.com" ? 422 : 200));
    for (const who of ["ann", "bob"]) await ask("PUT", `/suppressions/${who}@example.com`, {});
    for (let n = 0; n < 15; n++) {
      await pass(30 * HOUR);
      await runScheduled();
    }
    receivers.clear();
    expect(heard()).toEqual(["contact.suppressed bob@example.com"]);
    const wanted = { outcome: "given_up" };
    expect(await redeliver(wanted)).toMatchObject({ count: 1, complete: true, missing: 0 });
    expect(await redeliver({ ...wanted, filter: 'type == "contact.lifted"' })).toMatchObject({ count: 0 });
    await redeliver({ ...wanted, dry_run: false });
    await pass();
    expect(heard()).toEqual(["contact.suppressed bob@example.com", "contact.suppressed ann@example.com"]);
  });

  it("go again by their time and by their ids, as the filters say", async () => {
    await make("told", { filter: 'type.startsWith("contact.")' });
    await ask("PUT", "/suppressions/ann@example.com", {});
    await pass(HOUR);
    const between = new Date(Date.now()).toISOString();
    await pass(HOUR);
    await ask("PUT", "/suppressions/bob@example.com", {});
    await ask("DELETE", "/suppressions/bob@example.com");
    await pass();
    expect(heard()).toHaveLength(3);
    expect(await redeliver({ from: "2026-01-01" })).toMatchObject({ count: 3, complete: true });
    expect(await redeliver({ from: "2026-01-01", to: between })).toMatchObject({ count: 1 });
    expect(await redeliver({ from: between })).toMatchObject({ count: 2 });
    const lifted = { from: between, filter: 'type == "contact.lifted"', dry_run: false };
    expect(await redeliver(lifted)).toMatchObject({ count: 1 });
    await pass();
    expect(heard().slice(3)).toEqual(["contact.lifted bob@example.com"]);
    const [first] = taken.get("told") ?? [];
    await redeliver({ events: [first?.id], dry_run: false });
    await pass();
    expect(heard().slice(4)).toEqual(["contact.suppressed ann@example.com"]);
  });

  it("are kept for 30 days after every pipe has them, but not those of erased contacts", async () => {
    await make("told");
    await ask("PUT", "/suppressions/ann@example.com", {});
    await ask("PUT", "/suppressions/bob@example.com", {});
    await pass();
    await ask("DELETE", "/contacts/ann@example.com");
    await pass();
    await runScheduled();
    const named = async (): Promise<unknown[]> =>
      (await rows("SELECT contact FROM notices WHERE contact IS NOT NULL")).map((row) => row["contact"]);
    expect(await named()).toEqual(["bob@example.com"]);
    vi.setSystemTime(Date.now() + 29 * 24 * HOUR);
    await runScheduled(); // the erasure's second pass may tell it once more
    await pass();
    await runScheduled();
    expect(await named()).toEqual(["bob@example.com"]);
    vi.setSystemTime(Date.now() + 2 * 24 * HOUR);
    await runScheduled();
    expect(await named()).toEqual([]);
    expect(await redeliver({ from: "2026-01-01" })).toMatchObject({ count: 0 });
  });

  it("stay for a pipe that was created while the others were asked for their positions", async () => {
    const early = await make("early");
    await make("late");
    await store(["ann@example.com"], "spam");
    const pipes = new Map([[early, positionAfter(1_000_000)]]);
    const known = { pipes, end: BEGINNING };
    await forgetSystemEvents(shardsOf(env), known, Date.now());
    await pass();
    expect((taken.get("late") ?? []).map(({ type }) => type)).toContain("contact.suppressed");
  });
});

// System events as pipes pass them on: suppressions, lifts, erasures.

import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { positionAfter } from "../../src/store/feed-position.ts";
import { forgetSystemEvents } from "../../src/store/pipes/system-events.ts";
import { rows, runScheduled } from "../support/support.ts";
import { ask, make, pass, store, taken, withReceivers } from "./receivers.ts";

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
    expect(await rows("SELECT contact, data FROM notices")).toEqual([{ contact: null, data: "{}" }]);
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

  it("stay for a pipe that was created while the others were asked for their positions", async () => {
    const early = await make("early");
    await make("late");
    await store(["ann@example.com"], "spam");
    await forgetSystemEvents(env.DB, new Map([[early, positionAfter(1_000_000)]]), Date.now());
    await pass();
    expect((taken.get("late") ?? []).map(({ type }) => type)).toContain("contact.suppressed");
  });
});

// Loops: a pipe that leads to where its events come from, here or by way of another deployment, ends after a few rounds,
// and nothing is lost without a word.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOPS_HEADER, hopsOf, hopsWith, MOST_HOPS } from "../../src/model/hops.ts";
import { deliver, messagesOf, rows } from "../support/support.ts";
import { ask, make, pass, people, store, taken, withReceivers } from "./receivers.ts";

withReceivers();

/** What the pipe sent, as a provider's request to a source. */
const posted = (hops: string | null, events: readonly object[]): Request =>
  new Request("https://edge.example/webhooks/generic", {
    method: "POST",
    headers: {
      authorization: "Bearer generic-token-of-the-tests",
      "content-type": "application/json",
      ...(hops === null ? {} : { [HOPS_HEADER]: hops }),
    },
    body: JSON.stringify(events),
  });

const bounce = (message_id: string) => {
  return { event: "bounce", email: "ann@example.com", timestamp: "2026-11-21T10:00:00Z", message_id };
};

describe("a pipe that leads back to a source", () => {
  it("ends: each round adds one to what the requests tell, and the last one is a dead letter", async () => {
    await make("loop");
    await store(people(1));
    let [rounds, last] = [0, ""];
    // The receiver is a source: whatever the pipe sends comes back, as a proxy under another name would bring it.
    for (; rounds < 10; rounds++) {
      await pass(60_000);
      const sent = (taken.get("loop") ?? []).slice(rounds);
      if (sent.length === 0) break;
      last = sent[0]?.headers.get(HOPS_HEADER) ?? "";
      expect(last).toBe(String(rounds + 1));
      await deliver(await messagesOf(posted(last, [bounce(`round-${rounds}`)])));
    }
    expect(rounds).toBe(MOST_HOPS);
    expect(await rows("SELECT reason FROM dead_letters")).toEqual([
      { reason: "it came through 3 pipes: a loop" },
    ]);
    expect(await rows("SELECT count(*) AS n FROM events")).toEqual([{ n: MOST_HOPS }]);
  });

  it("takes along no event that shares its way: a request tells of one number of pipes", async () => {
    await make("batched", {
      settings: { url: "https://batched.example.com/hook", batch: true },
      concurrency: 1,
    });
    await deliver(await messagesOf(posted("2", [bounce("looped")]), posted(null, [bounce("fresh")])));
    await deliver(await messagesOf(posted("2", [bounce("looped as well")])));
    await pass(60_000);
    const told = (taken.get("batched") ?? []).map(({ headers, body }) => [
      headers.get(HOPS_HEADER),
      (JSON.parse(body) as { data: { message_id: string } }[]).map(({ data }) => data.message_id),
    ]);
    expect(told).toEqual([
      ["3", ["looped"]],
      ["1", ["fresh"]],
      ["3", ["looped as well"]],
    ]);
  });

  it("shows in the events how many pipes they came through", async () => {
    await deliver(await messagesOf(posted("2", [bounce("a")])));
    await deliver(await messagesOf(posted(null, [bounce("b")])));
    const { events } = await (
      await ask("GET", "/events")
    ).json<{ events: { message_id: string; hops: number | null }[] }>();
    expect(events.map(({ message_id, hops }) => [message_id, hops])).toEqual([
      ["a", 2],
      ["b", null],
    ]);
  });

  it("is refused when it is made, by any of this host's names, and so is a change to one", async () => {
    const wish = (url: string) => ({ name: "self", kind: "webhook", settings: { url } });
    for (const url of [
      "https://edge.example/webhooks/generic",
      "https://EDGE.example:443/backup/webhooks/generic/more?x=1",
      "https://edge.example./webhooks/generic",
    ]) {
      const refused = await ask("POST", "/pipes", wish(url));
      expect(refused.status).toBe(400);
      expect((await refused.json<{ detail: string }>()).detail).toBe(
        "settings.url: must not lead to a source of this Tidings: every event that is passed on would come back as another one",
      );
    }
    const id = await make("other");
    const settings = { url: "https://edge.example/webhooks/generic" };
    expect((await ask("PATCH", `/pipes/${id}`, { settings })).status).toBe(400);
    for (const url of ["https://edge.example/hooks", "https://edge2.example/webhooks/generic"])
      expect((await ask("POST", "/pipes", { ...wish(url), name: `n${url.length}` })).status).toBe(201);
  });
});

describe("hops", () => {
  it("are one more than the most of a batch, however many pipes are in a row", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 1, max: 5 }))), (hops) => {
        const events = hops.map((one) => ({ event: { hops: one } }));
        expect(hopsWith(events)).toBe(1 + Math.max(0, ...hops.map((one) => one ?? 0)));
        expect(hopsOf(String(hopsWith(events)))).toBe(hopsWith(events));
      }),
    );
  });

  it("of a header that is no number count as none", () => {
    for (const header of [null, undefined, "", "0", "-1", "1.5", "9999", "1, 2", "three"])
      expect(hopsOf(header)).toBeNull();
  });
});

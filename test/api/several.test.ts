// Filters with several values: the answer holds what matches any of them, as the same filter by hand does, and costs no
// more reading than one value.

import { beforeAll, describe, expect, it } from "vitest";
import fc from "fast-check";
import { totalRowsRead } from "../support/limits.ts";
import { askApi, deliver, envWith, freshStorage, messagesOf, read } from "../support/support.ts";

type Told = Record<string, string | null>;

const post = (events: unknown, source = "generic"): Request =>
  new Request(`https://edge.example/webhooks/${source}?token=generic-token-of-the-tests`, {
    method: "POST",
    body: JSON.stringify(events),
  });

const KINDS = [
  { event: "delivered" },
  { event: "opened" },
  { event: "bounced", bounce: "hard", reason: "invalid" },
  { event: "bounced", bounce: "soft", reason: "mailbox_full" },
  { event: "blocked", reason: "policy" },
  { event: "complained" },
];
const CAMPAIGNS = ["spring", "a, b", null];
const PEOPLE = [
  "ann@gmail.com",
  "bob@example.com",
  "cy@sub.example.com",
  "di@outlook.com",
  "ed@münchen.example",
];

const readAll = async (path: string): Promise<Told[]> =>
  (await (await read(path, { headers: { accept: "application/x-ndjson" } })).text())
    .split("\n")
    .flatMap((line) => (line === "" ? [] : JSON.parse(line)));

describe("several values of a filter", () => {
  let all: Told[] = [];
  beforeAll(async () => {
    await freshStorage();
    const events = Array.from({ length: 90 }, (_, i) => ({
      ...KINDS[i % KINDS.length],
      email: PEOPLE[(i * 7) % PEOPLE.length],
      campaign: CAMPAIGNS[(i * 5) % CAMPAIGNS.length],
      timestamp: 1_790_000_000 + i,
      event_id: `e${i}`,
    }));
    await deliver(await messagesOf(post(events)));
    all = await readAll("/v1/events");
    expect(all).toHaveLength(90);
  });

  const some = <T>(values: readonly T[]) =>
    fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
  const domainOf = ({ contact }: Told): string => (contact ?? "").slice((contact ?? "").indexOf("@") + 1);

  it("matches any of them, in every combination, separated by commas or passed one by one", async () => {
    const wanted = fc.record(
      {
        type: some(["delivered", "opened", "bounced", "blocked", "complained", "clicked"]),
        reason: some(["invalid", "mailbox_full", "policy", "spam"]),
        bounce: some(["hard", "soft"]),
        campaign: some(["spring", "a, b", "autumn"]),
        contact: some(PEOPLE),
        domain: some(["gmail.com", "example.com", "münchen.example", "nowhere.example"]),
        source: some(["generic", "mailjet"]),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(wanted, fc.boolean(), async (filter, joined) => {
        const query = new URLSearchParams({ limit: "1000" });
        for (const [name, values] of Object.entries(filter))
          if (joined && name !== "campaign") query.set(name, values.join(","));
          else for (const value of values) query.append(name, value);
        const { events } = await (await read(`/v1/events?${query.toString()}`)).json<{ events: Told[] }>();
        const puny = (value: string): string => value.replace("münchen", "xn--mnchen-3ya");
        const expected = all.filter((event) =>
          Object.entries(filter).every(([name, values]) =>
            values.map(puny).includes(String(name === "domain" ? domainOf(event) : event[name])),
          ),
        );
        expect(events.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
      }),
      { numRuns: 60 },
    );
  });

  it("reads no more rows of the feed than one value", async () => {
    const cost = async (query: string): Promise<number> => {
      const before = totalRowsRead();
      await (await read(`/v1/events?${query}`)).text();
      return totalRowsRead() - before;
    };
    await cost("type=bounced");
    const [one, three] = [
      await cost("type=bounced&limit=1"),
      await cost("type=bounced,blocked,complained&limit=1"),
    ];
    expect(three - one).toBeLessThan(20);
    const [single, pair] = [
      await cost("contact=ann@gmail.com"),
      await cost("contact=ann@gmail.com,bob@example.com"),
    ];
    expect(pair).toBeLessThan(2 * single + 20);
  });

  it("works for suppressions, dead letters and figures", async () => {
    const list = async (query: string) =>
      (await (await read(`/v1/suppressions?${query}`)).json<{ suppressions: Told[] }>()).suppressions;
    const both = await list("reason=hard_bounce,complaint");
    expect(new Set(both.map(({ reason }) => reason))).toEqual(new Set(["hard_bounce", "complaint"]));
    expect(both.length).toBe(
      (await list("reason=hard_bounce")).length + (await list("reason=complaint")).length,
    );
    expect(
      (await list("destination=gmail&destination=microsoft")).map(({ address }) => address?.split("@")[1]),
    ).toSatisfy(
      (domains: string[]) =>
        domains.length > 0 && domains.every((one) => one === "gmail.com" || one === "outlook.com"),
    );
    expect(new Set((await list("domain=@Example.com,gmail.com")).map(({ address }) => address))).toEqual(
      new Set(["ann@gmail.com", "bob@example.com"]),
    );
    await deliver(await messagesOf(post("[1", "generic"), post([{ event: "opened" }])));
    const letters = await readAll("/v1/dead-letters?source=generic,mailjet");
    expect(letters.length).toBeGreaterThan(0);
    expect(await readAll("/v1/dead-letters?source=mailjet,observed")).toEqual([]);
    const figures = async (query: string) =>
      (
        await (
          await read(`/v1/stats?from=2026-09-01&to=2026-10-30&${query}`)
        ).json<{ stats: Record<string, number>[] }>()
      ).stats[0];
    expect(await figures("type=bounced,complained")).toMatchObject({
      events: 45,
      bounced: 30,
      complained: 15,
    });
    expect(await figures(`campaign=spring&campaign=${encodeURIComponent("a, b")}`)).toMatchObject({
      events: 60,
    });
    expect(
      (await askApi("GET", "/v1/attempts?pipe=x&outcome=delivered,refused", undefined, envWith())).status,
    ).toBe(200);
  });

  it("is refused with each wrong one's reason, an empty one, and too many", async () => {
    const reasonsOf = async (query: string) => {
      const answer = await read(`/v1/events?${query}`);
      expect(answer.status, query).toBe(400);
      return (await answer.json<{ errors: { reason: string }[] }>()).errors
        .map(({ reason }) => reason)
        .join("; ");
    };
    expect(await reasonsOf("type=bounced,nonsense")).toContain("must be one of");
    expect(await reasonsOf("type=")).toContain("must be one of");
    expect(await reasonsOf("source=")).toContain("must not be empty");
    expect(await reasonsOf("domain=ann@gmail.com")).toContain("must be a domain");
    expect(await reasonsOf(`source=${Array.from({ length: 51 }, (_, i) => `s${i}`).join()}`)).toBe(
      "holds 51 values; at most 50",
    );
  });
});

// Comparing two campaigns by a rate.

import { expect, it } from "vitest";
import { freshStorage, read } from "../../support/support.ts";
import { BASE, DAY, tell, type Told } from "./told.ts";

it("comparing two campaigns by a rate reports the higher one, or that no difference can be told", async () => {
  await freshStorage();
  const sent = (campaign: string, opened: number): Told[] =>
    Array.from({ length: 80 }, (_, i): Told[] => {
      const one = { source: "generic", bounce: "", machine: null, tags: [], campaign } as const;
      const contact = `${campaign}${i}@gmail.com`;
      const delivered: Told = { ...one, type: "delivered", contact, at: BASE + i * 1000 };
      const open: Told = { ...one, type: "opened", contact, at: BASE + DAY + i * 1000 };
      return i < opened ? [delivered, open, { ...open, at: open.at + 500_000 }] : [delivered];
    }).flat();
  for (const [campaign, opened] of [
    ["a", 60],
    ["b", 30],
    ["c", 33],
  ] as const)
    await tell(sent(campaign, opened), 300);
  const compare = async (a: string, b: string, more = "") =>
    await read(`/v1/stats/compare?a=${a}&b=${b}&metric=open${more}`);
  const comparison = await (await compare("a", "b")).json<Record<string, unknown>>();
  expect(comparison).toMatchObject({
    a: { campaign: "a", hits: 60, of: 80, rate: 0.75 },
    b: { hits: 30, of: 80 },
    difference: { value: 0.375 },
    verdict: "a is higher",
  });
  expect(await (await compare("b", "a")).json()).toMatchObject({ verdict: "b is higher" });
  expect(await (await compare("b", "c")).json()).toMatchObject({ verdict: "no difference can be told" });
  expect(await (await compare("b", "c", "&from=2026-09-27&to=2026-09-28")).json()).toMatchObject({
    a: { hits: 0 },
  });
  expect((await compare("a", "nobody")).status).toBe(404);
  expect((await compare("a", "a")).status).toBe(400);
  const none = await read("/v1/stats/compare?a=a&b=b&metric=click_to_open&human=true");
  expect(await none.json()).toMatchObject({ a: { hits: 0, of: 60, rate: 0 } });
});

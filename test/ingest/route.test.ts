// Which requests are a provider's, and for which source: the result must equal that of the API's router with the same
// two routes, however oddly a path is written.

import * as fc from "fast-check";
import { Hono, type Context } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { describe, expect, it } from "vitest";
import { calledBy, type Called } from "../../src/ingest/route.ts";

/** The same routes in Hono. */
const oracle = new Hono({ router: new TrieRouter() });
const answer = (first: Called["first"]) => (c: Context) =>
  Response.json({ source: c.req.param("source"), first } satisfies Record<keyof Called, unknown>);
oracle.all("/webhooks/:source/*", answer("queue"));
oracle.all("/backup/webhooks/:source/*", answer("spool"));
oracle.notFound(() => Response.json(null));

async function bothFor(url: string): Promise<{ ours: Called | null; hono: Called | null }> {
  const request = new Request(url);
  return { ours: calledBy(request), hono: await (await oracle.fetch(request)).json() };
}

const PIECES = [
  "/ // /webhooks /webhooks/ /backup/webhooks/ webhooks backup mailjet a.b .. . webhook%73 %2E%2E \\ %5C",
  "%2F %2f %25 %2 % %zz %252F %00 %0A %20 + %C3%A9 é %C3 %E2%82 😀 ; : @ * ?token=x ?a/b # #/webhooks/x %3F %23",
].flatMap((line) => line.split(" "));

describe("a request's path", () => {
  it("gives the same source as Hono's router, however the path is written", async () => {
    const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3, unit: "binary" }));
    const start = fc.constantFrom(
      "",
      "/webhooks/",
      "/webhooks/mailjet",
      "/backup/webhooks/",
      "/backup/webhooks/a",
    );
    const path = fc
      .tuple(start, fc.array(piece, { maxLength: 5 }))
      .map(([head, rest]) => head + rest.join(""));
    let routed = 0;
    let others = 0;
    await fc.assert(
      fc.asyncProperty(path, async (text) => {
        const url = `https://edge.example/${text.replace(/^\//, "")}`;
        fc.pre(URL.canParse(url));
        const { ours, hono } = await bothFor(url);
        expect(ours).toEqual(hono);
        if (hono === null) others += 1;
        else routed += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(routed, others)).toBeGreaterThan(200);
  });

  it.each([
    ["/webhooks/mailjet", { source: "mailjet", first: "queue" }],
    ["/webhooks/mailjet/", { source: "mailjet", first: "queue" }],
    ["/webhooks/mailjet/open?token=x", { source: "mailjet", first: "queue" }],
    ["/backup/webhooks/mailjet", { source: "mailjet", first: "spool" }],
    ["/webhooks/a%2Fb/c", { source: "a/b", first: "queue" }],
    ["/webhooks", null],
    ["/webhooks/", null],
    ["/webhooksmailjet", null],
    ["/v1/webhooks/mailjet", null],
  ])("%s is read as Hono's router reads it", async (path, called) => {
    expect(await bothFor(`https://edge.example${path}`)).toEqual({ ours: called, hono: called });
  });
});

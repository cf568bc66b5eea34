// Every provider reads a recipient by the same rule: one person has one contact, and a list of addresses or a whole
// domain is no contact.

import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../src/demo/traffic/dialects/index.ts";
import { EXPECTED } from "../../src/demo/traffic/mails.ts";
import { randomFrom } from "../../src/demo/traffic/random.ts";
import type { Dialect } from "../../src/demo/traffic/types.ts";
import { providers } from "../../src/providers/index.ts";
import type { ParsedDelivery } from "../../src/providers/provider.ts";

const SENT = Date.UTC(2026, 9, 5);

/** A delivery of one report, as the provider sends it, about a recipient that is written like this. */
function read(dialect: Dialect, written: string): ParsedDelivery {
  const what = dialect.knows.includes("delivered") ? "delivered" : (dialect.knows[0] ?? "delivered");
  const random = randomFrom(1);
  const id = dialect.makeId(random, "1");
  const mail = { contact: written, id, campaign: "", customId: "", sentAt: SENT };
  const about = { url: "https://shop.example.com/", ip: "198.51.100.7", agent: "Mozilla/5.0" };
  const report = { mail, what, at: SENT + 60_000, ...about, expected: EXPECTED[what], campaign: null };
  const { method, path, headers, body } = dialect.compose([report], random);
  const named = dialect.settings?.["provider"];
  const provider = providers[typeof named === "string" ? named : dialect.source];
  if (provider === undefined) throw new Error(`no provider reads ${dialect.source}`);
  return provider.parse({
    method,
    url: `https://edge.example${path}`,
    headers: new Headers(headers),
    body: new TextEncoder().encode(body ?? ""),
    receivedAt: SENT + 120_000,
    settings: dialect.settings ?? {},
  });
}

describe.each(DIALECTS.map((dialect) => [dialect.source, dialect] as const))("%s", (_, dialect) => {
  it.each([
    "ida@k\u00fcche.example",
    "Ida@xn--kche-0ra.example",
    "i\u200bda@k\u00fcche.example.",
    "mailto:ida@k\u00fcche.example",
  ])("knows the person in %j", (written) => {
    const { events, rejects } = read(dialect, written);
    expect(rejects).toEqual([]);
    expect(events.map(({ contact }) => contact)).toEqual(["ida@xn--kche-0ra.example"]);
    expect(events.map(({ identity }) => identity[1])).toEqual(["ida@xn--kche-0ra.example"]);
  });

  it.each([
    ["ida@example.com;bob@example.com", "several addresses"],
    ["*@example.com", "a whole domain"],
  ])("says of %j that it names %s", (written, what) => {
    const { events, rejects } = read(dialect, written);
    expect(events).toEqual([]);
    expect(rejects.map(({ reason }) => reason)).toEqual([expect.stringContaining(`names ${what}`)]);
  });
});

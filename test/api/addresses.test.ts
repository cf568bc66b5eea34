// Which address a path, a query and a body name. A path reaches nobody but whom it names: what is erased is gone.

import * as fc from "fast-check";
import { beforeEach, expect, it } from "vitest";
import { normalizeAddress } from "../../src/model/address.ts";
import { askApi, deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf } from "../support/support.ts";

beforeEach(freshStorage);

async function store(email: string): Promise<void> {
  await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent({ email })]))));
}

const statusOf = async (method: string, path: string, body?: unknown): Promise<number> =>
  (await askApi(method, path, body)).status;

it("a space in a path or a body is no plus sign, so nobody else is erased, suppressed or lifted", async () => {
  await store("bob+smith@example.com");
  for (const written of ["bob%20smith@example.com", "bob smith@example.com"])
    for (const [method, path, body] of [
      ["DELETE", "contacts"],
      ["GET", "contacts"],
      ["PUT", "suppressions", { note: "by hand" }],
      ["DELETE", "suppressions"],
    ] as const)
      expect(await statusOf(method, `/v1/${path}/${written}`, body)).not.toBe(200);
  const held = await askApi("POST", "/v1/suppressions/drop", { address: "bob smith@example.com" });
  expect(held.status).toBe(400);
  expect(await statusOf("GET", "/v1/contacts/bob+smith@example.com")).toBe(200);
  const known = await askApi("GET", "/v1/suppressions/bob+smith@example.com");
  expect(await known.json()).toMatchObject({ suppressed: false, history: [] });
});

it("a plus sign in a query may be escaped or not", async () => {
  await store("bob+smith@example.com");
  for (const written of ["bob+smith@example.com", "bob%2Bsmith@example.com", "bob%20smith@example.com"]) {
    const page = await (await askApi("GET", `/v1/events?contact=${written}`)).json<{ events: unknown[] }>();
    expect(page.events).toHaveLength(1);
  }
});

it("no spelling of a path reaches an address that the path does not name", async () => {
  const pieces = fc.array(
    fc.constantFrom(
      "bob",
      "smith",
      "+",
      " ",
      "%20",
      "%2B",
      "%252B",
      ".",
      "@",
      "\t",
      "\u00a0",
      "\u200b",
      "_",
      '"',
      "<",
      ">",
      "mailto:",
      "%",
      "=",
      ",",
      ";",
    ),
    { minLength: 1, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), async (parts, escaped) => {
      const text = `${parts.join("")}@example.com`;
      const path = escaped ? encodeURIComponent(text) : text.replaceAll(/[?#/\\]/g, "");
      const answer = await askApi("GET", `/v1/suppressions/${path}`);
      const named = new URL(`https://edge.example/${path}`).pathname.slice(1);
      const meant = decoded(named);
      if (answer.status === 200) expect((await answer.json<{ address: string }>()).address).toBe(meant);
      else expect([400, 404]).toContain(answer.status);
      if (meant !== null) expect(answer.status).toBe(200);
    }),
    { numRuns: 300 },
  );
});

/**
 * The address that a path names: percent-encoded bytes are decoded once, and a plus sign is a plus sign. With nothing
 * before the sign, it names the whole domain.
 */
function decoded(path: string): string | null {
  try {
    const text = decodeURIComponent(path);
    return text === "@example.com" ? text : normalizeAddress(text);
  } catch {
    return null;
  }
}

// POST /v1/erasures/check: which of the addresses of a copy were erased here. Whoever keeps a copy learns from
// `last_erased_at` of /v1/suppressions?changed_after= that there was an erasure, and asks.

import * as z from "zod";
import { readAddress } from "../model/address.ts";
import { erasedAmongAcross } from "../store/across/erased.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";
import { time } from "./schemas.ts";
import { isoOrNull } from "./views.ts";

/** The most addresses of one request. */
const MOST_ADDRESSES = 1_000;

const Asked = z.strictObject({
  addresses: z
    .array(z.string("must be a text").max(1_000), "must be a list of addresses")
    .min(1, "must not be empty")
    .max(MOST_ADDRESSES, `at most ${MOST_ADDRESSES} addresses`)
    .meta({ examples: [["ann@example.com", "Bob@Example.com"]] }),
});

const Told = z
  .object({
    address: z.string().describe("As passed in the request"),
    erased_at: time
      .nullable()
      .describe("When it was erased: delete it from your copy. Null if it was not, or is known again since"),
    error: z.string().nullable().describe("Why it is no valid address, and was not looked up; else null"),
  })
  .meta({ id: "ErasedAddress" });

/** The check, mounted at /v1/erasures. */
export const erasedCheck = router();

const checking = createRoute({
  ...needs("read"),
  method: "post",
  path: "/check",
  tags: ["Contacts"],
  summary: "Which of these were erased? Up to 1,000 addresses, answered in the order of the request",
  description:
    "For copies of the suppressions. No address of an erased contact is stored, so the change cannot be listed; yours are " +
    "compared by a keyed hash and not kept. An erasure is known for 35 days, and longer if a suppression outlived it. Such a " +
    "person may still not be mailed: `POST /v1/suppressions/check` knows.",
  request: { body: { required: true, content: { "application/json": { schema: Asked } } } },
  responses: {
    200: json("The addresses", z.object({ addresses: z.array(Told) })),
    ...problems(400, 413),
  },
});

erasedCheck.openapi(checking, async (c) => {
  const asked = c.req.valid("json").addresses.map((text) => ({ text, read: readAddress(text) }));
  const known = asked.flatMap(({ read }) => (read.ok ? read.value : []));
  const erased = await erasedAmongAcross(c.var.shards, c.env.BUCKET, known);
  const addresses = asked.map(({ text, read }) => ({
    address: text,
    erased_at: isoOrNull(read.ok ? (erased.get(read.value) ?? null) : null),
    error: read.ok ? null : read.reason,
  }));
  return c.json({ addresses }, 200);
});

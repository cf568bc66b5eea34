// Answers of /v1 have the fields that their description lists, and none of the store's internal fields.

import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { DeadLetterWithDelivery, Source } from "../../src/api/schemas.ts";
import { getDeadEnvelope, putDeadEnvelope } from "../../src/store/dead-letters.ts";
import { deliver, freshStorage, mailjetEvent, mailjetPost, messagesOf, read } from "../support/support.ts";

beforeEach(freshStorage);

it("GET /v1/sources returns exactly the described fields, without internal ones", async () => {
  await deliver(await messagesOf(mailjetPost(JSON.stringify([mailjetEvent()]))));
  const { sources } = await (await read("/v1/sources")).json<{ sources: object[] }>();
  expect(sources.map((source) => Object.keys(source))).toEqual([Object.keys(Source.shape)]);
});

it("GET /v1/dead-letters/{id} returns the delivery with an ISO time, its described marks and no internal fields", async () => {
  await deliver(await messagesOf(mailjetPost("{broken")));
  const { dead_letters: letters } = await (
    await read("/v1/dead-letters")
  ).json<{ dead_letters: { id: string; envelope: string; received_at: string }[] }>();
  const [letter] = letters;
  const shown = async () =>
    await (
      await read(`/v1/dead-letters/${letter?.id ?? ""}`)
    ).json<{ delivery: { received_at: string; headers: unknown } }>();
  const view = await shown();
  expect(view.delivery.received_at).toBe(letter?.received_at);
  expect(Object.keys(view.delivery)).toEqual(
    "id source provider received_at method url headers body".split(" "),
  );
  const envelope = await getDeadEnvelope(env.BUCKET, letter?.envelope ?? "");
  if (envelope === null) throw new Error("the envelope is gone");
  await putDeadEnvelope(
    env.BUCKET,
    Object.assign(envelope, { erased: true, outside: true, internal: "secret" }),
  );
  const marked = await shown();
  expect(marked.delivery).toEqual({ ...view.delivery, erased: true, outside: true });
  expect(DeadLetterWithDelivery.strict().safeParse(marked).error).toBeUndefined();
});

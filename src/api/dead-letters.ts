// /v1/dead-letters: inspects what could not become an event, sends it through again after a fix, or discards it.

import * as z from "zod";
import { replayDeadLetter, type NoReplay } from "../process/replay.ts";
import { storeOf, type Db } from "../store/db.ts";
import { discardDeadLetter, getDeadEnvelope, getDeadLetter, listDeadLetters } from "../store/dead-letters.ts";
import type { ListedDeadLetter } from "../store/dead-letters.ts";
import { json, needs, pageOf, problems } from "./kit/responses.ts";
import { answerList, listOf } from "./kit/lists.ts";
import { DeadLettersQuery } from "./kit/parameters.ts";
import type { ApiEnv } from "./kit/env.ts";
import { ProblemError } from "./kit/problem.ts";
import { sees } from "./kit/reach.ts";
import { createRoute, router } from "./kit/routes.ts";
import { DeadLetter, DeadLetterWithDelivery } from "./schemas.ts";
import { deadLetterView, deliveryView } from "./views.ts";

const UNKNOWN = "There is no dead letter with this id.";
const NO_REPLAY: Readonly<Record<NoReplay, [status: number, detail: string]>> = {
  unknown: [404, UNKNOWN],
  gone: [409, "The delivery of this dead letter is gone; it can only be discarded."],
  unavailable: [503, "The queue did not take it; try again."],
};

const tags = ["Dead letters"];
const params = z.object({ id: z.string() });

/** The routes of /v1/dead-letters. */
export const deadLetters = router();

const listing = createRoute({
  ...needs("read", "parameter"),
  method: "get",
  path: "/",
  tags,
  summary: "Dead letters in order of receipt",
  request: { query: DeadLettersQuery },
  responses: {
    200: listOf("The dead letters", pageOf("dead_letters", DeadLetter)),
    ...problems(400),
  },
});

deadLetters.openapi(listing, async (c) => {
  const { limit, after, ...query } = c.req.valid("query");
  const page = async (from: string | undefined, size: number) => {
    const { letters, next } = await listDeadLetters(c.var.db, { ...query, after: from, limit: size });
    return { items: letters.map(deadLetterView), next };
  };
  return await answerList(c, { item: DeadLetter, after, limit, page }, ({ items, next }) =>
    c.json({ dead_letters: items, next }, 200),
  );
});

const single = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/{id}",
  tags,
  summary: "One dead letter, with the whole delivery that it came in",
  request: { params },
  responses: { 200: json("The dead letter", DeadLetterWithDelivery), ...problems(404) },
});

deadLetters.openapi(single, async (c) => {
  const letter = await find(c.var, c.req.valid("param").id);
  const envelope = await getDeadEnvelope(c.env.BUCKET, letter.envelope);
  const delivery = envelope === null ? null : deliveryView(envelope);
  return c.json({ ...deadLetterView(letter), delivery }, 200);
});

const replaying = createRoute({
  ...needs("write", "filters"),
  method: "post",
  path: "/{id}/replay",
  tags,
  summary: "Send a dead letter's delivery through again, after a fix",
  request: { params },
  responses: {
    202: json("The delivery is on its way", z.object({ replayed: z.string(), envelope: z.string() })),
    ...problems(404, 409),
  },
});

deadLetters.openapi(replaying, async (c) => {
  const { id } = c.req.valid("param");
  await find({ db: storeOf(c.env), token: c.var.token }, id);
  const replayed = await replayDeadLetter(c.env, id);
  if (!replayed.ok) throw new ProblemError(...NO_REPLAY[replayed.reason]);
  return c.json({ replayed: id, envelope: replayed.value }, 202);
});

const discarding = createRoute({
  ...needs("write", "filters"),
  method: "delete",
  path: "/{id}",
  tags,
  summary: "Discard a dead letter",
  request: { params },
  responses: { 204: { description: "Discarded" }, ...problems(404) },
});

deadLetters.openapi(discarding, async (c) => {
  const letter = await find({ db: storeOf(c.env), token: c.var.token }, c.req.valid("param").id);
  await discardDeadLetter(storeOf(c.env), c.env.BUCKET, letter);
  return c.body(null, 204);
});

async function find(
  { db, token }: { db: Db; token: ApiEnv["Variables"]["token"] },
  id: string,
): Promise<ListedDeadLetter> {
  const letter = await getDeadLetter(db, id);
  if (letter === null || !sees(token, letter.source)) throw new ProblemError(404, UNKNOWN);
  return letter;
}

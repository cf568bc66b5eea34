// /v1/dead-letters: inspect what could not become an event, send it through again after a fix, or discard it.

import { Hono } from "hono";
import { keep } from "../ingest/keep.ts";
import { bodyToJson } from "../model/envelope.ts";
import {
  discardLetter,
  getDeadEnvelope,
  getLetter,
  listLetters,
  markReplayed,
} from "../store/dead-letters.ts";
import type { ListedLetter } from "../store/dead-letters.ts";
import { LettersQuery, readQuery } from "./parameters.ts";
import { ProblemError } from "./problem.ts";
import { letterShape } from "./shapes.ts";

export const deadLetters = new Hono<{ Bindings: Env }>();

deadLetters.get("/", async (c) => {
  const { letters, next } = await listLetters(c.env.DB, readQuery(LettersQuery, c.req.url));
  return c.json({ dead_letters: letters.map(letterShape), next });
});

deadLetters.get("/:id", async (c) => {
  const letter = await find(c.env.DB, c.req.param("id"));
  const envelope = await getDeadEnvelope(c.env.BUCKET, letter.envelope);
  const { body, ...head } = envelope ?? { body: null };
  const whole = body === null ? null : { ...head, body: bodyToJson(body) };
  return c.json({ ...letterShape(letter), delivery: whole });
});

deadLetters.post("/:id/replay", async (c) => {
  const letter = await find(c.env.DB, c.req.param("id"));
  const envelope = await getDeadEnvelope(c.env.BUCKET, letter.envelope);
  if (envelope === null)
    throw new ProblemError(409, "The delivery of this dead letter is gone; it can only be discarded.");
  // Marked first: if sending fails the mark is all that is wrong, and replaying again is harmless.
  await markReplayed(c.env.DB, letter.envelope, Date.now());
  const kept = await keep(c.env, { ...envelope, replay: true }, "queue");
  if (kept === null) throw new ProblemError(503, "The queue did not take it; try again.");
  return c.json({ replayed: letter.id, envelope: letter.envelope }, 202);
});

deadLetters.delete("/:id", async (c) => {
  await discardLetter(c.env.DB, c.env.BUCKET, await find(c.env.DB, c.req.param("id")));
  return c.body(null, 204);
});

async function find(db: D1Database, id: string): Promise<ListedLetter> {
  const letter = await getLetter(db, id);
  if (letter === null) throw new ProblemError(404, "There is no dead letter with this id.");
  return letter;
}

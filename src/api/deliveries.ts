// /v1/deliveries/{id}: what became of the request that a provider was answered `accepted <id>`. It is put together from
// what is stored anyway, because nothing is written for a delivery alone. So some deliveries are not known, and the
// answer says why that may be.

import * as z from "zod";
import { configOf } from "../config/config.ts";
import { ALPHABET } from "../lib/base32.ts";
import { timeOfId } from "../lib/time-id.ts";
import { MINUTE } from "../lib/time.ts";
import { headerOf } from "../model/envelope.ts";
import { readEnvelope } from "../process/parse.ts";
import { findEnvelope, type ArchivedPlace } from "../store/bucket/find-envelope.ts";
import { spoolKey } from "../store/bucket/layout.ts";
import { deliveryRows } from "../store/deliveries.ts";
import { askAll } from "../store/across/ask.ts";
import type { Shards } from "../store/shards.ts";
import { readStoredRows, type StoredRow } from "../store/events/by-archive-object.ts";
import { ProblemError } from "./kit/problem.ts";
import { sees } from "./kit/reach.ts";
import { json, needs, problems } from "./kit/responses.ts";
import { createRoute, router } from "./kit/routes.ts";
import { time } from "./schemas.ts";
import { iso } from "./views.ts";

/** The most events that are told one by one. */
const MOST_EVENTS = 1_000;

const Delivery = z
  .object({
    id: z.string().describe("As the answer to the provider named it: `accepted <id>`"),
    source: z.string(),
    received_at: time,
    state: z
      .enum(["waiting", "done", "unknown"])
      .describe(
        "`waiting`: it is in the spool, or came within the last 15 minutes, and nothing of it is stored; `done`: what is " +
          "told here became of it; `unknown`: the archive has it, but nothing of it is stored: it still waits in the queue, " +
          "or its events were erased, removed or too old",
      ),
    reported: z
      .int()
      .nullable()
      .describe(
        "How many events it reports, as it is read today; null if it is not in the archive, or was not found there",
      ),
    stored: z
      .int()
      .describe(
        "How many of these are stored; fewer than reported if some are repeats, erased, removed or too old",
      ),
    events: z
      .array(z.object({ id: z.string(), type: z.string(), contact: z.string(), occurred_at: time }))
      .describe(`The stored events, at most ${MOST_EVENTS}`),
    duplicates: z
      .int()
      .nullable()
      .describe(
        "How many repeat what another delivery or element reported; null after 35 days, or if never counted",
      ),
    pings: z.int().nullable().describe("How many elements only tested the connection; null likewise"),
    dead_letters: z
      .array(z.object({ id: z.string(), reason: z.string() }))
      .describe("What could not become an event and waits: see /v1/dead-letters"),
  })
  .meta({ id: "Delivery" });

/** The route of /v1/deliveries. */
export const deliveries = router();

const single = createRoute({
  ...needs("read", "filters"),
  method: "get",
  path: "/{id}",
  tags: ["Sources"],
  summary: "What became of a delivery: its events, repeats, pings and dead letters",
  description:
    "A webhook is answered `accepted <id>`; this takes that id. The delivery itself is looked for in the 100 objects of the archive " +
    "that were written after its receipt. 404 says that it is not stored yet, or that nothing that is stored names it.",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json("The delivery", Delivery), ...problems(404) },
});

const FORM = new RegExp(`^[${ALPHABET}]{26}$`);

deliveries.openapi(single, async (c) => {
  const id = c.req.valid("param").id.toLowerCase();
  if (!FORM.test(id))
    throw new ProblemError(404, "No delivery has such an id: it is the 26 characters behind `accepted`.");
  const found = await find(c.env, c.var.shards, id);
  if (found === null || !sees(c.var.token, found.source)) throw new ProblemError(404, whyUnknown(id));
  return c.json(found, 200);
});

/** How long a delivery usually takes to be stored at the very most, ms. */
const UNDER_WAY = 15 * MINUTE;

function whyUnknown(id: string): string {
  return Date.now() - timeOfId(id) < UNDER_WAY
    ? "Nothing is known of this delivery yet. It waits in the queue, usually for three seconds; ask again in a moment."
    : "Nothing that is stored names this delivery. It still waits in the queue, or it was stored long after its receipt, " +
        "or what it reported was erased, removed or too old to be kept, or no delivery ever had this id.";
}

async function find(env: Env, shards: Shards, id: string): Promise<z.output<typeof Delivery> | null> {
  const [{ tally, letters }, places] = await Promise.all([
    deliveryRows(shards.home, id),
    findEnvelope(env.BUCKET, id),
  ]);
  const rows = (await Promise.all(places.map(async (place) => await rowsAt(shards, place)))).flat();
  const read = places.map(({ batch, line, envelope }) =>
    readEnvelope({ envelope, batch, line, problem: null }, configOf(env)),
  )[0];
  const reported = read === undefined ? null : read.events.length + read.duplicates;
  const isStored = rows.length > 0 || tally !== null || letters.length > 0;
  // The archive may have it before it is stored, so that alone says nothing, unless there is nothing to store.
  const isEmpty = read !== undefined && reported === 0 && read.rejects.length + read.pings === 0;
  const source =
    tally?.source ?? letters[0]?.source ?? places[0]?.envelope.source ?? (await spooledSource(env, id));
  if (source === null) return null;
  const isYoung = Date.now() - timeOfId(id) < UNDER_WAY;
  const state = async () =>
    isYoung || (await env.BUCKET.head(spoolKey(id))) !== null ? "waiting" : "unknown";
  return {
    id,
    source,
    received_at: iso(timeOfId(id)),
    state: isStored || isEmpty ? "done" : await state(),
    reported,
    stored: rows.length,
    events: rows.slice(0, MOST_EVENTS).map(({ id: event, type, contact, at }) => ({
      id: event,
      type,
      contact,
      occurred_at: iso(at),
    })),
    duplicates: tally?.duplicates ?? null,
    pings: tally?.pings ?? null,
    dead_letters: letters.map(({ id: letter, reason }) => ({ id: letter, reason })),
  };
}

/** The stored events of an envelope, in order of storage. */
async function rowsAt(shards: Shards, { batch, line }: ArchivedPlace): Promise<StoredRow[]> {
  const rows = await askAll(shards, async (db) => await readStoredRows(db, batch));
  return rows.flat().filter((row) => row.line === line);
}

/** The source of a delivery that waits in the spool; null if it does not. */
async function spooledSource({ BUCKET }: Env, id: string): Promise<string | null> {
  const object = await BUCKET.get(spoolKey(id));
  return object === null ? null : headerOf(new Uint8Array(await object.arrayBuffer())).source;
}

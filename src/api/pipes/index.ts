// /v1/pipes: destinations to which events are passed on, made, changed, tested, paused and deleted.

import * as z from "zod";
import { configOf } from "../../config/config.ts";
import { attempt } from "../../pipes/attempt.ts";
import { kindNamed } from "../../pipes/kinds/index.ts";
import type { Kind } from "../../pipes/kinds/kind.ts";
import { loadPipe } from "../../pipes/load.ts";
import { eventRow, pipedOf } from "../../pipes/select.ts";
import { sampleEvent } from "../../pipes/sample.ts";
import { encryptSecrets, decryptSecrets } from "../../pipes/secrets.ts";
import { clearAway } from "../../pipes/wake.ts";
import { feedEnd, placeAt } from "../../store/events/events.ts";
import { systemEventsEnd } from "../../store/pipes/system-events.ts";
import {
  addPipe,
  changePipe,
  getPipe,
  listPipes,
  MOST_PIPES,
  pausePipe,
  deletePipe,
  resumePipe,
  type PipeRecord,
  type FeedPositions,
} from "../../store/pipes/pipes.ts";
import { json, needs, problems } from "../kit/responses.ts";
import {
  checkedSettings,
  mergeSettings,
  NewPipe,
  optionsOf,
  splitSecrets,
  Pipe,
  PipeChange,
  pipeView,
} from "./views.ts";
import { ProblemError } from "../kit/problem.ts";
import { createRoute, router } from "../kit/routes.ts";
import { time } from "../schemas.ts";
import { newId } from "../../lib/time-id.ts";
import { iso } from "../views.ts";

const tags = ["Pipes"];
const params = z.object({ id: z.string() });

export const pipes = router();

const listing = createRoute({
  ...needs("read"),
  method: "get",
  path: "/",
  tags,
  summary: "All pipes, and how they are",
  responses: { 200: json("The pipes", z.object({ pipes: z.array(Pipe), next: z.null() })), ...problems() },
});

pipes.openapi(listing, async (c) => {
  const [records, end] = await Promise.all([listPipes(c.var.db), feedEnd(c.var.db)]);
  const shapes = await Promise.all(records.map(async (record) => await shown(c.env, record, end)));
  return c.json({ pipes: shapes, next: null }, 200);
});

const GeneratedSecrets = z
  .record(z.string(), z.string())
  .describe("Secrets that were made for it, shown this once; empty where you passed your own");
const making = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/",
  tags,
  summary: "Make a pipe; it begins at once",
  request: { body: { required: true, content: { "application/json": { schema: NewPipe } } } },
  responses: {
    201: json("The pipe", z.object({ pipe: Pipe, made: GeneratedSecrets })),
    ...problems(400, 409),
  },
});

pipes.openapi(making, async (c) => {
  const wanted = c.req.valid("json");
  const kind = kindOf(wanted.kind);
  const { settings, made } = await withGeneratedSecrets(kind, wanted.settings);
  const now = Date.now();
  const id = newId(now); // pipes are listed in the order in which they were made
  const { open, secret } = splitSecrets(kind, settings);
  const record: PipeRecord = {
    id,
    name: wanted.name,
    kind: kind.id,
    settings: open,
    secrets: await encrypted(c.env, id, secret),
    filter: wanted.filter,
    options: optionsOf(wanted),
    start: await startOf(c.env.DB, wanted.start),
    paused: null,
    paused_at: null,
    revision: 1,
    created_at: now,
    changed_at: now,
  };
  const refused = await addPipe(c.env.DB, record);
  if (refused === "name") throw new ProblemError(409, `There is a pipe named ${wanted.name} already.`);
  if (refused === "number")
    throw new ProblemError(409, `There are ${MOST_PIPES} pipes, and no more are run.`);
  await c.env.PIPES.getByName(id).begin(id, record.start);
  return c.json({ pipe: await shown(c.env, record, await feedEnd(c.env.DB)), made }, 201);
});

const single = createRoute({
  ...needs("read"),
  method: "get",
  path: "/{id}",
  tags,
  summary: "One pipe, and how it is",
  request: { params },
  responses: { 200: json("The pipe", Pipe), ...problems(404) },
});

pipes.openapi(single, async (c) => {
  const record = await found(c.env.DB, c.req.valid("param").id);
  return c.json(await shown(c.env, record, await feedEnd(c.var.db)), 200);
});

const changing = createRoute({
  ...needs("admin"),
  method: "patch",
  path: "/{id}",
  tags,
  summary: "Change what is named, and leave the rest",
  request: { params, body: { required: true, content: { "application/json": { schema: PipeChange } } } },
  responses: { 200: json("The pipe", Pipe), ...problems(400, 404, 409) },
});

pipes.openapi(changing, async (c) => {
  const change = c.req.valid("json");
  const before = await found(c.env.DB, c.req.valid("param").id);
  const kind = kindOf(before.kind);
  const present = await secretsOf(c.env, before);
  // Only what is passed is asked of whoever cannot open what was sealed: a key that was lost is replaced by saving anew.
  const whole = checkedSettings(
    kind,
    mergeSettings({ ...before.settings, ...present }, change.settings ?? {}),
  );
  const { open, secret } = splitSecrets(kind, whole);
  const record: PipeRecord = {
    ...before,
    name: change.name ?? before.name,
    settings: open,
    secrets: await encrypted(c.env, before.id, secret),
    filter: change.filter === undefined ? before.filter : change.filter,
    options: optionsOf(change, before.options),
    changed_at: Date.now(),
  };
  if (!(await changePipe(c.env.DB, record)))
    throw new ProblemError(409, "It was changed meanwhile, or there is a pipe of this name; read it again.");
  await c.env.PIPES.getByName(before.id).resume();
  return c.json(await shown(c.env, record, await feedEnd(c.env.DB)), 200);
});

const deleting = createRoute({
  ...needs("admin"),
  method: "delete",
  path: "/{id}",
  tags,
  summary: "Delete a pipe, its position and its log",
  request: { params },
  responses: { 204: { description: "Deleted" }, ...problems(404) },
});

pipes.openapi(deleting, async (c) => {
  const { id } = c.req.valid("param");
  if (!(await deletePipe(c.env.DB, id, Date.now())))
    throw new ProblemError(404, "There is no pipe with this id.");
  await clearAway(c.env, id);
  return c.body(null, 204);
});

const pausing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/{id}/pause",
  tags,
  summary: "Pause a pipe; it keeps its place",
  request: { params },
  responses: { 200: json("The pipe", Pipe), ...problems(404, 409) },
});

pipes.openapi(pausing, async (c) => {
  const record = await found(c.env.DB, c.req.valid("param").id);
  const reason = `paused by ${c.var.token.name}`;
  if (!(await pausePipe(c.env.DB, { pipe: record, reason, at: Date.now(), told: false })))
    throw new ProblemError(409, "It is paused already.");
  await c.env.PIPES.getByName(record.id).reloadSettings();
  return c.json(await again(c.env, record.id), 200);
});

const resuming = createRoute({
  ...needs("write"),
  method: "post",
  path: "/{id}/resume",
  tags,
  summary: "Go on from where it stopped, at once; also for one that waits for its destination",
  request: { params },
  responses: { 200: json("The pipe", Pipe), ...problems(404) },
});

pipes.openapi(resuming, async (c) => {
  const record = await found(c.env.DB, c.req.valid("param").id);
  await resumePipe(c.env.DB, record.id);
  const pipe = c.env.PIPES.getByName(record.id);
  await pipe.begin(record.id, record.start); // where making it was cut off
  await pipe.resume();
  return c.json(await again(c.env, record.id), 200);
});

const Exchange = z.object({
  request: z.object({
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
  }),
  response: z
    .object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() })
    .nullable(),
  error: z.string().nullable(),
  took: z.int().describe("ms"),
});
const testing = createRoute({
  ...needs("write"),
  method: "post",
  path: "/{id}/test",
  tags,
  summary: "Send a sample event, and see what went over the wire, secrets left out",
  request: { params },
  responses: {
    200: json(
      "What came of it",
      z.object({
        outcome: z.string().meta({ examples: ["delivered"] }),
        reason: z.string().nullable(),
        at: time,
        attempt: z.string(),
        exchanges: z.array(Exchange),
      }),
    ),
    ...problems(404, 409),
  },
});

pipes.openapi(testing, async (c) => {
  const record = await found(c.env.DB, c.req.valid("param").id);
  const opened = await loadPipe(c.env, record);
  if (!opened.ok) throw new ProblemError(409, `The pipe cannot deliver: ${opened.reason}`);
  const { kind, settings, form } = opened.value;
  const row = eventRow(sampleEvent(Date.now()));
  const account = await attempt(c.env, { kind, settings, kept: new Map() }, [pipedOf(form, row).out]);
  const { outcome, at, id, exchanges } = account;
  return c.json(
    { outcome: outcome.result, reason: outcome.reason, at: iso(at), attempt: id, exchanges },
    200,
  );
});

const rotating = createRoute({
  ...needs("admin"),
  method: "post",
  path: "/{id}/rotate",
  tags,
  summary: "Make a new signing secret beside the present one; both sign until `settings` names one alone",
  request: { params },
  responses: { 200: json("The new secret", z.object({ made: GeneratedSecrets })), ...problems(404, 409) },
});

pipes.openapi(rotating, async (c) => {
  const before = await found(c.env.DB, c.req.valid("param").id);
  const kind = kindOf(before.kind);
  const whole = { ...before.settings, ...(await secretsOf(c.env, before)) };
  const fresh = (await kind.makeSecret?.(whole, true)) ?? null;
  if (fresh === null) throw new ProblemError(409, `A pipe of kind ${kind.id} has no secrets that we make.`);
  const { made } = fresh;
  const { secret } = splitSecrets(kind, checkedSettings(kind, fresh.settings));
  const record = { ...before, secrets: await encrypted(c.env, before.id, secret), changed_at: Date.now() };
  if (!(await changePipe(c.env.DB, record)))
    throw new ProblemError(409, "It was changed meanwhile; read it again.");
  await c.env.PIPES.getByName(before.id).reloadSettings();
  return c.json({ made }, 200);
});

const Waiting = z.object({
  event: z.string(),
  seq: z.int(),
  tries: z.int().describe("How often it was tried"),
  due: time,
  reason: z.string().describe("Why it failed the last time"),
});
const waiting = createRoute({
  ...needs("read"),
  method: "get",
  path: "/{id}/waiting",
  tags,
  summary: "Events that failed alone and are tried again, the next ones first; at most 1,000",
  request: { params },
  responses: {
    200: json("The events", z.object({ waiting: z.array(Waiting), next: z.null() })),
    ...problems(404),
  },
});

pipes.openapi(waiting, async (c) => {
  const { id } = await found(c.env.DB, c.req.valid("param").id);
  const list = await c.env.PIPES.getByName(id).waiting(1_000);
  const shapes = list.map(({ id: event, seq, tries, due, reason }) => ({
    event,
    seq,
    tries,
    due: iso(due),
    reason,
  }));
  return c.json({ waiting: shapes, next: null }, 200);
});

function kindOf(id: string): Kind {
  const kind = kindNamed(id);
  if (kind === undefined) throw new ProblemError(409, `There is no kind of pipe named ${id} any more.`);
  return kind;
}

async function found(db: D1Database, id: string): Promise<PipeRecord> {
  const record = await getPipe(db, id);
  if (record === null) throw new ProblemError(404, "There is no pipe with this id.");
  return record;
}

async function again(env: Env, id: string) {
  return await shown(env, await found(env.DB, id), await feedEnd(env.DB));
}

async function shown(env: Env, record: PipeRecord, end: number) {
  const health = await env.PIPES.getByName(record.id).health();
  // Only names, and these only where the key is there: a list must not fail for a lost one.
  const opened =
    record.secrets === null ? null : await decryptSecrets(configOf(env).pipeKeys, record.id, record.secrets);
  const names =
    opened === null ? [] : opened.ok ? Object.keys(opened.value as object) : ["(their key is not there)"];
  return pipeView(record, names, health, end);
}

/** What is sealed; nothing where its key is gone, so that it can be saved anew. */
async function secretsOf(env: Env, { id, secrets }: PipeRecord): Promise<Record<string, unknown>> {
  if (secrets === null) return {};
  const opened = await decryptSecrets(configOf(env).pipeKeys, id, secrets);
  return opened.ok ? (opened.value as Record<string, unknown>) : {};
}

async function encrypted(env: Env, id: string, secret: Record<string, unknown>): Promise<string | null> {
  if (Object.keys(secret).length === 0) return null;
  const text = await encryptSecrets(configOf(env).pipeKeys, id, secret);
  if (!text.ok) throw new ProblemError(409, `A pipe of this kind has secrets, and ${text.reason}.`);
  return text.value;
}

/** The settings, with the secrets that a person left to us. */
async function withGeneratedSecrets(kind: Kind, passed: Record<string, unknown>) {
  const fresh = (await kind.makeSecret?.(passed, false)) ?? { settings: passed, made: {} };
  return { settings: checkedSettings(kind, fresh.settings), made: fresh.made };
}

async function startOf(db: D1Database, start: z.output<typeof NewPipe>["start"]): Promise<FeedPositions> {
  const notices = await systemEventsEnd(db);
  if (start === "now") return { events: await feedEnd(db), notices };
  if (start === "beginning") return { events: 0, notices: 0 };
  if ("seq" in start) return { events: start.seq, notices };
  return { events: await placeAt(db, start.time), notices };
}

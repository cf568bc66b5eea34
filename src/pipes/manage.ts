// What people do with pipes: create, change, pause, resume, delete, give new secrets, send a sample. Nothing here knows
// of HTTP, because the dashboard, the command line and alerts do the same as /v1.

import { pipeOf } from "../config/objects.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import { putJournal } from "../store/bucket/journal.ts";
import { newId } from "../lib/time-id.ts";
import { storeOf } from "../store/db.ts";
import { BEGINNING, type FeedPosition } from "../store/feed-position.ts";
import { endOfFeeds, positionAt, positionBehindSeq } from "../store/events/feeds.ts";
import {
  addPipe,
  changePipe,
  deletePipe,
  getPipe,
  MOST_PIPES,
  pausePipe,
  resumePipe,
  type FeedPositions,
  type PipeOptions,
  type PipeRecord,
} from "../store/pipes/pipes.ts";
import { announcePipes } from "../store/pipes/announced.ts";
import { systemEventsEnd } from "../store/pipes/system-events.ts";
import { shardsOf } from "../store/shards.ts";
import { allowsLoopback, attempt, type Account } from "./attempt.ts";
import { checkFilter } from "./check-filter.ts";
import type { PipeFailure } from "./failure.ts";
import { kindNamed } from "./kinds/index.ts";
import type { Kind } from "./kinds/kind.ts";
import { loadPipe } from "./load.ts";
import { eventRow } from "./rows.ts";
import { sampleEvent } from "./sample.ts";
import { toSelected } from "./select.ts";
import {
  checkSettings,
  mergeSettings,
  readSettings,
  secretsToRenew,
  storeSettings,
  type Settings,
} from "./settings.ts";
import { findPipe, showPipe, showRecord, type ShownPipe } from "./show.ts";
import { clearAway } from "./wake.ts";

/**
 * Where in the feed of events a new pipe starts. `time`: ms. `seq`: the last event that older clients have; in the feeds
 * of other databases it starts at the time of the next one.
 */
export type PipeStart = "now" | "beginning" | { time: number } | { after: FeedPosition } | { seq: number };

/** A pipe to create. */
export interface NewPipe {
  name: string;
  kind: string;
  settings: Settings;
  /** An expression in CEL that was checked; null passes on everything. */
  filter: string | null;
  start: PipeStart;
  /** Options that are not given have defaults. */
  options: Partial<PipeOptions>;
}

/** A change of a pipe. What is not given stays as it is. */
export interface PipeChange {
  name?: string | undefined;
  /** Settings to change; null removes one. */
  settings?: Settings | undefined;
  filter?: string | null | undefined;
  options: Partial<PipeOptions>;
}

const DEFAULTS: PipeOptions = { batch: 1_000, concurrency: 4, rate: null, ordered: false, log_share: 0.005 };

/** Secrets that Tidings generated, by name: shown to the person once. */
export type GeneratedSecrets = Record<string, string>;

/** Creates a pipe, which starts at once. */
export async function createPipe(
  env: Env,
  wanted: NewPipe,
): Promise<Result<{ pipe: ShownPipe; made: GeneratedSecrets }, PipeFailure>> {
  const kind = findKind(wanted.kind);
  if (!kind.ok) return kind;
  const filter = await checkFilter(env, wanted.filter);
  if (!filter.ok) return filter;
  const { settings, made } = await addSecrets(kind.value, wanted.settings);
  const checked = checkSettings(kind.value, settings, allowsLoopback(env));
  if (!checked.ok) return checked;
  const now = Date.now();
  const id = newId(now); // pipes are listed by id, the oldest first
  const stored = await storeSettings(env, id, kind.value, checked.value);
  if (!stored.ok) return stored;
  const record: PipeRecord = {
    id,
    name: wanted.name,
    kind: wanted.kind,
    ...stored.value,
    filter: wanted.filter,
    options: { ...DEFAULTS, ...wanted.options },
    start: await positionsAt(env, wanted.start),
    paused: null,
    paused_at: null,
    revision: 1,
    created_at: now,
    changed_at: now,
  };
  await journalPipe(env, record);
  const refused = await addPipe(storeOf(env), record);
  if (refused !== null) await putJournal(env.BUCKET, [{ kind: "pipe deleted", id }]);
  if (refused === "name_taken") return fail({ code: "name_taken", name: wanted.name });
  if (refused === "too_many") return fail({ code: "too_many_pipes", most: MOST_PIPES });
  await pipeOf(env, id).begin(id, record.start);
  return ok({ pipe: await showRecord(env, record, await endOfFeeds(shardsOf(env))), made });
}

/** Changes a pipe, which then goes on at once. */
export async function updatePipe(
  env: Env,
  id: string,
  change: PipeChange,
): Promise<Result<ShownPipe, PipeFailure>> {
  const before = await findPipe(storeOf(env), id);
  if (!before.ok) return before;
  const record = before.value;
  const kind = findKind(record.kind);
  if (!kind.ok) return kind;
  const filter = await checkFilter(env, change.filter ?? null);
  if (!filter.ok) return filter;
  const present = await readSettings(env, record);
  const passed = change.settings ?? {};
  const merged = mergeSettings(kind.value, present, passed);
  const checked = checkSettings(kind.value, merged, allowsLoopback(env));
  if (!checked.ok) return checked;
  const wrong = secretsToRenew(kind.value, { before: present, after: checked.value, change: passed });
  if (wrong.length > 0) return fail({ code: "wrong_settings", wrong });
  const stored = await storeSettings(env, id, kind.value, checked.value);
  if (!stored.ok) return stored;
  const changed: PipeRecord = {
    ...record,
    ...stored.value,
    name: change.name ?? record.name,
    filter: change.filter === undefined ? record.filter : change.filter,
    options: { ...record.options, ...change.options },
    changed_at: Date.now(),
  };
  if (!(await changePipe(storeOf(env), changed))) return fail({ code: "changed_meanwhile" });
  const isOtherFilter = changed.filter !== null && changed.filter !== record.filter;
  await pipeOf(env, id).resume(isOtherFilter ? record.revision + 1 : null);
  await journalNow(env, id);
  return ok(await showRecord(env, changed, await endOfFeeds(shardsOf(env))));
}

/**
 * Generates a new secret beside the present ones, which sign for another day, or end `atOnce`. Returns the new secret, and
 * when the others end, ms; null for no end.
 */
export async function rotateSecrets(
  env: Env,
  id: string,
  { atOnce = false }: { atOnce?: boolean } = {},
): Promise<Result<{ made: GeneratedSecrets; olderSecrets: (number | null)[] }, PipeFailure>> {
  const before = await findPipe(storeOf(env), id);
  if (!before.ok) return before;
  const record = before.value;
  const kind = findKind(record.kind);
  if (!kind.ok) return kind;
  if (kind.value.rotate === undefined) return fail({ code: "no_own_secrets", kind: record.kind });
  const now = Date.now();
  const present = await readSettings(env, record);
  const generated = await kind.value.rotate(present, { now, atOnce });
  if (generated === null) {
    const ends = (kind.value.olderSecrets?.(present, now) ?? []).filter((until) => until !== null);
    return fail({ code: "too_many_secrets", until: ends.length === 0 ? null : Math.min(...ends) });
  }
  const checked = checkSettings(kind.value, generated.settings, true);
  if (!checked.ok) return checked;
  const stored = await storeSettings(env, id, kind.value, checked.value);
  if (!stored.ok) return stored;
  if (!(await changePipe(storeOf(env), { ...record, ...stored.value, changed_at: now })))
    return fail({ code: "changed_meanwhile" });
  await pipeOf(env, id).reloadSettings();
  return ok({ made: generated.made, olderSecrets: kind.value.olderSecrets?.(checked.value, now) ?? [] });
}

/** How the reason of a pause by hand begins. Other pipes are told of the other pauses alone, and of their ends. */
const BY_HAND = "paused by ";

/** Pauses a pipe, which keeps its position. `by`: who paused it, for the reason that is shown. */
export async function pauseByHand(env: Env, id: string, by: string): Promise<Result<ShownPipe, PipeFailure>> {
  const record = await findPipe(storeOf(env), id);
  if (!record.ok) return record;
  const reason = BY_HAND + by;
  const paused = await pausePipe(storeOf(env), { pipe: record.value, reason, at: Date.now(), told: false });
  await journalNow(env, id); // also if it was paused: the call may repeat one that failed here
  if (!paused) return fail({ code: "already_paused" });
  await pipeOf(env, id).reloadSettings();
  return await showPipe(env, shardsOf(env), id);
}

/** Lets a pipe go on from where it stopped, at once, also one that waits for its destination. */
export async function resumeByHand(env: Env, id: string): Promise<Result<ShownPipe, PipeFailure>> {
  const record = await findPipe(storeOf(env), id);
  if (!record.ok) return record;
  const told = record.value.paused?.startsWith(BY_HAND) === false;
  await resumePipe(storeOf(env), { id, at: Date.now(), told });
  await (await startedPipe(env, record.value)).resume();
  await journalNow(env, id);
  return await showPipe(env, shardsOf(env), id);
}

/** Deletes a pipe, its position and its log. */
export async function removePipe(env: Env, id: string): Promise<Result<null, PipeFailure>> {
  const record = await findPipe(storeOf(env), id);
  if (!record.ok) return fail({ code: "no_pipe", id: null });
  await putJournal(env.BUCKET, [{ kind: "pipe deleted", id }]); // first: a repeated call would find no pipe to note
  if (!(await deletePipe(storeOf(env), id, Date.now()))) return fail({ code: "no_pipe", id: null });
  await clearAway(env, id);
  return ok(null);
}

/** Notes a pipe as it is now, without its secrets, for a database that is lost. */
async function journalPipe(env: Env, { secrets, start: _, ...shown }: PipeRecord): Promise<void> {
  await putJournal(env.BUCKET, [{ kind: "pipe", pipe: { ...shown, had_secrets: secrets !== null } }]);
}

async function journalNow(env: Env, id: string): Promise<void> {
  const record = await getPipe(storeOf(env), id);
  if (record !== null) await journalPipe(env, record);
}

/** Sends a sample event to a pipe's destination. The account says what went over the wire, without secrets. */
export async function sendSample(env: Env, id: string): Promise<Result<Account, PipeFailure>> {
  const record = await findPipe(storeOf(env), id);
  if (!record.ok) return record;
  const loaded = await loadPipe(env, record.value);
  if (!loaded.ok) return fail({ code: "not_runnable", reason: loaded.reason });
  const { kind, settings, form } = loaded.value;
  const { out } = toSelected(form, eventRow(sampleEvent(Date.now())));
  return ok(await attempt(env, { kind, settings, kept: new Map() }, [out]));
}

/**
 * The pipe's object. It is started in case creating the pipe was cut off before that; of a started one nothing changes.
 */
export async function startedPipe(env: Env, { id, start }: Pick<PipeRecord, "id" | "start">) {
  const pipe = pipeOf(env, id);
  await pipe.begin(id, start);
  return pipe;
}

function findKind(id: string): Result<Kind, PipeFailure> {
  const kind = kindNamed(id);
  return kind === undefined ? fail({ code: "no_kind", kind: id }) : ok(kind);
}

/** The settings, with the secrets that a person left to us. */
async function addSecrets(
  kind: Kind,
  settings: Settings,
): Promise<{ settings: Settings; made: GeneratedSecrets }> {
  return (await kind.makeSecret?.(settings)) ?? { settings, made: {} };
}

async function positionsAt(env: Env, start: PipeStart): Promise<FeedPositions> {
  const shards = shardsOf(env);
  await announcePipes(shards, Date.now());
  if (start === "beginning") return { events: BEGINNING, notices: BEGINNING };
  const notices = await systemEventsEnd(shards);
  if (start === "now") return { events: await endOfFeeds(shards), notices };
  if ("after" in start) return { events: start.after, notices };
  const events =
    "seq" in start ? await positionBehindSeq(shards, start.seq) : await positionAt(shards, start.time);
  return { events, notices };
}

// What a pipe would send, before it sends anything: the body of one event, the request around it, and how many of the
// latest events the filter lets through.

import { fail, ok, type Result } from "../lib/result.ts";
import { storeOf } from "../store/db.ts";
import { shardsOf } from "../store/shards.ts";
import { readSeqs, seqsOf } from "../store/events/feeds.ts";
import { allowsLoopback, attempt } from "./attempt.ts";
import { checkFilter } from "./check-filter.ts";
import type { PipeFailure } from "./failure.ts";
import { countLatest, type FilterCount } from "./filter-count.ts";
import { kindNamed } from "./kinds/index.ts";
import type { Kind, Outgoing } from "./kinds/kind.ts";
import { formOf } from "./load.ts";
import { eventRow, viewOf, type Row } from "./rows.ts";
import { sampleEvent } from "./sample.ts";
import { lookUp, passesFilters, toSelected } from "./select.ts";
import { checkSettings, mergeSettings, readSettings, type Settings } from "./settings.ts";
import { findPipe } from "./show.ts";
import type { Exchange } from "./transport/exchange.ts";
import { render } from "./transport/payload.ts";

/** What to preview: a pipe that is not made yet, or a change of one that is. */
export interface PreviewWish {
  /** The id of a pipe whose settings and filter apply where none are passed. */
  pipe: string | null;
  kind: string;
  settings: Settings;
  /** Undefined: the pipe's own. */
  filter: string | null | undefined;
  /** The id of a stored event, or fields of one; without either, the sample that `test` sends. */
  event: string | null;
  sample: Record<string, unknown> | null;
}

/** A preview. */
export interface Preview {
  /** What is sent of the event, on its own. */
  body: string;
  /** The request as it would be made, without secrets; null for kinds that take more than one HTTP request. */
  request: Exchange["request"] | null;
  /** Whether the filter lets the event through, or why it fails on it. */
  passes: boolean | string;
  latest: FilterCount;
}

/** Previews a pipe. Sends nothing. */
export async function previewPipe(env: Env, wish: PreviewWish): Promise<Result<Preview, PipeFailure>> {
  const base = await settingsOf(env, wish);
  if (!base.ok) return base;
  const { kind, settings } = base.value;
  const filter = await checkFilter(env, base.value.filter);
  if (!filter.ok) return filter;
  const found = await eventOf(env, wish);
  if (!found.ok) return found;
  const form = formOf(settings);
  const { row, view } = found.value;
  const { out } = toSelected(form, row, view);
  const named: Outgoing = { ...out, ...identityOf(view, out) };
  named.text = render(named, form, typeof view["source"] === "string" ? view["source"] : null);
  const filters = filter.value === null ? [] : [filter.value];
  const [lookups = {}] = await lookUp(env, filters, [view]);
  const request = kind.singleRequest === true ? await requestOf(env, { kind, settings }, named) : null;
  return ok({
    body: named.text,
    request,
    passes: passesFilters(filters, view, lookups),
    latest: await countLatest(env, filter.value),
  });
}

async function settingsOf(
  env: Env,
  wish: PreviewWish,
): Promise<Result<{ kind: Kind; settings: Settings; filter: string | null }, PipeFailure>> {
  const record = wish.pipe === null ? null : await findPipe(storeOf(env), wish.pipe);
  if (record?.ok === false) return record;
  const named = record?.value.kind ?? wish.kind;
  const kind = kindNamed(named);
  if (kind === undefined) return fail({ code: "no_kind", kind: named });
  const present = record === null ? {} : await readSettings(env, record.value);
  const merged = mergeSettings(kind, present, wish.settings);
  const complete = (await kind.makeSecret?.(merged))?.settings ?? merged;
  const checked = checkSettings(kind, complete, allowsLoopback(env));
  if (!checked.ok) return checked;
  const filter = wish.filter === undefined ? (record?.value.filter ?? null) : wish.filter;
  return ok({ kind, settings: checked.value, filter });
}

async function eventOf(
  env: Env,
  { event, sample }: PreviewWish,
): Promise<Result<{ row: Row; view: Record<string, unknown> }, PipeFailure>> {
  if (event === null) {
    const row = eventRow(sampleEvent(Date.now()));
    return ok({ row, view: { ...viewOf(row), ...sample } });
  }
  const shards = shardsOf(env);
  const [stored] = await readSeqs(
    shards,
    (await seqsOf(shards, [event])).map(({ seq }) => seq),
  );
  if (stored === undefined) return fail({ code: "no_event", id: event });
  const row = eventRow(stored);
  return ok({ row, view: viewOf(row) });
}

/** What stands beside the payload, where the sample names it. */
function identityOf(
  view: Record<string, unknown>,
  out: Outgoing,
): Pick<Outgoing, "id" | "type" | "contact" | "at"> {
  const { id, type, contact, occurred_at } = view;
  const at = typeof occurred_at === "string" ? Date.parse(occurred_at) : Number.NaN;
  return {
    id: typeof id === "string" ? id : out.id,
    type: typeof type === "string" ? type : out.type,
    contact: typeof contact === "string" ? contact : out.contact,
    at: Number.isNaN(at) ? out.at : at,
  };
}

/**
 * The request, taken from an attempt that reaches nobody. Its signature is left out: who may preview may choose the body,
 * and must not learn how a pipe would sign it.
 */
async function requestOf(
  env: Env,
  { kind, settings }: { kind: Kind; settings: Settings },
  out: Outgoing,
): Promise<Exchange["request"] | null> {
  const nobody = async (): Promise<Response> => await Promise.resolve(new Response(null, { status: 204 }));
  const { exchanges } = await attempt(env, { kind, settings, kept: new Map(), call: nobody }, [out]);
  const request = exchanges[0]?.request;
  if (request === undefined) return null;
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    /signature/i.test(name) ? "(hidden)" : value,
  ]);
  return { ...request, headers: Object.fromEntries(headers) as Record<string, string> };
}

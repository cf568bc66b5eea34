// The answers of /v1, made from stored rows: names as in the event model, times as ISO 8601 in UTC with milliseconds.

import type * as z from "zod";
import type { Suppression } from "../model/suppression/fold.ts";
import { inForceOf, isInForce, reasonsOf } from "../model/suppression/in-force.ts";
import { bodyToJson, type Envelope } from "../model/envelope.ts";
import { providerNamed } from "../providers/index.ts";
import { decidingEvent } from "../model/message.ts";
import type { ContactRecord } from "../store/events/contacts.ts";
import type { ListedDeadLetter } from "../store/dead-letters.ts";
import { eventView, iso, isoOrNull } from "../store/events/event-view.ts";
import type { StoredEvent } from "../store/events/events.ts";
import type { MessageRow } from "../store/events/messages.ts";
import type { NetworkRecord, SourceRecord, WordRecord } from "../store/events/sources.ts";
import type { ChangedSuppressions } from "../store/suppressions/changes.ts";
import type { ListedSuppression } from "../store/suppressions/list.ts";
import type { KnownSuppressions } from "../store/across/check.ts";
import type { ListedSuppression as ListedSuppressionSchema } from "./schemas.ts";

export { eventView, iso, isoOrNull };

function suppressionShape(suppression: Suppression) {
  const { reason, scope, event, source, at, by, note, lifted_at, lifted_by, lift_note, held } = suppression;
  const { expires_at = null } = suppression;
  return {
    reason,
    scope: scope === "" ? null : scope,
    event,
    source,
    since: iso(at),
    by,
    note,
    expires_at: isoOrNull(expires_at),
    lifted_at: isoOrNull(lifted_at),
    lifted_by,
    lift_note,
    held: held !== null,
    held_because: held,
  };
}

/** A suppression of the list, with its address. */
export function listedSuppressionView({ contact, destination, ...suppression }: ListedSuppression) {
  const suppressed = isInForce(suppression, Date.now());
  return { address: contact, destination, suppressed, ...suppressionShape(suppression), changed_at: null };
}

/**
 * The suppressions of an address that changed; one without a reason if it has none any more, so that whoever keeps a copy
 * learns of it.
 */
export function changedSuppressionViews(
  change: ChangedSuppressions,
): z.output<typeof ListedSuppressionSchema>[] {
  const { contact, destination, suppressions } = change;
  const changed_at = change.changed === 0 ? null : iso(change.changed);
  if (suppressions.length > 0)
    return suppressions.map((one) => ({
      ...listedSuppressionView({ ...one, contact, destination }),
      changed_at,
    }));
  const nothing = {
    scope: null,
    by: null,
    note: null,
    expires_at: null,
    lifted_at: null,
    lifted_by: null,
    lift_note: null,
  };
  const evidence = { reason: null, event: null, source: null, since: null, held: false, held_because: null };
  return [{ address: contact, destination, suppressed: false, ...evidence, ...nothing, changed_at }];
}

/** What is in force for all mail: the strongest, all reasons, and the strongest of the whole domain. */
function inForceShape({ own, ofDomain }: KnownSuppressions) {
  const now = Date.now();
  const all = inForceOf([...own, ...ofDomain], now);
  const [[strongest], [domain]] = [all, inForceOf(ofDomain, now)];
  return {
    suppression: strongest === undefined ? null : suppressionShape(strongest),
    reasons: reasonsOf(all),
    domain: domain === undefined ? null : suppressionShape(domain),
  };
}

/** Whether an address or a whole domain is suppressed, and its suppressions. */
export function suppressionStatusView(address: string, known: KnownSuppressions) {
  const standing = inForceShape(known);
  const history = known.own.map(suppressionShape);
  return { address, suppressed: standing.suppression !== null, ...standing, history };
}

/** A contact: its suppressions, and its events in figures. */
export function contactView(contact: string, { suppressions, ofDomain, counts }: ContactRecord) {
  const standing = inForceShape({ own: suppressions, ofDomain });
  const times = counts.flatMap(({ first, last }) => [first, last]);
  return {
    contact,
    status: standing.suppression === null ? ("active" as const) : ("suppressed" as const),
    ...standing,
    history: suppressions.map(suppressionShape),
    counts: Object.fromEntries(counts.map(({ type, n }) => [type, n])),
    first_seen: times.length > 0 ? iso(Math.min(...times)) : null,
    last_seen: times.length > 0 ? iso(Math.max(...times)) : null,
  };
}

/** A message with the events of all its recipients, its overall status, and the status of each recipient. */
export function messageView(rows: readonly MessageRow[], events: readonly StoredEvent[]) {
  const [first] = rows;
  const recipients = rows.map(({ contact }) => ({
    contact,
    ...statusShape(events.filter((event) => event.contact === contact)),
  }));
  return {
    message_id: first === undefined || first.message_id === "" ? null : first.message_id,
    contact: first?.contact ?? null,
    custom_id: first?.custom_id ?? null,
    source: first?.source ?? null,
    ...statusShape(events),
    recipients,
    events: events.map(eventView),
  };
}

function statusShape(events: readonly StoredEvent[]) {
  const deciding = decidingEvent(events);
  return { status: deciding?.type ?? "unknown", bounce: deciding?.bounce ?? null };
}

/** A dead letter, without its delivery. */
export function deadLetterView(letter: ListedDeadLetter) {
  return {
    id: letter.id,
    envelope: letter.envelope,
    element: letter.element,
    source: letter.source,
    provider: letter.provider,
    reason: letter.reason,
    raw: withoutProofIn(letter),
    received_at: iso(letter.received_at),
    status: statusOf(letter),
    replays: letter.replays,
    replayed_at: isoOrNull(letter.replayed_at),
    failed_at: isoOrNull(letter.failed_at),
  };
}

function statusOf({ replayed_at, failed_at }: ListedDeadLetter): "waiting" | "replaying" | "failed" {
  if (replayed_at === null) return "waiting";
  return failed_at !== null && failed_at >= replayed_at ? "failed" : "replaying";
}

/** The element's text without the proof that older letters still contain. */
function withoutProofIn({ provider, raw }: ListedDeadLetter): string {
  const known = providerNamed(provider);
  if (known?.withoutProof === undefined) return raw;
  const cut = known.withoutProof(new TextEncoder().encode(raw));
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(cut);
}

/**
 * The request that a dead letter came in, as it was received, but without its proof, which older envelopes still
 * contain.
 */
export function deliveryView(envelope: Envelope) {
  return {
    id: envelope.id,
    source: envelope.source,
    provider: envelope.provider,
    received_at: iso(envelope.receivedAt),
    method: envelope.method,
    url: envelope.url,
    headers: envelope.headers,
    ...(envelope.outside === true ? { outside: true as const } : {}),
    ...(envelope.replay === true ? { replay: true as const } : {}),
    ...(envelope.erased === true ? { erased: true as const } : {}),
    body: bodyToJson(providerNamed(envelope.provider)?.withoutProof?.(envelope.body) ?? envelope.body),
  };
}

/** A word that a source's tables do not know. */
export function wordView({ kind, word, n, first_seen, last_seen, event }: WordRecord) {
  return {
    kind,
    word,
    count: n,
    first_seen_at: iso(first_seen),
    last_seen_at: iso(last_seen),
    event,
  };
}

/** A network outside of a source's list. */
export function networkView({ network, n, first_seen, last_seen }: NetworkRecord) {
  return { network, requests: n, first_seen_at: iso(first_seen), last_seen_at: iso(last_seen) };
}

/** A source with its counters. */
export function sourceView(record: SourceRecord) {
  return {
    source: record.source,
    provider: record.provider,
    last_received_at: iso(record.last_received_at),
    last_event_at: isoOrNull(record.last_event_at),
    last_ping_at: isoOrNull(record.last_ping_at),
    lag_ms: record.lag_ms,
    events: record.events,
    duplicates: record.duplicates,
    pings: record.pings,
    outside: record.outside,
    dead_letters: record.dead_letters,
  };
}

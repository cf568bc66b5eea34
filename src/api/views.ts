// The answers of /v1, made from stored rows: names as in the event model, times as ISO 8601 in UTC with milliseconds.

import { strongestOf, type Suppression } from "../model/suppression/fold.ts";
import { bodyToJson, type Envelope } from "../model/envelope.ts";
import { providerNamed } from "../providers/index.ts";
import { decidingEvent } from "../model/message.ts";
import type { ContactRecord } from "../store/events/contacts.ts";
import type { ListedDeadLetter } from "../store/dead-letters.ts";
import { eventView, iso, isoOrNull } from "../store/events/event-view.ts";
import type { StoredEvent } from "../store/events/events.ts";
import type { MessageRow } from "../store/events/messages.ts";
import type { NetworkRecord, SourceRecord, WordRecord } from "../store/events/sources.ts";
import type { ListedSuppression } from "../store/suppressions/list.ts";

export { eventView, iso, isoOrNull };

function suppressionShape(suppression: Suppression) {
  const { reason, scope, event, source, at, by, note, lifted_at, lifted_by, lift_note, held } = suppression;
  return {
    reason,
    scope: scope === "" ? null : scope,
    event,
    source,
    since: iso(at),
    by,
    note,
    lifted_at: isoOrNull(lifted_at),
    lifted_by,
    lift_note,
    held: held !== null,
    held_because: held,
  };
}

/** A suppression of the list, with its address. */
export function listedSuppressionView({ contact, destination, ...suppression }: ListedSuppression) {
  return { address: contact, destination, ...suppressionShape(suppression) };
}

/** Whether an address is suppressed, and its suppressions. */
export function suppressionStatusView(address: string, suppressions: readonly Suppression[]) {
  const strongest = strongestOf(suppressions);
  return {
    address,
    suppressed: strongest !== null,
    suppression: strongest === null ? null : suppressionShape(strongest),
    history: suppressions.map(suppressionShape),
  };
}

/** A contact: its suppressions, and its events in figures. */
export function contactView(contact: string, { suppressions, counts }: ContactRecord) {
  const strongest = strongestOf(suppressions);
  const times = counts.flatMap(({ first, last }) => [first, last]);
  return {
    contact,
    status: strongest === null ? ("active" as const) : ("suppressed" as const),
    suppression: strongest === null ? null : suppressionShape(strongest),
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

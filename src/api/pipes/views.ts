// Pipes as /v1 shows them: times in ISO 8601, names as the API has them.

import type { OpenCircuit } from "../../pipes/circuit.ts";
import type { Retry } from "../../pipes/retries.ts";
import { allows, type TokenScope } from "../../model/token-scope.ts";
import { maskSettings } from "../../pipes/settings.ts";
import type { ShownHealth, ShownPipe } from "../../pipes/show.ts";
import { iso, isoOrNull } from "../views.ts";

/** A pipe, as the holder of a token with these scopes may see it. */
export function pipeView(
  { record, secrets, olderSecrets, status, condition, health }: ShownPipe,
  scopes: readonly TokenScope[],
) {
  const { id, name, kind, filter, options, paused, paused_at, created_at, changed_at } = record;
  return {
    id,
    name,
    kind,
    settings: allows(scopes, "admin") ? record.settings : maskSettings(kind, record.settings),
    secrets,
    older_secrets: olderSecrets.map(olderSecretView),
    filter,
    ...options,
    status,
    condition,
    paused: paused === null ? null : { reason: paused, since: iso(paused_at ?? 0) },
    created_at: iso(created_at),
    changed_at: iso(changed_at),
    health: health === null ? null : healthView(health),
  };
}

/** A secret that was replaced and still signs. `until`: ms. */
export function olderSecretView(until: number | null) {
  return { until: isoOrNull(until) };
}

/** An event that failed alone and waits to be tried again. */
export function waitingView({ id, seq, tries, due, reason }: Retry) {
  return { event: id, seq, tries, due: iso(due), reason };
}

function healthView(health: ShownHealth) {
  const { position, behind, retries, delivered, filtered, given_up, discarded, skipped } = health;
  const { failure, circuit, redeliveries } = health;
  return {
    position,
    behind,
    waiting: retries,
    delivered,
    filtered,
    given_up,
    discarded,
    skipped,
    delivered_at: isoOrNull(health.delivered_at),
    failed_at: isoOrNull(health.failed_at),
    failure,
    down: circuit === null ? null : circuitView(circuit),
    redeliveries,
  };
}

function circuitView({ result, reason, since, until }: OpenCircuit) {
  return { verdict: result, reason, since: iso(since), until: iso(until) };
}

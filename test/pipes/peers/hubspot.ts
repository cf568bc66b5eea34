// HubSpot's batch update and batch upsert of contacts, written from its reference. Addresses that begin with "unknown"
// are not there.
// https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-update
// https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-upsert

import { isObject, objectOf, parsedJson } from "../../../src/lib/json.ts";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { HUBSPOT_TOKEN } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

/** Properties of the account, with what they hold. */
const PROPERTIES: Readonly<Record<string, RegExp>> = {
  tidings_suppressed: /^(true|false|)$/,
  tidings_reason: /^[a-z_]*$/,
  tidings_last_event: /^[a-z]+$/,
  tidings_last_event_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  tidings_opened_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
};

export const start = (): Promise<Peer> => startHttpPeer(() => answer);

function refuse(status: number, category: string, message: string): PeerAnswer {
  const correlationId = "aeb5f871-7f07-4993-9211-075dc63e7cbf";
  return { status, body: { status: "error", message, correlationId, category } };
}

function answer({ method, path, headers, body }: PeerRequest): PeerAnswer {
  if (headers["authorization"] !== `Bearer ${HUBSPOT_TOKEN}`) {
    return refuse(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
  }
  const [, action] = /^\/crm\/v3\/objects\/contacts\/batch\/(upsert|update)$/.exec(path) ?? [];
  if (action === undefined) return refuse(404, "OBJECT_NOT_FOUND", "resource not found");
  if (method !== "POST") return { status: 405, body: "" };
  if (headers["content-type"] !== "application/json") return { status: 415, body: "" };
  const given = parsedJson(body);
  if (!isObject(given) || !Array.isArray(given["inputs"]) || Object.keys(given).length > 1) {
    return refuse(400, "VALIDATION_ERROR", "Invalid input JSON");
  }
  const inputs = given["inputs"].map(objectOf);
  if (inputs.length === 0 || inputs.length > 100)
    return refuse(400, "VALIDATION_ERROR", "The batch is too large");
  const known = ["id", "idProperty", "objectWriteTraceId", "properties"].join();
  if (
    !inputs.every(
      (input) => Object.keys(input).toSorted().join() === known && input["idProperty"] === "email",
    )
  ) {
    return refuse(400, "VALIDATION_ERROR", "Invalid input JSON");
  }
  const ids = inputs.map(({ id }) => String(id).toLowerCase());
  const traces = inputs.map(({ objectWriteTraceId }) => objectWriteTraceId);
  if (new Set(ids).size < ids.length || new Set(traces).size < ids.length) {
    return refuse(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input");
  }
  return written(inputs, headers["tidings-attempt"] ?? null, action === "upsert");
}

function written(
  inputs: readonly Record<string, unknown>[],
  attempt: string | null,
  creates: boolean,
): PeerAnswer {
  const faults = inputs.flatMap(({ properties }) =>
    Object.keys(objectOf(properties)).flatMap((name) =>
      name in PROPERTIES
        ? []
        : {
            isValid: false,
            message: `Property "${name}" does not exist`,
            error: "PROPERTY_DOESNT_EXIST",
            name,
          },
    ),
  );
  if (faults.length > 0)
    return refuse(400, "VALIDATION_ERROR", `Property values were not valid: ${JSON.stringify(faults)}`);
  const judged = inputs.map((input) => ({ ...input, error: errorOf(input, creates) }));
  const errors = judged.flatMap(({ error }) => error ?? []);
  const good: Record<string, unknown>[] = judged.filter(({ error }) => error === null);
  const results = good.map(({ id, properties }, place) => ({
    id: String(place + 1),
    new: false,
    properties: { email: String(id), ...objectOf(properties) },
  }));
  const taken = good.map(({ id, properties }): Taken => {
    return { id: String(id), type: null, attempt, order: null, text: JSON.stringify(properties) };
  });
  const times = { startedAt: "2026-11-21T12:00:00.000Z", completedAt: "2026-11-21T12:00:00.100Z" };
  if (errors.length === 0) return { status: 200, body: { status: "COMPLETE", results, ...times }, taken };
  const body = { status: "COMPLETE", results, numErrors: errors.length, errors, ...times };
  return { status: 207, body, taken };
}

function errorOf({ id, objectWriteTraceId, properties }: Record<string, unknown>, creates: boolean) {
  const error = (category: string, message: string) => ({
    status: "error",
    category,
    message,
    context: { objectWriteTraceId: [objectWriteTraceId] },
  });
  if (String(id).startsWith("unknown") && !creates) {
    const message = "Could not get some CONTACT objects, they may be deleted or not exist.";
    return { status: "error", category: "OBJECT_NOT_FOUND", message, context: { ids: [String(id)] } };
  }
  if (!/^[^@\s]+@[^@\s.]+\.[^@\s]+$/.test(String(id)))
    return error("VALIDATION_ERROR", `${String(id)} is no email address`);
  if (String(id).startsWith("busy@")) return error("CONFLICT", `${String(id)} is being written`);
  const wrong = Object.entries(objectOf(properties)).find(
    ([name, value]) => typeof value !== "string" || PROPERTIES[name]?.test(value) !== true,
  );
  return wrong === undefined ? null : error("VALIDATION_ERROR", `${wrong[0]} was not valid`);
}

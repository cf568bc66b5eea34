// HubSpot: contacts' properties, written by address through the CRM's batch update, which changes contacts that are
// there, or through its batch upsert, which also creates the others. Both answer record by record.
// https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-update
// https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-upsert
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines (limits)
// https://developers.hubspot.com/docs/api-reference/error-handling

import * as z from "zod";
import { httpsOrigin } from "../transport/destination-url.ts";
import { outcomeOf, outcomeOfError, type Answer } from "../transport/http.ts";
import { codeOf, isObject, objectOf, parsedJson, textOf, type JsonObject } from "../../lib/json.ts";
import {
  fieldsSetting,
  foldContacts,
  missingSetting,
  namesOf,
  NOTHING_TO_TELL,
  outcomeOfRecords,
  type ContactRecord,
  type RecordFailure,
  type Value,
} from "./crm.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kind.ts";
import { HOUR, SECOND } from "../../lib/time.ts";

const PROPERTY = z
  .string("must be a property's internal name")
  .regex(
    /^[a-z][a-z0-9_]{0,99}$/,
    "must be a property's internal name: small letters, digits and underscores",
  )
  .refine((name) => name !== "email", "must not be email, by which contacts are found");

const Settings = z.strictObject({
  token: z
    .string("must be an access token")
    .regex(/^[\x21-\x7e]{1,500}$/, "must be an access token")
    .meta({
      description: "A private app's access token, with the scopes crm.objects.contacts.read and .write",
    }),
  fields: fieldsSetting(PROPERTY),
  missing: missingSetting,
  url: httpsOrigin.default("https://api.hubapi.com").meta({ description: "Where HubSpot's API is" }),
});
type Settings = z.output<typeof Settings>;

/** HubSpot. */
export const hubspot: Kind<Settings> = {
  id: "hubspot",
  title: "HubSpot: suppression and engagement as properties of contacts",
  settings: Settings,
  secrets: ["token"],
  endpoints: ["url"],
  // A request takes a hundred inputs. Only mapped properties are sent, so the size of an event does not matter.
  batch: { events: 100, bytes: 8_000_000 },
  deliver,
};

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const records = foldContacts(batch, settings.fields);
  if (records.length === 0) return NOTHING_TO_TELL;
  try {
    const answer = await attempt.fetch({
      method: "POST",
      url: `${settings.url}/crm/v3/objects/contacts/batch/${settings.missing === "create" ? "upsert" : "update"}`,
      headers: {
        authorization: `Bearer ${settings.token}`,
        "content-type": "application/json",
        "tidings-attempt": attempt.id,
      },
      body: JSON.stringify({ inputs: records.map(inputOf) }),
      secrets: [settings.token],
    });
    return told(answer, batch.length, records, settings, attempt.now);
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** HubSpot returns `objectWriteTraceId` with the result of the record. */
function inputOf({ contact, values }: ContactRecord, place: number) {
  const properties = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, spelt(value)]));
  return { id: contact, idProperty: "email", objectWriteTraceId: String(place), properties };
}

/** HubSpot's values are texts; an empty one clears the property. */
function spelt(value: Value): string {
  return value === null ? "" : String(value);
}

function told(
  answer: Answer,
  count: number,
  records: readonly ContactRecord[],
  settings: Settings,
  now: number,
): Outcome {
  const outcome = outcomeOf(answer, now);
  const body = parsedJson(answer.text);
  if (answer.status === 404 && nobodyIsThere(body, records))
    return outcomeOfRecords(
      count,
      records,
      new Map([...records.keys()].map((place) => [place, "unknown there"])),
      404,
    );
  if (outcome.result === "delivered") {
    if (!isObject(body) || !Array.isArray(body["results"])) {
      const reason = `answered ${answer.status}, but not as HubSpot does`;
      return { ...outcome, result: "unavailable", reason };
    }
    return outcomeOfRecords(count, records, failuresOf(body, records), answer.status);
  }
  const { category, errorType, policyName } = objectOf(body);
  const code = codeOf(category) ?? codeOf(errorType);
  const reason = `answered ${answer.status}${code === null ? "" : ` ${code}`}`;
  switch (answer.status) {
    case 400:
      return refused({ ...outcome, reason }, answer.text, settings);
    // Two writes conflicted; a later one will succeed. 477: the account is being moved.
    case 409:
    case 423:
    case 477:
      return { ...outcome, result: "unavailable", reason, retryAfter: outcome.retryAfter ?? 2000 };
    case 429:
      return slowDown({ ...outcome, reason }, codeOf(policyName));
    default:
      return { ...outcome, reason };
  }
}

/**
 * How long to wait once the daily limit is reached, ms. The day ends at midnight of the account's time zone, which is
 * unknown.
 */
const UNTIL_ASKED_AGAIN = { SECONDLY: SECOND, TEN_SECONDLY_ROLLING: 10 * SECOND, DAILY: HOUR };

function slowDown(outcome: Outcome, policy: string | null): Outcome {
  const wait = Object.entries(UNTIL_ASKED_AGAIN).find(([name]) => name === policy)?.[1] ?? 10_000;
  const reason = `${outcome.reason ?? ""}${policy === null ? "" : ` (${policy})`}`;
  return { ...outcome, reason, retryAfter: outcome.retryAfter ?? wait };
}

/** A property that does not exist, or cannot be written, fails every event. */
function refused(outcome: Outcome, text: string, { fields }: Settings): Outcome {
  if (!/PROPERTY_DOESNT_EXIST|READ_ONLY_VALUE/.test(text)) return outcome;
  const named = namesOf(fields).filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  return {
    ...outcome,
    result: "denied",
    reason: `HubSpot has no such property to write: ${named.join(", ")}`,
  };
}

/**
 * The failures of a 207, by the record's index. An error that names no record counts for all records that were not
 * taken.
 */
function failuresOf(body: JsonObject, records: readonly ContactRecord[]): Map<number, RecordFailure> {
  const failures = new Map<number, RecordFailure>();
  const places = new Map(records.map(({ contact }, place) => [contact, place]));
  const errors = Array.isArray(body["errors"]) ? body["errors"].map(objectOf) : [];
  const nobodys: RecordFailure[] = [];
  for (const error of errors) {
    const context = objectOf(error["context"]);
    const traced = listOf(context["objectWriteTraceId"]).map(Number);
    const ids = [...listOf(context["ids"]), ...listOf(context["id"]), ...listOf(context["email"])];
    const known = [...traced, ...ids.map((id) => places.get(id.toLowerCase()) ?? -1)].filter(
      (place) => place in records,
    );
    if (known.length === 0) nobodys.push(failureOf(error));
    for (const place of known) failures.set(place, failureOf(error));
  }
  const [unknown] = nobodys;
  if (unknown === undefined) return failures;
  const taken = new Set((body["results"] as unknown[]).map((result) => emailOf(objectOf(result))));
  for (const [contact, place] of places) {
    if (!taken.has(contact) && !failures.has(place)) failures.set(place, unknown);
  }
  return failures;
}

/** Whether an update's 404 means its contacts, and not the URL: then it names them. */
function nobodyIsThere(body: unknown, records: readonly ContactRecord[]): boolean {
  const { category, context } = objectOf(body);
  const named = new Set(listOf(objectOf(context)["ids"]).map((id) => id.toLowerCase()));
  return category === NOT_THERE && records.every(({ contact }) => named.has(contact));
}

/** An update's word for a contact that is not there. An upsert has no such. */
const NOT_THERE = "OBJECT_NOT_FOUND";
const NOT_ITS_FAULT = /^(CONFLICT|RATE_LIMITS?|INTERNAL_ERROR|LOCKED|SERVICE_UNAVAILABLE|TIMEOUT)$/;

function failureOf(error: JsonObject): RecordFailure {
  const code = codeOf(error["category"]) ?? "an error";
  if (code === NOT_THERE) return "unknown there";
  const kind = codeOf(error["subCategory"]) ?? codeOf(error["code"]);
  const reason = `HubSpot answered ${code}${kind === null ? "" : ` (${kind})`} for this contact`;
  return { result: NOT_ITS_FAULT.test(code) ? "unavailable" : "refused", reason };
}

function emailOf(result: JsonObject): string | null {
  return textOf(objectOf(result["properties"])["email"])?.toLowerCase() ?? null;
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "string");
}

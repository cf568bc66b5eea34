// Salesforce: fields of contacts or leads, found by an external id that holds the address. A request writes up to 200
// records and answers for each. An upsert creates whom it does not find, if it is told enough: a contact and a lead need
// a name, so that an answer which asks for one says that the contact is not there.
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections_upsert.htm
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm

import * as z from "zod";
import { httpsOrigin } from "../transport/destination-url.ts";
import { outcomeOf, outcomeOfError, type Answer } from "../transport/http.ts";
import { codeOf, isObject, objectOf, parsedJson } from "../../lib/json.ts";
import {
  fieldsSetting,
  foldContacts,
  missingSetting,
  namesOf,
  NOTHING_TO_TELL,
  outcomeOfRecords,
  type ContactRecord,
  type RecordFailure,
} from "./crm.ts";
import type { Attempt, Kind, Outcome, Outgoing } from "./kind.ts";
import { dropToken, salesforceToken } from "./salesforce-token.ts";

const NAME = z
  .string("must be an API name, such as Suppressed__c")
  .regex(
    /^[A-Za-z][A-Za-z0-9_]{0,79}$/,
    "must be an API name: letters, digits and underscores, such as Suppressed__c",
  );

const Settings = z
  .strictObject({
    instance_url: httpsOrigin.meta({
      description: "My Domain's URL, such as https://example.my.salesforce.com",
    }),
    client_id: z
      .string("must be the consumer key")
      .min(1, "must be the consumer key")
      .max(500, "must be a consumer key")
      .meta({
        description: "Consumer key of an app that may use the client credentials flow",
      }),
    client_secret: z
      .string("must be the consumer secret")
      .min(1, "must be the consumer secret")
      .max(500, "must be a consumer secret"),
    object: NAME.default("Contact"),
    external_id_field: NAME.meta({
      description: "The field with the address: an external id, unique whatever the case, such as Email__c",
    }),
    fields: fieldsSetting(NAME),
    missing: missingSetting,
    api_version: z
      .string("must be a version of the API, such as 61.0")
      .regex(/^\d{2,3}\.0$/, "must be a version of the API, such as 61.0")
      .default("61.0"),
  })
  .refine(
    ({ fields, external_id_field: key }) =>
      !namesOf(fields).some((name) => name.toLowerCase() === key.toLowerCase()),
    { path: ["fields"], message: "must not write external_id_field, by which contacts are found" },
  );
type Settings = z.output<typeof Settings>;

/** Salesforce. */
export const salesforce: Kind<Settings> = {
  id: "salesforce",
  title: "Salesforce: suppression and engagement as fields of contacts",
  settings: Settings,
  secrets: ["client_secret"],
  endpoints: ["instance_url"],
  // A request takes 200 records. Only mapped fields are sent, so the size of an event does not matter.
  batch: { events: 200, bytes: 16_000_000 },
  deliver,
};

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const records = foldContacts(batch, settings.fields);
  if (records.length === 0) return NOTHING_TO_TELL;
  try {
    const kept = await salesforceToken(settings, attempt);
    if (typeof kept !== "string") return kept;
    const answer = await write(records, kept, settings, attempt);
    if (answer.status !== 401) return told(answer, batch.length, records, settings, attempt.now);
    // An administrator ended the session, or it reached the age that the organisation has set.
    dropToken(settings, kept, attempt);
    const token = await salesforceToken(settings, attempt);
    if (typeof token !== "string") return token;
    return told(await write(records, token, settings, attempt), batch.length, records, settings, attempt.now);
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** Upserts the records and, if they are to be created, those once more that need a name. The answer is for all. */
async function write(
  records: readonly ContactRecord[],
  token: string,
  settings: Settings,
  attempt: Attempt,
): Promise<Answer> {
  const answer = await upsert(records, token, settings, attempt);
  const answers = parsedJson(answer.text);
  if (settings.missing === "skip" || !Array.isArray(answers) || answers.length !== records.length)
    return answer;
  const places = [...records.keys()].filter((place) => isNotThere(objectOf(answers[place])));
  if (places.length === 0) return answer;
  const named = places.flatMap((place) => {
    const record = records[place];
    return record === undefined ? [] : [withName(record, settings)];
  });
  const second = await upsert(named, token, settings, attempt);
  const created = parsedJson(second.text);
  if (!Array.isArray(created) || created.length !== places.length) return second;
  const merged: unknown[] = [...(answers as unknown[])];
  for (const [index, place] of places.entries()) merged[place] = created[index];
  return { ...second, text: JSON.stringify(merged) };
}

/** What Salesforce wants of a new contact or lead, beside what is told: its address serves as a name. */
function withName(record: ContactRecord, { object, external_id_field: key }: Settings): ContactRecord {
  const { contact, values } = record;
  const email = key.toLowerCase() === "email" ? {} : { Email: contact };
  const company = object === "Lead" ? { Company: "[not provided]" } : {};
  return { ...record, values: { ...values, LastName: contact, ...email, ...company } };
}

async function upsert(
  records: readonly ContactRecord[],
  token: string,
  { instance_url, api_version, object, external_id_field, client_secret }: Settings,
  attempt: Attempt,
): Promise<Answer> {
  const attributes = { type: object };
  const given = records.map(({ contact, values }) => ({
    attributes,
    [external_id_field]: contact,
    ...values,
  }));
  const path = `/services/data/v${api_version}/composite/sobjects/${object}/${external_id_field}`;
  return await attempt.fetch({
    method: "PATCH",
    url: instance_url + path,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "tidings-attempt": attempt.id,
    },
    body: JSON.stringify({ allOrNone: false, records: given }),
    secrets: [token, client_secret],
  });
}

/**
 * How long to wait once the organisation's requests of 24 hours are used up, ms. The window moves, so some come free.
 */
const UNTIL_REQUESTS = 15 * 60_000;

/** Errors that concern the settings and not the record: names that Salesforce does not know. */
const UNKNOWN_NAME =
  /^(INVALID_FIELD|INVALID_TYPE|NOT_FOUND|INVALID_FIELD_FOR_INSERT_UPDATE|UNSUPPORTED_API_VERSION)$/;

function told(
  answer: Answer,
  count: number,
  records: readonly ContactRecord[],
  { missing }: Settings,
  now: number,
): Outcome {
  const outcome = outcomeOf(answer, now);
  const body = parsedJson(answer.text);
  if (outcome.result === "delivered") {
    if (!Array.isArray(body) || body.length !== records.length || !body.every(isObject)) {
      return {
        ...outcome,
        result: "unavailable",
        reason: `answered ${answer.status}, but not as Salesforce does`,
      };
    }
    return outcomeOfRecords(count, records, failuresOf(body, missing), answer.status);
  }
  const first: unknown = Array.isArray(body) ? body[0] : body;
  const code = codeOf(objectOf(first)["errorCode"]);
  const reason = `answered ${answer.status}${code === null ? "" : ` ${code}`}`;
  if (code === "REQUEST_LIMIT_EXCEEDED") {
    return { ...outcome, result: "slow_down", reason, retryAfter: outcome.retryAfter ?? UNTIL_REQUESTS };
  }
  const denied = code !== null && UNKNOWN_NAME.test(code);
  return { ...outcome, reason, result: denied ? "denied" : outcome.result };
}

/** Errors because the record, or its parent, was being changed at the same time. */
const AGAIN =
  /^(UNABLE_TO_LOCK_ROW|SERVER_UNAVAILABLE|QUERY_TIMEOUT|UNKNOWN_EXCEPTION|STORAGE_LIMIT_EXCEEDED)$/;

/** Whether a record failed because its contact would have to be created: nothing of ours leaves a field empty. */
function isNotThere({ success, errors }: Record<string, unknown>): boolean {
  const first = objectOf(Array.isArray(errors) ? errors[0] : null);
  return success !== true && first["statusCode"] === "REQUIRED_FIELD_MISSING";
}

/** The failures of an answer, which is in the order of the records. */
function failuresOf(
  answers: readonly Record<string, unknown>[],
  missing: Settings["missing"],
): Map<number, RecordFailure> {
  const failures = new Map<number, RecordFailure>();
  for (const [place, answer] of answers.entries()) {
    const { success, errors } = answer;
    if (success === true) continue;
    if (missing === "skip" && isNotThere(answer)) {
      failures.set(place, "unknown there");
      continue;
    }
    const { statusCode, fields } = objectOf(Array.isArray(errors) ? errors[0] : null);
    const code = codeOf(statusCode) ?? "an error";
    const named = (Array.isArray(fields) ? fields : []).map(codeOf).filter((name) => name !== null);
    const reason = `Salesforce answered ${code}${named.length === 0 ? "" : ` (${named.join(", ")})`} for this contact`;
    if (code.endsWith("LIMIT_EXCEEDED") && code !== "STORAGE_LIMIT_EXCEEDED")
      failures.set(place, { result: "slow_down", reason });
    else failures.set(place, { result: AGAIN.test(code) ? "unavailable" : "refused", reason });
  }
  return failures;
}

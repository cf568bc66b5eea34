// Mailgun's webhooks from before 2018:
// https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks-legacy
// A form (multipart if it carries the mail's headers) with all fields on one level, including the sender's own
// variables. It is converted to the current shape, so that one reader serves both.

import { fail, type Result } from "../../lib/result.ts";
import { LONGEST } from "../kit/fields.ts";
import { readForm } from "../kit/form.ts";
import { isObject, type JsonObject } from "../kit/json.ts";
import { byName, firstText, firstValue, plainName } from "../kit/loose-fields.ts";
import { isMultipart } from "../kit/multipart.ts";

/** The most form fields that are read, more than any report has, because the sender may not be authenticated yet. */
const MOST_FIELDS = 1_000;
const EQUALS = 0x3d;

/** The fields of a form in either encoding. Fails if the body is no form. */
export function readLegacy(body: Uint8Array): Result<JsonObject> {
  return isMultipart(body) || body.includes(EQUALS)
    ? readForm(body, MOST_FIELDS)
    : fail("the body is neither JSON nor a form");
}

/** Mailgun's own fields, as plain names; any other field is the sender's variable. */
const OWN = new Set(
  [
    "event timestamp token signature recipient domain ip country region city user-agent device-type client-type",
    "client-name client-os campaign-id campaign-name tag mailing-list url code error reason description notification",
    "message-id message-headers body-plain X-Mailgun-Sid X-Mailgun-Tag X-Mailgun-Variables attachment-count",
  ]
    .join(" ")
    .split(" ")
    .map(plainName),
);

/** Converts a legacy report to `event-data`. The spelling of `Message-Id` varies from event to event. */
export function fromLegacy(fields: JsonObject): JsonObject {
  const named = byName(fields);
  const pick = (...names: string[]) => firstText(named, names.map(plainName), LONGEST.url);
  return {
    event: pick("event"),
    timestamp: pick("timestamp"),
    recipient: pick("recipient"),
    reason: pick("reason"),
    "mailing-list": pick("mailing-list"),
    url: pick("url"),
    ip: pick("ip"),
    tags: firstValue(named, ["tag", plainName("X-Mailgun-Tag")]),
    campaigns: [{ id: pick("campaign-id"), name: pick("campaign-name") }],
    message: { headers: { "message-id": pick("message-id") } },
    "delivery-status": {
      code: pick("code"),
      message: pick("error"),
      description: pick("description") ?? pick("notification"),
    },
    geolocation: { country: pick("country") },
    "client-info": { "user-agent": pick("user-agent"), "client-type": pick("client-type") },
    "user-variables": variablesOf(fields),
  };
}

function variablesOf(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => !OWN.has(plainName(name)) && !isObject(value) && !/^attachment-\d/.test(name),
    ),
  );
}

// Opens the envelope of Amazon SNS, which carries SES's notifications, and Scaleway's copy of it: the report is JSON
// text inside JSON, and further messages are about the subscription itself.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html

import { fail, ok, type Result } from "../../lib/result.ts";
import { isObject, readJson, readJsonText, type JsonObject } from "./json.ts";
import { replaceMembers } from "./members.ts";
import type { Delivery } from "../provider.ts";

/** A report as the topic's owner wrote it, with the id and time of its envelope (undefined if it came without one). */
export interface Published {
  report: JsonObject;
  /** The message's id; every attempt repeats it. */
  id: unknown;
  publishedAt: unknown;
}

/** Finds the URL that confirms a subscription; null if the message contains no URL of that service. */
export type FindConfirmation = (message: JsonObject) => string | null;

const CONFIRMATION = "SubscriptionConfirmation";

/**
 * The report in a message; "ping" for messages about the subscription alone. With raw message delivery there is no
 * envelope, and the element is the report.
 */
export function openEnvelope(
  element: JsonObject,
  findConfirmation: FindConfirmation,
): Result<Published | "ping"> {
  const { Type: type, Message: message, MessageId: id, Timestamp: publishedAt } = element;
  if (type === "UnsubscribeConfirmation") return ok("ping");
  if (type === CONFIRMATION)
    return findConfirmation(element) === null
      ? fail("the subscription's URL is not the service's")
      : ok("ping");
  if (type !== "Notification") return ok({ report: element, id: undefined, publishedAt: undefined });
  if (typeof message !== "string") return fail("Message is not a text");
  if (isGreeting(message)) return ok("ping");
  const json = readJsonText(message);
  if (!json.ok) return fail("Message is not JSON");
  return isObject(json.value)
    ? ok({ report: json.value, id, publishedAt })
    : fail("Message is not an object");
}

/** Whether the message is the plain text that SES publishes when a topic becomes an event destination. */
export function isGreeting(message: string): boolean {
  return /^\s*successfully validated sns topic/i.test(message);
}

/** SNS's proof, and the links and tokens by which anybody ends or renews the subscription. */
const CUT: ReadonlyMap<string, (json: string) => string> = new Map([
  ["Signature", () => "null"],
  ["Token", () => "null"],
  ["UnsubscribeURL", () => "null"],
  // The rest of the link stays, for it decides whether the message is a confirmation.
  ["SubscribeURL", (json: string) => json.replaceAll(/([?&]Token=)[^&"]*/gi, "$1")],
]);

/** The message without its signature, and without the links that act by themselves. */
export function withoutLinks(body: Uint8Array): Uint8Array {
  return replaceMembers(body, CUT);
}

/** In bytes. A confirmation has about two thousand; longer messages need not be parsed twice. */
const LONGEST_CONFIRMATION = 16_384;

/** The URL to fetch so that a topic begins to deliver; null for any other delivery. */
export function confirmationOf(
  { body }: Pick<Delivery, "body">,
  findConfirmation: FindConfirmation,
): { confirm: string } | null {
  if (body.length > LONGEST_CONFIRMATION) return null;
  const json = readJson(body);
  if (!json.ok || !isObject(json.value) || json.value["Type"] !== CONFIRMATION) return null;
  const url = findConfirmation(json.value);
  return url === null ? null : { confirm: url };
}

const LONGEST_URL = 2048;

/** An absolute URL without user name, password and port; null for anything else. */
export function readUrl(value: unknown): URL | null {
  if (typeof value !== "string" || value.length > LONGEST_URL || !URL.canParse(value)) return null;
  const url = new URL(value);
  return url.username === "" && url.password === "" && url.port === "" ? url : null;
}

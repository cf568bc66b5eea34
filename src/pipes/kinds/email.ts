// Mails for people to read, through Cloudflare Email Service. A mail reports all events that have gathered since the
// last one, so that a storm does not become thousands of mails.
// https://developers.cloudflare.com/email-service/api/send-emails/workers-api/
// https://developers.cloudflare.com/email-service/platform/limits/

import * as z from "zod";
import { MINUTE, SECOND } from "../../lib/time.ts";
import { readAddress } from "../../model/address.ts";
import { mailOf, type Mail } from "../messages/mail.ts";
import { withinTime } from "../transport/within-time.ts";
import { ALERT_HEADER, isAboutOwnMail, ownRecipients } from "./email-loop.ts";
import { addressesSetting } from "./hook.ts";
import type { Attempt, DeliveryResult, Kind, Outcome, Outgoing } from "./kind.ts";

/** The service takes at most so many recipients of a mail. */
const MOST_RECIPIENTS = 50;

const address = z.string("must be an address").transform((text, context) => {
  const read = readAddress(text);
  if (read.ok) return read.value;
  context.addIssue(`must be an address: it ${read.reason}`);
  return z.NEVER;
});
const WHICH = `must be an address, or a list of 1 to ${MOST_RECIPIENTS} addresses`;

const Settings = z.strictObject({
  to: z
    .union(
      [address.transform((one) => [one]), z.array(address, WHICH).min(1, WHICH).max(MOST_RECIPIENTS, WHICH)],
      WHICH,
    )
    .meta({
      description:
        "Who gets the mails: an address, or a list of at most 50. Mails to verified destination addresses of the account " +
        "are free. Events about these addresses themselves are not mailed",
      examples: [["ops@example.com"]],
    }),
  from: address.meta({
    description: "The sender, at a domain that Email Service may send for",
    examples: ["tidings@example.com"],
  }),
  from_name: z
    .string("must be a text")
    .regex(/^[^\p{Cc}"<>]{1,100}$/u, "must be 1 to 100 characters, without quotes and angle brackets")
    .default("Tidings")
    .meta({ description: "The sender's name" }),
  interval_seconds: z
    .int("must be a whole number from 60 to 86400")
    .min(60, "must be a whole number from 60 to 86400")
    .max(86_400, "must be a whole number from 60 to 86400")
    .default(60)
    .meta({ description: "Seconds between two mails, at least. What happens meanwhile goes into one mail" }),
  addresses: addressesSetting,
});
type Settings = z.output<typeof Settings>;

/** Cloudflare Email Service. */
export const email: Kind<Settings> = {
  id: "email",
  title: "Email: what happened, in one mail a minute at most",
  settings: Settings,
  secrets: [],
  endpoints: [],
  batch: { events: 500, bytes: 50_000_000 },
  restOf: ({ interval_seconds }) => interval_seconds * SECOND,
  lacks: (env) =>
    bindingOf(env) === null
      ? 'the Worker has no binding to Cloudflare Email Service: add [[send_email]] with name = "EMAIL" to wrangler.toml, and ' +
        "deploy"
      : null,
  deliver,
};

type Sender = Pick<SendEmail, "send">;

/** The binding EMAIL; null if this deployment has none, which most have not. */
function bindingOf(env: Env): Sender | null {
  const bound = (env as { EMAIL?: unknown }).EMAIL;
  if (typeof bound !== "object" || bound === null) return null;
  return typeof (bound as { send?: unknown }).send === "function" ? (bound as Sender) : null;
}

async function deliver(batch: readonly Outgoing[], settings: Settings, attempt: Attempt): Promise<Outcome> {
  const sender = bindingOf(attempt.env);
  if (sender === null)
    return outcome("denied", "the Worker has no binding to Cloudflare Email Service named EMAIL");
  if (attempt.signal.aborted) return outcome("unavailable", "no answer within 15 seconds");
  const others = await ownRecipients(attempt).catch(() => null);
  if (others === null) return outcome("unavailable", "the database did not say who gets mails");
  const recipients = new Set([...settings.to, ...others]);
  const told = batch.filter((one) => !isAboutOwnMail(one, recipients));
  if (told.length === 0) return { ...outcome("delivered", null), skipped: skippedOf(batch, told) };
  const sent = await send(mailOf(told, settings.addresses), settings, sender, attempt);
  if (sent.result !== "delivered" || told.length === batch.length) return sent;
  return { ...sent, skipped: skippedOf(batch, told) };
}

function skippedOf(batch: readonly Outgoing[], told: readonly Outgoing[]): NonNullable<Outcome["skipped"]> {
  const reason = "about an address that gets these mails itself";
  return batch.flatMap((one, index) => (told.includes(one) ? [] : [{ index, reason }]));
}

async function send(mail: Mail, settings: Settings, sender: Sender, attempt: Attempt): Promise<Outcome> {
  const { to, from, from_name: name } = settings;
  const headers = { [ALERT_HEADER]: attempt.id };
  const began = Date.now();
  let answered: { messageId: string } | null = null;
  let failed: { code: string | null; words: string; result: DeliveryResult } | null = null;
  try {
    const sending = sender.send({ to, from: { email: from, name }, ...mail, headers });
    answered = await withinTime(sending, attempt.signal);
  } catch (error) {
    failed = attempt.signal.aborted
      ? { code: null, words: "no answer within 15 seconds", result: "unavailable" }
      : failureOf(error);
  }
  attempt.note({
    request: {
      method: "send",
      url: "email:EMAIL",
      headers: { ...headers, from, to: to.join(", "), subject: mail.subject },
      body: mail.text,
    },
    response: answered === null ? null : { status: 200, headers: {}, body: answered.messageId },
    error: failed?.words ?? null,
    took: Date.now() - began,
  });
  if (failed === null) return outcome("delivered", null);
  const retryAfter = failed.code === null ? null : (WAITS[failed.code] ?? null);
  return { ...outcome(failed.result, `not taken: ${failed.words}`), retryAfter };
}

/** The service's codes. What is not here may pass. All mails of a pipe have the same sender and recipients. */
const RESULTS: Readonly<Record<string, DeliveryResult>> = {
  E_SENDER_NOT_VERIFIED: "denied",
  E_SENDER_DOMAIN_NOT_AVAILABLE: "denied",
  E_RECIPIENT_NOT_ALLOWED: "denied",
  E_RECIPIENT_SUPPRESSED: "denied",
  E_TOO_MANY_RECIPIENTS: "denied",
  E_VALIDATION_ERROR: "denied",
  E_FIELD_MISSING: "denied",
  E_CONTENT_TOO_LARGE: "refused",
  E_RATE_LIMIT_EXCEEDED: "slow_down",
  E_DAILY_LIMIT_EXCEEDED: "slow_down",
};
/** How long to wait after a code, ms. */
const WAITS: Readonly<Record<string, number>> = {
  E_RATE_LIMIT_EXCEEDED: MINUTE,
  E_DAILY_LIMIT_EXCEEDED: 60 * MINUTE,
};

/** The error's code alone: its words may name an address. The local service has words and no codes. */
function failureOf(error: unknown): { code: string | null; words: string; result: DeliveryResult } {
  const given = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  const code = typeof given === "string" && /^E_[A-Z_]{1,60}$/.test(given) ? given : null;
  if (code !== null) return { code, words: code, result: RESULTS[code] ?? "unavailable" };
  const isBarred = error instanceof Error && error.message.endsWith(" not allowed");
  return isBarred
    ? { code, words: "the binding does not allow this sender or recipient", result: "denied" }
    : { code, words: "the service failed", result: "unavailable" };
}

function outcome(result: DeliveryResult, reason: string | null): Outcome {
  return { result, reason, status: null, retryAfter: null };
}

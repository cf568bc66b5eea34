// Events as HTTPS requests to any URL, signed by Standard Webhooks (signing.ts). A request holds one event, or a JSON
// array.
//
// The signature covers the JSON text, also if the request is compressed: frameworks and proxies undo content-encoding
// before a receiver's code sees the body, so these are the bytes that it can verify.

import * as z from "zod";
import { sha256Hex } from "../../lib/sha256.ts";
import { type Answer, outcomeOf, outcomeOfError, refusalOf } from "../transport/http.ts";
import { maskUrl, secretPartsOf } from "../transport/masked-url.ts";
import { compileTemplate } from "../template/template.ts";
import { mediaType, PAYLOAD_FORMS, renderBatch } from "../transport/payload.ts";
import { newSigningSecret, publicKeyOf, refusalOfSecret, sign, SIGNINGS } from "../transport/signing.ts";
import {
  activeSecrets,
  endOf,
  endsOfOlder,
  MOST_SECRETS,
  textOf,
  withNewest,
  type SigningSecret,
} from "../transport/signing-secrets.ts";
import { bytesOf, deliverInRequests } from "../transport/batches.ts";
import type { Attempt, GeneratedSecret, Kind, Outcome, Outgoing } from "./kind.ts";

/**
 * Bytes of payload in one request: with the array's brackets and commas below the 1 MiB that many servers set as their
 * limit.
 */
const MOST_BYTES = 1_000_000;
const LIMITS = { events: 100, bytes: MOST_BYTES, one: MOST_BYTES };

/** Headers that Tidings, the connection or the network sets. */
const RESERVED_HEADER =
  /^(host|connection|keep-alive|te|trailers?|transfer-encoding|upgrade|http2-settings|expect|date|via|forwarded|accept-encoding|content-.*|proxy-.*|webhook-.*|svix-.*|tidings-.*|cf-.*|x-forwarded-.*|x-real-ip)$/i;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/; // RFC 9110, section 5.6.2
const VALUE = /^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/;

const headers = z
  .record(z.string(), z.string("must be a text"), "must be headers by name")
  .superRefine((given, context) => {
    const seen = new Set<string>();
    if (Object.keys(given).length > 20) context.addIssue("must be at most 20 headers");
    for (const [name, value] of Object.entries(given)) {
      const refuse = (message: string): void => context.addIssue({ code: "custom", message, path: [name] });
      if (!TOKEN.test(name)) refuse("must have a header's name: letters, digits and hyphens");
      else if (RESERVED_HEADER.test(name)) refuse("must not be given: it is set by the request itself");
      else if (seen.has(name.toLowerCase())) refuse("must be given once");
      if (value.length > 4096 || !VALUE.test(value)) {
        refuse("must be 1 to 4,096 printable ASCII characters, without spaces around them");
      }
      seen.add(name.toLowerCase());
    }
  });

const PASSWORD_IN_URL =
  'must not hold a user or a password: pass them in headers, as {"Authorization": "Basic <user:password in base64>"}';

function holdsPassword(text: string): boolean {
  const { username, password } = URL.canParse(text) ? new URL(text) : { username: "", password: "" };
  return username !== "" || password !== "";
}

const url = z
  .string("must be a URL")
  .max(2048, "must be at most 2,048 characters")
  .superRefine((text, context) => {
    const refusal = holdsPassword(text) ? PASSWORD_IN_URL : refusalOf(text, true);
    if (refusal !== null) context.addIssue(refusal);
  });

const settings = z
  .strictObject({
    url: url.meta({
      description:
        "Where to POST: https, a public host. Stored encrypted. What may be secret in it, such as `sig=` or a long path, is " +
        "masked wherever it is shown",
      examples: ["https://example.com/hooks"],
    }),
    payload: z.enum(PAYLOAD_FORMS, "must be event, cloudevents or template").default("event").meta({
      description:
        "`event`: `{type, timestamp, data}`; `cloudevents`: CloudEvents 1.0, structured JSON; `template`: a body of your own",
    }),
    template: z
      .unknown()
      .optional()
      .meta({
        description:
          "With payload=template: a JSON document, or the text of one, whose texts hold expressions (CEL, as in filters) in " +
          "{{ }}. A string that is one expression becomes its value",
        examples: [{ text: "{{contact}} {{type}}: {{description}}", order: "{{metadata.order_id}}" }],
      }),
    batch: z.boolean("must be true or false").default(false).meta({
      description: "A JSON array of up to 100 events or 1 MB in each request, instead of one event",
    }),
    gzip: z.boolean("must be true or false").default(false).meta({
      description: "Compress the body (content-encoding: gzip); what is signed is the uncompressed JSON",
    }),
    headers: headers.default({}).meta({ description: "Further request headers, by name; secret" }),
    signing: z
      .enum(SIGNINGS, "must be v1 or v1a")
      .default("v1")
      .meta({ description: "`v1`: HMAC-SHA256 with a shared secret; `v1a`: ed25519" }),
    signing_secrets: z
      .array(
        z.union(
          [z.string(), z.strictObject({ secret: z.string(), until: z.int().describe("ms since the epoch") })],
          "must be a text",
        ),
        "must be a list of secrets",
      )
      .min(1, "must hold at least one secret")
      .max(MOST_SECRETS, "must hold at most three secrets")
      .meta({
        description:
          "The newest first; each signs until its end, so that receivers can change to a new one while the old one still holds. `whsec_...` for v1, `whsk_...` for v1a",
      }),
  })
  .superRefine(({ payload, template }, context) => {
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", message, path: ["template", ...path] });
    if (payload !== "template" && template !== undefined)
      return refuse([], 'is used with "payload": "template" alone');
    if (payload === "template" && (template === undefined || template === null))
      return refuse([], 'must be given, such as {"text": "{{contact}} {{type}}"}');
    const compiled = payload === "template" ? compileTemplate(template) : null;
    if (compiled?.ok === false) for (const { path, reason } of compiled.reason) refuse(path, reason);
  })
  .superRefine(({ signing, signing_secrets: secrets }, context) => {
    for (const [index, one] of secrets.entries()) {
      const wrong = refusalOfSecret(textOf(one), signing);
      const message = index === 0 && endOf(one) !== null ? "must not end: it is the newest" : wrong;
      if (message !== null) context.addIssue({ code: "custom", message, path: ["signing_secrets", index] });
    }
  });

/** The settings as the schema returns them. */
export type WebhookSettings = z.infer<typeof settings>;

/** Webhooks. */
export const webhook: Kind<WebhookSettings> = {
  id: "webhook",
  title: "HTTPS POST to any URL, signed after Standard Webhooks",
  singleRequest: true,
  settings,
  secrets: ["headers", "signing_secrets"],
  endpoints: ["url"],
  masked: ["url"],
  unsent: ["signing_secrets"],
  batch: { events: LIMITS.events, bytes: MOST_BYTES },
  batchOf: ({ batch }) => ({ events: batch ? LIMITS.events : 1, bytes: MOST_BYTES }),
  deliver,
  async makeSecret(passed) {
    const given = passed["signing_secrets"];
    if (given !== undefined && given !== null && !(Array.isArray(given) && given.length === 0)) return null;
    return await withSecret(passed, (secret) => [secret]);
  },
  rotate: async (present, when) =>
    await withSecret(present, (secret) => withNewest(secret, secretsIn(present), when)),
  olderSecrets: (present, now) => endsOfOlder(secretsIn(present), now),
};

function secretsIn(stored: Readonly<Record<string, unknown>>): readonly SigningSecret[] {
  return (stored["signing_secrets"] ?? []) as readonly SigningSecret[];
}

/** The settings with a new secret, at the place that `listed` gives it; null if it has none. */
async function withSecret(
  given: Readonly<Record<string, unknown>>,
  listed: (secret: string) => SigningSecret[] | null,
): Promise<GeneratedSecret | null> {
  const secret = await newSigningSecret(given["signing"] === "v1a" ? "v1a" : "v1");
  const signing_secrets = listed(secret);
  if (signing_secrets === null) return null;
  const shared = await publicKeyOf(secret);
  const made = { signing_secret: secret, ...(shared === null ? {} : { public_key: shared }) };
  return { settings: { ...given, signing_secrets }, made };
}

async function deliver(
  batch: readonly Outgoing[],
  settings: WebhookSettings,
  attempt: Attempt,
): Promise<Outcome> {
  if (batch.length > 1 && !settings.batch)
    throw new Error("several events for a webhook of one event a request");
  return await deliverInRequests(
    batch,
    ({ text }) => bytesOf(text),
    LIMITS,
    async (part) => {
      try {
        return outcomeOf(await post(part, settings, attempt), attempt.now);
      } catch (error) {
        return outcomeOfError(error);
      }
    },
  );
}

/**
 * One request. `webhook-id` is the event's id; that of an array hashes those in it, and so is the same with each
 * attempt for the same events. `webhook-timestamp` is the attempt's time, so that a late retry is not taken for a
 * replay.
 */
async function post(
  batch: readonly Outgoing[],
  settings: WebhookSettings,
  attempt: Attempt,
): Promise<Answer> {
  const { url, payload, batch: batched, gzip, signing, signing_secrets } = settings;
  const secrets = activeSecrets(signing_secrets, attempt.now).map(textOf);
  const texts = batch.map(({ text }) => text);
  const body = batched ? renderBatch(texts) : texts.join("");
  const ids = batch.map(({ id }) => id);
  const id = batched ? batchId(ids) : ids.join("");
  const timestamp = Math.floor(attempt.now / 1000);
  return await attempt.fetch({
    method: "POST",
    url,
    headers: {
      ...settings.headers,
      "content-type": mediaType(payload, batched),
      ...(gzip ? { "content-encoding": "gzip" } : {}),
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": await sign(secrets, signing, { id, timestamp, body }),
      "tidings-attempt": attempt.id,
    },
    body: gzip ? await compressed(body) : body,
    shown: body,
    shownUrl: maskUrl(url),
    secrets: [...Object.values(settings.headers), ...signing_secrets.map(textOf), ...secretPartsOf(url)],
  });
}

/** An id that is the same for the same events in the same order. */
function batchId(ids: readonly string[]): string {
  return `batch_${sha256Hex(ids.join("\n")).slice(0, 32)}`;
}

async function compressed(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

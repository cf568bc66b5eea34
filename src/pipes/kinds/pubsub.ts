// Google Cloud Pub/Sub: each event is a message. A batch is one publish request, which is taken whole or not at all.
// https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish

import { importPKCS8, SignJWT } from "jose";
import * as z from "zod";
import { sha256Hex } from "../../lib/sha256.ts";
import { outcomeOf, outcomeOfError, refusalOf, type Answer } from "../transport/http.ts";
import { parsedJson } from "../../lib/json.ts";
import { attributesOf, deliverInRequests, orderKey } from "../transport/batches.ts";
import type { Attempt, Kind, Outcome, Outgoing, DeliveryResult } from "./kind.ts";

// A request takes 10 MB. Beside its data, in base64, a message adds fewer bytes than this.
// https://cloud.google.com/pubsub/quotas#resource_limits
const OVERHEAD = 500;
const LIMITS = { events: 1000, bytes: 9_990_000, one: 9_990_000 };

const GLOBAL = "https://pubsub.googleapis.com";
/** The audience of the token, at every endpoint. */
const AUDIENCE = `${GLOBAL}/`;
/** How long a token is used, ms. It is valid for an hour, the most that Google allows. */
const TOKEN_USE = 50 * 60_000;

const settings = z
  .strictObject({
    topic: z
      .string("must be the topic's full name, such as projects/my-project/topics/email-events")
      .regex(
        /^projects\/[a-z0-9][a-z0-9.:-]{4,99}\/topics\/(?!goog)[A-Za-z][\w.~+%-]{2,254}$/,
        "must be the topic's full name, such as projects/my-project/topics/email-events",
      ),
    service_account: z
      .string("must be the content of a service account's key file, as text")
      .max(10_000, "must be the content of a service account's key file")
      .refine((text) => accountOf(text) !== null, {
        message:
          "must be the content of a service account's key file: JSON with client_email and private_key",
      })
      .meta({ description: "The JSON key file of a service account that may publish to the topic, as text" }),
    endpoint: z
      .string("must be a Pub/Sub endpoint")
      .refine(isEndpoint, {
        message: "must be a Pub/Sub endpoint, such as https://europe-west1-pubsub.googleapis.com",
      })
      .default(GLOBAL)
      .meta({ description: "A regional endpoint, where messages are to stay in a region or keep an order" }),
    ordering: z
      .boolean("must be true or false")
      .default(false)
      .meta({ description: "Whether each contact's events get an ordering key" }),
  })
  .refine(({ ordering, endpoint }) => !ordering || new URL(endpoint).origin !== GLOBAL, {
    path: ["endpoint"],
    message: "must be a regional endpoint where `ordering` is on: Pub/Sub keeps order within a region only",
  });

type Settings = z.infer<typeof settings>;

/** Only Google's hosts, because any other would get a token that opens the topic; and an emulator on this machine. */
function isEndpoint(text: string): boolean {
  if (refusalOf(text, true) !== null) return false;
  const { protocol, hostname, pathname, search } = new URL(text);
  return (protocol === "http:" || hostname.endsWith(".googleapis.com")) && pathname + search === "/";
}

const account = z.object({
  client_email: z.string().min(1),
  private_key: z.string().startsWith("-----BEGIN PRIVATE KEY-----"),
  private_key_id: z.string().optional(),
});

function accountOf(text: string): z.infer<typeof account> | null {
  return account.safeParse(parsedJson(text)).data ?? null;
}

/** Google Cloud Pub/Sub. */
export const pubsub: Kind<Settings> = {
  id: "pubsub",
  title: "Google Cloud Pub/Sub",
  settings,
  secrets: ["service_account"],
  endpoints: ["endpoint"],
  batch: { events: LIMITS.events, bytes: 5_000_000 }, // base64 adds a third
  deliver: (batch, given, attempt) =>
    deliverInRequests(
      batch,
      ({ text }) => Math.ceil(Buffer.byteLength(text) / 3) * 4 + OVERHEAD,
      LIMITS,
      (part) => publish(part, given, attempt),
    ),
};

async function publish(part: readonly Outgoing[], given: Settings, attempt: Attempt): Promise<Outcome> {
  const key = `pubsub:${sha256Hex(given.service_account)}`;
  const kept = attempt.kept.get(key);
  try {
    if (kept !== undefined && kept.until > attempt.now) {
      const answer = await post(part, String(kept.value), given, attempt);
      if (answer.status !== 401) return outcomeOfAnswer(answer, part.length, attempt.now);
    }
    attempt.kept.delete(key);
    const token = await tokenOf(given, attempt.now);
    if (token === null) return denied("the private key of the service account cannot be read");
    const answer = await post(part, token, given, attempt);
    if (answer.status !== 401) attempt.kept.set(key, { value: token, until: attempt.now + TOKEN_USE });
    return outcomeOfAnswer(answer, part.length, attempt.now);
  } catch (error) {
    return outcomeOfError(error);
  }
}

/**
 * A token that the service account signs itself; Google's APIs take it without an exchange. Null if the key is not
 * valid.
 * https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth
 */
async function tokenOf({ service_account }: Settings, now: number): Promise<string | null> {
  const { client_email = "", private_key = "", private_key_id } = accountOf(service_account) ?? {};
  const key = await importPKCS8(private_key, "RS256").catch(() => null);
  if (key === null) return null;
  const seconds = Math.floor(now / 1000);
  return await new SignJWT()
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(private_key_id && { kid: private_key_id }) })
    .setIssuer(client_email)
    .setSubject(client_email)
    .setAudience(AUDIENCE)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 3600)
    .sign(key);
}

async function post(
  part: readonly Outgoing[],
  token: string,
  { topic, endpoint, ordering, service_account }: Settings,
  attempt: Attempt,
): Promise<Answer> {
  const messages = part.map((event) => ({
    data: Buffer.from(event.text).toString("base64"),
    attributes: attributesOf(event, attempt),
    ...(ordering ? { orderingKey: orderKey(event) } : {}),
  }));
  const name = topic.split("/").map(encodeURIComponent).join("/");
  return await attempt.fetch({
    method: "POST",
    url: new URL(`/v1/${name}:publish`, endpoint).href,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ messages }),
    secrets: [token, ...(accountOf(service_account)?.private_key.split("\n").filter(Boolean) ?? [])],
  });
}

const published = z.object({ messageIds: z.array(z.string()) });
const failure = z.object({ error: z.object({ status: z.string() }) });

function outcomeOfAnswer(answer: Answer, count: number, now: number): Outcome {
  const outcome = outcomeOf(answer, now);
  if (outcome.result === "delivered") {
    if (published.safeParse(parsedJson(answer.text)).data?.messageIds.length === count) return outcome;
    return { ...outcome, result: "unavailable", reason: "answered without the ids of what it took" };
  }
  const status = failure
    .safeParse(parsedJson(answer.text))
    .data?.error.status.replace(/\W/g, "")
    .slice(0, 40);
  if (status === undefined) return outcome;
  const result = RESULTS[status] ?? outcome.result;
  return { ...outcome, result, reason: `answered ${answer.status}: ${status}` };
}

/** https://cloud.google.com/pubsub/docs/reference/error-codes. For other codes the HTTP status decides. */
const RESULTS: Readonly<Record<string, DeliveryResult>> = {
  RESOURCE_EXHAUSTED: "slow_down",
  UNAUTHENTICATED: "denied",
  PERMISSION_DENIED: "denied",
  NOT_FOUND: "denied",
  FAILED_PRECONDITION: "denied", // the topic's encryption key was revoked, its schema deleted, ...
  INVALID_ARGUMENT: "refused",
  ABORTED: "unavailable",
  CANCELLED: "unavailable",
  DEADLINE_EXCEEDED: "unavailable",
  INTERNAL: "unavailable",
  UNAVAILABLE: "unavailable",
};

function denied(reason: string): Outcome {
  return { result: "denied", reason, status: null, retryAfter: null };
}

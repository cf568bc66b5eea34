// Receives providers' requests. The checks have a fixed order, in which little is done for strangers: what URL and
// headers prove is known before the first byte of the body is read. The answer 200 means that the request is durable.
// Tidings accepts everything from an authenticated provider, because the provider would repeat a refused request for a
// day and then give up.

import type { Config, Source } from "../config/config.ts";
import { fingerprintOf } from "../config/fingerprint.ts";
import { describeError } from "../lib/outage.ts";
import type { Envelope } from "../model/envelope.ts";
import { TOKEN_PARAMETER } from "../providers/kit/credentials.ts";
import { deliveryOf } from "../providers/kit/delivery.ts";
import type { Handshake, InboundRequest, Provider, VerifyResult } from "../providers/index.ts";
import { HOPS_HEADER, hopsOf } from "../model/hops.ts";
import { newId } from "../lib/time-id.ts";
import { answer, consented, probed, refused, tested, unavailable } from "./answers.ts";
import { budgetOf, declaredLength, MAX_BODY, readBody, type Limits, type Unread } from "./body.ts";
import { decoded } from "./encoding.ts";
import { makeDurable, type Bindings as DurableBindings } from "./durable.ts";
import { networkOf } from "./network.ts";
import { callerOf, countGuess, WAIT } from "./guesses.ts";
import { CLOSED, provingCredential, verify, verifyHead, type Verified } from "./verify.ts";

/** The bindings that receiving needs. Without the limit, wrong credentials are not counted. */
type Bindings = DurableBindings & { WRONG_CREDENTIALS?: RateLimit };

/**
 * Answers a request to /webhooks/<name>[/...]. `first`: where to try to store the envelope first, in the queue or, on
 * the backup path, in the spool. Answers 503 if it cannot be stored.
 */
export async function receive(
  request: Request,
  name: string,
  first: "queue" | "spool",
  config: Config,
  env: Bindings,
): Promise<Response> {
  const source = config.sources.get(name);
  if (source === undefined) return answer("notFound");
  const { method } = request;
  if (method === "HEAD") return new Response(null);
  const delivers = method === "POST" || (method === "GET" && carriesData(request.url, source.provider));
  if (method === "GET" && !delivers) return probed(source);
  const head = { method, url: request.url, headers: request.headers };
  const consent = method === "OPTIONS" ? (source.provider?.consent?.(head) ?? null) : null;
  if (!delivers && consent === null) return answer("method", { allow: "POST, GET, HEAD" });
  if ((declaredLength(request) ?? 0) > MAX_BODY) return unread("too large", source);
  const outside = isOutside(request, source);
  if (outside && source.ipPolicy === "enforce") return refused("address", source, "outside of the list");
  const byHead = verifyHead(head, source);
  if (byHead?.ok === false) return await refusedCredentials(byHead, request, source, env);
  if (consent !== null) return consented(source, consent);
  const { body, release } = await readBody(request, byHead === null ? limitsOf(source) : PROVEN);
  if (typeof body === "string") return unread(body, source);
  const inbound: InboundRequest = { ...head, body };
  const verified: Verified = byHead ?? (await verify(inbound, source).finally(release));
  // Some senders do not repeat a request after a 401.
  if (!verified.ok && verified.stumbled === true) return unavailable(source, verified.reason);
  const { provider } = source;
  if (provider === null || !verified.ok)
    return await refusedCredentials(verified.ok ? CLOSED : verified, request, source, env);
  if (verified.isTest === true) return tested(source);
  const content = decoded(body, request.headers);
  if (content === "encoding") return refused("encoding", source, "the body's encoding is unknown");
  if (content === "too large") return refused("tooLarge", source, "the body is too large when unzipped");
  const envelope = makeEnvelope({ ...inbound, body: content }, source, provider, Date.now());
  if (outside) Object.assign(envelope, fromOutside(request));
  const handshake =
    provider.handshake?.({ ...inbound, body: content }, deliveryOf(envelope, source.settings)) ?? null;
  if (handshake !== null) return await shakeHands(handshake, source);
  const credential = fingerprintOf(await provingCredential(inbound, source, byHead));
  const storedIn = await makeDurable(env, { ...withoutProof(envelope, provider), credential }, first);
  return storedIn === null
    ? unavailable(source, "nothing took it")
    : new Response(`accepted ${envelope.id}\n`);
}

/** Bytes of bodies whose senders are unknown yet, in this isolate, which has 128 MB for all that it does. */
const unproven = budgetOf(16_000_000);

/** For bodies that prove themselves. No provider is known to wait longer than 15 seconds for an answer. */
function limitsOf({ provider }: Source): Limits {
  const most = Math.min(provider?.longestSigned ?? MAX_BODY, MAX_BODY);
  return { most, deadline: 15_000, budget: unproven };
}

/** For bodies whose sender is known. */
const PROVEN: Limits = { most: MAX_BODY, deadline: 60_000, budget: null };

/** The answer to a body that was not read. A sender that still listens may send it again, so most are 503. */
function unread(reason: Unread, source: Source): Response {
  if (reason === "too large") return refused("tooLarge", source, "the body is too large");
  if (reason === "too slow") return unavailable(source, "the body did not come in time");
  if (reason === "no memory") return unavailable(source, "too many unproven bodies at once");
  return unavailable(source, "the body did not come whole");
}

/** Deadline for a provider's confirmation URL, in ms. */
const CONFIRM_DEADLINE = 5_000;

/** Answers a handshake. If it cannot be completed, the answer is 503, so that the provider tries again. */
async function shakeHands(handshake: Handshake, source: Source): Promise<Response> {
  console.log({ message: "a provider set up its URL", source: source.name });
  if ("respond" in handshake) {
    return new Response(handshake.respond, { headers: { "content-type": handshake.contentType } });
  }
  try {
    const url = new URL(handshake.confirm);
    if (url.protocol !== "https:") throw new Error("the confirmation URL is not https");
    const signal = AbortSignal.timeout(CONFIRM_DEADLINE);
    const { status } = await fetch(url, { redirect: "manual", signal });
    if (status < 200 || status > 299) throw new Error(`the confirmation URL answered ${status}`);
    return new Response(`confirmed ${source.name}\n`);
  } catch (error) {
    return unavailable(source, `a subscription could not be confirmed: ${describeError(error).error}`);
  }
}

/**
 * Refuses a request for its credentials. Who presented nothing guessed nothing: senders that expect to be asked for a
 * password first, such as SNS, always get the 401 that asks.
 */
async function refusedCredentials(
  { reason, isBare }: VerifyResult & { ok: false },
  request: Request,
  source: Source,
  env: Bindings,
): Promise<Response> {
  const key = `${source.name} ${callerOf(request.headers)}`;
  if (isBare !== true && (await countGuess(env.WRONG_CREDENTIALS, key)))
    return refused("guessing", source, reason, { "retry-after": WAIT });
  return refused("credentials", source, reason, { "www-authenticate": 'Basic realm="tidings"' });
}

/** Whether a GET has any parameter beside the source's token and the name of an event. */
function carriesData(url: string, provider: Provider | null): boolean {
  if (provider?.deliversByGet !== true) return false;
  return [...new URL(url).searchParams.keys()].some((name) => name !== TOKEN_PARAMETER && name !== "event");
}

/** What the envelope of a request from outside of the list says of its sender. */
function fromOutside(request: Request): Pick<Envelope, "outside" | "network"> {
  const network = networkOf(request.headers.get("cf-connecting-ip") ?? "");
  return network === null ? { outside: true } : { outside: true, network };
}

function isOutside(request: Request, source: Source): boolean {
  if (source.ipPolicy === "off") return false;
  return !source.includes(request.headers.get("cf-connecting-ip") ?? "");
}

function makeEnvelope(request: InboundRequest, source: Source, provider: Provider, now: number): Envelope {
  const hops = hopsOf(request.headers.get(HOPS_HEADER));
  const kept = provider.headers.flatMap((name): [string, string][] => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return {
    id: newId(now),
    source: source.name,
    provider: provider.id,
    receivedAt: now,
    method: request.method,
    url: withoutToken(request.url),
    headers: hops === null ? kept : [...kept, [HOPS_HEADER, String(hops)]],
    body: request.body,
  };
}

/** The envelope as it is stored: what proved the request must not be there for others to use again. */
function withoutProof(envelope: Envelope, provider: Provider): Envelope {
  return provider.withoutProof === undefined
    ? envelope
    : { ...envelope, body: provider.withoutProof(envelope.body) };
}

/**
 * The URL without the token, because secrets are stored neither in the queue nor in the archive. The rest is unchanged.
 */
function withoutToken(url: string): string {
  const start = url.indexOf("?");
  if (start < 0) return url;
  const parts = url.slice(start + 1).split("&");
  const others = parts.filter((part) => !new URLSearchParams(part).has(TOKEN_PARAMETER));
  return url.slice(0, start) + (others.length > 0 ? `?${others.join("&")}` : "");
}

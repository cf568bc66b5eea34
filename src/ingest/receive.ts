// Receives providers' requests. The checks have a fixed order and parse nothing. The answer 200 means that the request
// is durable. Tidings accepts everything from an authenticated provider, because the provider would repeat a refused
// request for a day and then give up.

import type { Config, Source } from "../config/config.ts";
import { describeError } from "../lib/outage.ts";
import type { Envelope } from "../model/envelope.ts";
import { TOKEN_PARAMETER } from "../providers/kit/credentials.ts";
import { deliveryOf } from "../providers/kit/delivery.ts";
import type { Handshake, InboundRequest, Provider, VerifyResult } from "../providers/index.ts";
import { newId } from "../lib/time-id.ts";
import { MAX_BODY, readBody } from "./body.ts";
import { makeDurable, type Bindings } from "./durable.ts";

/** The answers to requests that are not accepted. They reveal little; the reason is in the log. */
const ANSWERS = {
  notFound: [404, "There is no such source."],
  method: [405, "Post the events to this URL."],
  tooLarge: [413, `The body is over the limit of ${MAX_BODY} bytes.`],
  address: [403, "This address may not post here."],
  credentials: [401, "The credentials are missing or wrong."],
  unavailable: [503, "Nothing could be stored just now; please send it again."],
} as const;

/** Seconds after which a sender may come back when nothing could be stored. */
const RETRY_AFTER = "30";

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
  if (!delivers) return answer("method", { allow: "POST, GET, HEAD" });
  const body = await readBody(request).catch(() => undefined);
  // The sender disconnected or its framing was wrong. If it still listens, it may send the request again.
  if (body === undefined) return unavailable(source, "the body did not come whole");
  if (body === null) return answer("tooLarge");
  const outside = isOutside(request, source);
  if (outside && source.ipPolicy === "enforce") return refused("address", source, "outside of the list");
  const { provider } = source;
  const inbound: InboundRequest = { method, url: request.url, headers: request.headers, body };
  const verified = await verify(inbound, source);
  // A certificate that could not be fetched proves nothing against the sender, and some senders do not repeat after a
  // 401.
  if (!verified.ok && verified.stumbled) return unavailable(source, verified.reason);
  if (provider === null || !verified.ok)
    return refused("credentials", source, verified.ok ? "closed" : verified.reason);
  const envelope = makeEnvelope(inbound, source, provider, Date.now());
  if (outside) envelope.outside = true;
  const handshake = provider.handshake?.(inbound, deliveryOf(envelope, source.settings)) ?? null;
  if (handshake !== null) return await shakeHands(handshake, source);
  const storedIn = await makeDurable(env, envelope, first);
  // Plain text without headers of its own: setting one costs as much as all checks together.
  return storedIn === null
    ? unavailable(source, "nothing took it")
    : new Response(`accepted ${envelope.id}\n`);
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

function answer(what: keyof typeof ANSWERS, headers: Record<string, string> = {}): Response {
  const [status, text] = ANSWERS[what];
  return new Response(`${text}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

function refused(what: "address" | "credentials", source: Source, reason: string): Response {
  console.warn({ message: "a request was refused", source: source.name, what, reason });
  return answer(what, what === "credentials" ? { "www-authenticate": 'Basic realm="tidings"' } : {});
}

function unavailable(source: Source, reason: string): Response {
  console.warn({ message: "a request could not be served", source: source.name, reason });
  return answer("unavailable", { "retry-after": RETRY_AFTER });
}

function probed(source: Source): Response {
  return new Response(`Tidings listens here for ${source.name}. Post the events to this URL.\n`);
}

/** Whether a GET has any parameter beside the source's token and the name of an event. */
function carriesData(url: string, provider: Provider | null): boolean {
  if (provider?.deliversByGet !== true) return false;
  return [...new URL(url).searchParams.keys()].some((name) => name !== TOKEN_PARAMETER && name !== "event");
}

function isOutside(request: Request, source: Source): boolean {
  if (source.ipPolicy === "off") return false;
  return !source.includes(request.headers.get("cf-connecting-ip") ?? "");
}

async function verify(
  request: InboundRequest,
  source: Source,
): Promise<VerifyResult & { stumbled: boolean }> {
  if (source.provider === null || source.credentials.length === 0) {
    const reason = "the source is closed: it has no credentials, or its configuration is wrong";
    return { ok: false, reason, stumbled: false };
  }
  let stumbled = false;
  const watched: typeof fetch = async (input, init) => {
    try {
      const response = await fetch(input, init);
      stumbled ||= response.status >= 500;
      return response;
    } catch (error) {
      stumbled = true;
      throw error;
    }
  };
  const context = { now: Date.now(), fetch: watched, settings: source.settings };
  const result = await source.provider.verify(request, source.credentials, context);
  return { ...result, stumbled };
}

function makeEnvelope(request: InboundRequest, source: Source, provider: Provider, now: number): Envelope {
  return {
    id: newId(now),
    source: source.name,
    provider: provider.id,
    receivedAt: now,
    method: request.method,
    url: withoutToken(request.url),
    headers: provider.headers.flatMap((name): [string, string][] => {
      const value = request.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
    body: request.body,
  };
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

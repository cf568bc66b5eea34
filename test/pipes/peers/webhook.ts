// A receiver of webhooks as strict as a careful one: the signatures are verified by the libraries that receivers use,
// and every field of the headers and of the body is looked at.

import { createPublicKey, verify } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import { type Behaviour, type PeerAnswer, type PeerRequest, startHttpPeer } from "./http.ts";
import { KNOWN_SECRET } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

const MEDIA_TYPES = {
  "application/json": { form: "event", batched: null },
  "application/cloudevents+json": { form: "cloudevents", batched: false },
  "application/cloudevents-batch+json": { form: "cloudevents", batched: true },
} as const;

/** Largest body that it takes, uncompressed. */
const LIMIT = 1024 * 1024;

export async function start(): Promise<Peer> {
  return await startHttpPeer(() => (request, behaviour) => {
    try {
      return receive(request, behaviour);
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, body: error.message };
      throw error;
    }
  });
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function check(holds: boolean, message: string, status = 400): void {
  if (!holds) throw new Refusal(status, message);
}

function receive({ method, headers, bytes: body }: PeerRequest, behaviour: Behaviour): PeerAnswer {
  check(method === "POST", "not a POST", 405);
  check(headers["content-length"] === String(body.length), "no content-length", 411);
  const encoding = headers["content-encoding"];
  check(encoding === undefined || encoding === "gzip", "unknown content-encoding", 415);
  check((behaviour["gzip"] ?? false) === (encoding === "gzip"), "not compressed as agreed", 415);
  const plain = encoding === "gzip" ? gunzipSync(body) : body;
  check(plain.length <= LIMIT, "too large", 413);
  check(isSigned(headers, plain, behaviour), "wrong signature", 401);
  for (const [name, value] of Object.entries((behaviour["headers"] ?? {}) as Record<string, string>)) {
    check(headers[name] === value, `wrong ${name}`, 403);
  }
  return { status: 200, taken: readEvents(headers, plain) };
}

function isSigned(headers: Record<string, string>, body: Buffer, behaviour: Behaviour): boolean {
  const publicKey = behaviour["public_key"];
  if (typeof publicKey === "string") return isSignedByKey(headers, body, publicKey);
  const secret = typeof behaviour["secret"] === "string" ? behaviour["secret"] : KNOWN_SECRET;
  const results = [Standard, Svix].map((Library) => {
    try {
      new Library(secret).verify(body.toString(), headers);
      return true;
    } catch {
      return false;
    }
  });
  if (results[0] !== results[1]) throw new Error("the libraries disagree");
  return results[0] === true;
}

/** `v1a`: neither library verifies it, so this is the specification once more, with Node's own cryptography. */
function isSignedByKey(headers: Record<string, string>, body: Buffer, publicKey: string): boolean {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!publicKey.startsWith("whpk_") || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const x = Buffer.from(publicKey.slice("whpk_".length), "base64").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return (headers["webhook-signature"] ?? "").split(" ").some((signature) => {
    const [version, encoded = ""] = signature.split(",");
    return version === "v1a" && verify(null, signed, key, Buffer.from(encoded, "base64"));
  });
}

function readEvents(headers: Record<string, string>, body: Buffer): Taken[] {
  const type = headers["content-type"] ?? "";
  if (!(type in MEDIA_TYPES)) throw new Refusal(415, "unknown content-type");
  const { form, batched } = MEDIA_TYPES[type as keyof typeof MEDIA_TYPES];
  const parsed: unknown = JSON.parse(body.toString());
  check(batched === null || batched === Array.isArray(parsed), "not the batch that the content-type says");
  const elements = (Array.isArray(parsed) ? parsed : [parsed]) as Record<string, unknown>[];
  check(elements.length > 0, "an empty batch");
  const attempt = headers["tidings-attempt"] ?? "";
  check(attempt !== "", "no tidings-attempt");
  const taken = elements.map((element) => {
    const id = form === "event" ? idOfEvent(element) : idOfCloudEvent(element);
    const type = String(dataOf(element)["type"]);
    return { id, type, attempt, order: null, text: JSON.stringify(element) };
  });
  const id = headers["webhook-id"] ?? "";
  check(Array.isArray(parsed) ? /^batch_[0-9a-f]{32}$/.test(id) : id === taken[0]?.id, "wrong webhook-id");
  return taken;
}

const isTime = (text: unknown): boolean =>
  typeof text === "string" &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) &&
  !Number.isNaN(Date.parse(text));

function dataOf(element: Record<string, unknown>): Record<string, unknown> {
  const { data } = element;
  check(typeof data === "object" && data !== null && !Array.isArray(data), "data is no object");
  return data as Record<string, unknown>;
}

function idOfEvent(element: Record<string, unknown>): string {
  check(Object.keys(element).join() === "type,timestamp,data", "wrong fields");
  check(typeof element["type"] === "string" && isTime(element["timestamp"]), "wrong type or timestamp");
  return String(dataOf(element)["id"]);
}

/** CloudEvents 1.0.2, section 3: attributes that there have to be, and what they may look like. */
function idOfCloudEvent(element: Record<string, unknown>): string {
  const { specversion, id, source, type, time, datacontenttype, subject, data: _, ...others } = element;
  check(Object.keys(others).length === 0, "unknown attributes");
  check(specversion === "1.0", "wrong specversion");
  for (const value of [id, source, type]) check(typeof value === "string" && value !== "", "empty attribute");
  check(URL.canParse(String(source), "https://base.example"), "source is no URI reference");
  check(/^(email\.[a-z]+|[a-z]+\.[a-z_]+)$/.test(String(type)), "wrong type");
  check(isTime(time) && datacontenttype === "application/json", "wrong time or datacontenttype");
  check(subject === undefined || (typeof subject === "string" && subject !== ""), "empty subject");
  const inside = dataOf(element);
  check(inside["id"] === id, "another id in data");
  const outside = JSON.stringify({ ...element, data: null }).toLowerCase();
  check(
    typeof inside["contact"] !== "string" || !outside.includes(inside["contact"]),
    "an address outside of data",
  );
  return String(id);
}

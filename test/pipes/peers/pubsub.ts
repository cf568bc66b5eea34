// A destination for `pubsub`, from the API reference: one topic, and one service account, whose key file it gives away.
// https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish

import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import type { Peer, Taken } from "./rooms.ts";

const EMAIL = "tidings@my-project.iam.gserviceaccount.com";
const TOPIC = "projects/my-project/topics/email%2Bevents";

interface Message {
  data?: string;
  attributes?: Record<string, string>;
  orderingKey?: string;
}

/** Gives a new service account's key file at /key; that of another key at /other-key. */
export async function start(): Promise<Peer> {
  const [own, other] = [keyPair(), keyPair()];
  return await startHttpPeer(() => (request) => {
    if (request.path === "/key") return { status: 200, body: keyFile(own) };
    if (request.path === "/other-key") return { status: 200, body: keyFile(other) };
    return answer(request, own);
  });
}

function keyPair(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function keyFile(private_key: string): string {
  return JSON.stringify({
    type: "service_account",
    project_id: "my-project",
    private_key_id: "key-1",
    private_key,
    client_email: EMAIL,
    token_uri: "https://oauth2.googleapis.com/token",
  });
}

function refusal(code: number, status: string): PeerAnswer {
  return { status: code, body: { error: { code, message: `${status} for ${EMAIL}`, status } } };
}

function answer({ method, path, headers, body }: PeerRequest, key: string): PeerAnswer {
  const wrong = wrongToken(headers["authorization"] ?? "", key);
  if (wrong !== null) return refusal(401, "UNAUTHENTICATED");
  if (method !== "POST") return refusal(404, "NOT_FOUND");
  if (path !== `/v1/${TOPIC}:publish`) return refusal(404, "NOT_FOUND");
  if (!headers["content-type"]?.startsWith("application/json")) return refusal(400, "INVALID_ARGUMENT");
  if (Buffer.byteLength(body) > 10_000_000) return refusal(400, "INVALID_ARGUMENT");
  const { messages, ...more } = JSON.parse(body) as { messages: Message[] };
  if (Object.keys(more).length > 0 || messages.length === 0) return refusal(400, "INVALID_ARGUMENT");
  if (messages.length > 1000 || !messages.every(isMessage)) return refusal(400, "INVALID_ARGUMENT");
  const messageIds = messages.map((_, index) => String(1_000_000_000_000 + index));
  return { status: 200, body: { messageIds }, taken: messages.map(takenOf) };
}

function isMessage({ data = "", attributes = {}, orderingKey = "", ...more }: Message): boolean {
  const entries = Object.entries(attributes);
  const bytes = (text: string): number => Buffer.byteLength(text);
  return (
    Object.keys(more).length === 0 &&
    /^[A-Za-z0-9+/]+={0,2}$/.test(data) &&
    data.length % 4 === 0 &&
    bytes(orderingKey) <= 1024 &&
    entries.length <= 100 &&
    entries.every(([name, value]) => /^(?!goog)./.test(name) && bytes(name) <= 256 && bytes(value) <= 1024)
  );
}

function takenOf({ data = "", attributes = {}, orderingKey }: Message): Taken {
  return {
    id: attributes["tidings-event"] ?? null,
    type: attributes["tidings-type"] ?? null,
    attempt: attributes["tidings-attempt"] ?? null,
    order: orderingKey ?? null,
    text: Buffer.from(data, "base64").toString("utf8"),
  };
}

/** A self-signed token: https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth */
function wrongToken(authorization: string, key: string): string | null {
  const [, head = "", claims = "", signature = ""] =
    /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization) ?? [];
  if (signature === "") return "no token";
  const read = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, "base64url").toString());
  const { alg, typ, kid } = read(head);
  if (alg !== "RS256" || typ !== "JWT" || kid !== "key-1") return "another header";
  const { iss, sub, aud, iat, exp } = read(claims);
  if (iss !== EMAIL || sub !== EMAIL || aud !== "https://pubsub.googleapis.com/") return "other claims";
  const now = Date.now() / 1000;
  if (typeof iat !== "number" || typeof exp !== "number") return "no times";
  if (iat > now + 60 || exp < now || exp - iat > 3600) return "another time";
  const data = Buffer.from(`${head}.${claims}`);
  const right = verify("RSA-SHA256", data, createPublicKey(key), Buffer.from(signature, "base64url"));
  return right ? null : "another signature";
}

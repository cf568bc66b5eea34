// A destination for `servicebus`, from the REST reference: a queue, and a topic with sessions; one shared access
// policy.
// https://learn.microsoft.com/en-us/rest/api/servicebus/send-message-batch

import { createHmac } from "node:crypto";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { SAS_KEY } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

const POLICY = { name: "send+only", key: SAS_KEY };
const KNOWN = /^\/(emails\/events|sessions)\/messages$/;

interface Message {
  Body: string;
  BrokerProperties: { MessageId?: string; Label?: string; SessionId?: string };
  UserProperties?: Record<string, string>;
}

export async function start(): Promise<Peer> {
  return await startHttpPeer(() => answer);
}

function refusal(status: number, detail: string): PeerAnswer {
  const body = `<Error><Code>${status}</Code><Detail>${detail}</Detail></Error>`;
  return { status, headers: { "content-type": "application/xml; charset=utf-8" }, body };
}

function answer({ method, path, headers, body }: PeerRequest): PeerAnswer {
  const wrong = wrongToken(headers["authorization"] ?? "", `http://${headers["host"]}${path}`);
  if (wrong !== null) return refusal(401, `40103: Invalid authorization token signature, ${wrong}`);
  const entity = KNOWN.exec(path)?.[1];
  if (entity === undefined) return refusal(410, "The specified queue or topic does not exist");
  if (method !== "POST") return refusal(400, "wrong method");
  if (headers["content-type"] !== "application/vnd.microsoft.servicebus.json") {
    return refusal(400, "not a batch");
  }
  const messages = JSON.parse(body) as Message[];
  if (!Array.isArray(messages) || messages.length === 0) return refusal(400, "no messages");
  if (!messages.every((message) => isMessage(message, entity))) return refusal(400, "no message");
  const most = messages.length === 1 ? 1_048_576 : 262_144;
  if (Buffer.byteLength(body) > most) return refusal(403, "the message is too large");
  return { status: 201, body: "", taken: messages.map(takenOf) };
}

function isMessage(
  { Body, BrokerProperties, UserProperties = {}, ...more }: Message,
  entity: string,
): boolean {
  const { MessageId = "", Label = "", SessionId, ...others } = BrokerProperties;
  return (
    Object.keys(more).length + Object.keys(others).length === 0 &&
    typeof Body === "string" &&
    Object.values(UserProperties).every((value) => typeof value === "string") &&
    [MessageId, SessionId ?? "-"].every((text) => text.length > 0 && text.length <= 128) &&
    Label.length <= 128 &&
    (entity !== "sessions" || SessionId !== undefined)
  );
}

function takenOf({ Body, BrokerProperties, UserProperties = {} }: Message): Taken {
  const { MessageId, Label, SessionId } = BrokerProperties;
  const same = MessageId === UserProperties["tidings-event"] && Label === UserProperties["tidings-type"];
  return {
    id: same ? (MessageId ?? null) : null,
    type: Label ?? null,
    attempt: UserProperties["tidings-attempt"] ?? null,
    order: SessionId ?? null,
    text: Body,
  };
}

/** https://learn.microsoft.com/en-us/rest/api/eventhub/generate-sas-token */
function wrongToken(authorization: string, url: string): string | null {
  const shape = /^SharedAccessSignature sr=([^&]+)&sig=([^&]+)&se=(\d+)&skn=([^&]+)$/;
  const [, resource = "", signature = "", expiry = "", name = ""] = shape.exec(authorization) ?? [];
  if (resource === "") return "no token";
  if (!url.startsWith(`${decodeURIComponent(resource)}/`)) return "for another resource";
  if (decodeURIComponent(name) !== POLICY.name) return "by another policy";
  const left = Number(expiry) - Date.now() / 1000;
  if (left < 0 || left > 3600) return "at another time";
  const right = createHmac("sha256", POLICY.key).update(`${resource}\n${expiry}`).digest("base64");
  return decodeURIComponent(signature) === right ? null : "with another key";
}

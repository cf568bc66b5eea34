// A destination for `sqs`, from the API reference: it knows one key and one queue of each kind.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createHash, createHmac } from "node:crypto";
import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { AWS_KEY as KEY } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

const REGION = "eu-west-1";

interface Entry {
  Id: string;
  MessageBody: string;
  MessageAttributes?: Record<string, { DataType: string; StringValue: string }>;
  MessageGroupId?: string;
  MessageDeduplicationId?: string;
}

export async function start(): Promise<Peer> {
  return await startHttpPeer(
    () =>
      (request, { items = {} }) =>
        answer(request, items),
  );
}

function refusal(status: number, code: string): PeerAnswer {
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "r-1" };
  return { status, headers, body: { __type: `com.amazonaws.sqs#${code}`, message: code } };
}

function answer(request: PeerRequest, items: Record<string, string>): PeerAnswer {
  const { headers, method, path } = request;
  if (method !== "POST" || path !== "/") return refusal(404, "UnknownOperationException");
  if (headers["content-type"] !== "application/x-amz-json-1.0") return refusal(400, "MalformedInput");
  if (headers["x-amz-target"] !== "AmazonSQS.SendMessageBatch")
    return refusal(404, "UnknownOperationException");
  const signature = wrongSignature(request);
  if (signature !== null) return refusal(403, signature);
  const { QueueUrl, Entries, ...more } = JSON.parse(request.body) as { QueueUrl: string; Entries: Entry[] };
  if (Object.keys(more).length > 0) return refusal(400, "ValidationException");
  const queue = /^http:\/\/127\.0\.0\.1:\d+\/123456789012\/(events(?:\.fifo)?)$/.exec(QueueUrl)?.[1];
  if (queue === undefined) return refusal(400, "QueueDoesNotExist");
  if (Entries.length === 0) return refusal(400, "EmptyBatchRequest");
  if (Entries.length > 10) return refusal(400, "TooManyEntriesInBatchRequest");
  if (new Set(Entries.map(({ Id }) => Id)).size < Entries.length)
    return refusal(400, "BatchEntryIdsNotDistinct");
  if (!Entries.every(({ Id }) => /^[\w-]{1,80}$/.test(Id))) return refusal(400, "InvalidBatchEntryId");
  const total = Entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (total > 1_048_576 || (Entries.length > 1 && total > 262_144))
    return refusal(400, "BatchRequestTooLong");
  const Successful: { Id: string; MessageId: string; MD5OfMessageBody: string }[] = [];
  const Failed: { Id: string; SenderFault: boolean; Code: string; Message: string }[] = [];
  const taken: Taken[] = [];
  for (const [index, entry] of Entries.entries()) {
    const code = items[index] ?? wrongEntry(entry, queue);
    if (code === null) {
      const md5 = createHash("md5").update(entry.MessageBody).digest("hex");
      Successful.push({ Id: entry.Id, MessageId: `m-${index}`, MD5OfMessageBody: md5 });
      taken.push(takenOf(entry));
    } else {
      const SenderFault = !/^(Internal|Service|Request)/.test(code);
      Failed.push({ Id: entry.Id, SenderFault, Code: code, Message: `${code} for ${KEY.id}` });
    }
  }
  return {
    status: 200,
    body: { Successful, ...(Failed.length > 0 ? { Failed } : {}) },
    taken,
  };
}

function takenOf({ MessageAttributes = {}, MessageBody, MessageGroupId }: Entry): Taken {
  const value = (name: string): string | null => MessageAttributes[name]?.StringValue ?? null;
  return {
    id: value("tidings-event"),
    type: value("tidings-type"),
    attempt: value("tidings-attempt"),
    order: MessageGroupId ?? null,
    text: MessageBody,
  };
}

/** Why one entry is not taken, null where it is. */
function wrongEntry(entry: Entry, queue: string): string | null {
  if (/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/.test(entry.MessageBody)) {
    return "InvalidMessageContents";
  }
  for (const [name, { DataType, StringValue }] of Object.entries(entry.MessageAttributes ?? {})) {
    if (!/^[\w.-]{1,256}$/.test(name) || /^(aws|amazon)\./i.test(name)) return "InvalidParameterValue";
    if (DataType !== "String" || StringValue === "") return "InvalidParameterValue";
  }
  const { MessageGroupId, MessageDeduplicationId } = entry;
  if (!queue.endsWith(".fifo")) return MessageDeduplicationId === undefined ? null : "InvalidParameterValue";
  if (MessageGroupId === undefined || MessageDeduplicationId === undefined) return "MissingParameter";
  const fits = (text: string): boolean => /^[\x21-\x7e]{1,128}$/.test(text);
  return fits(MessageGroupId) && fits(MessageDeduplicationId) ? null : "InvalidParameterValue";
}

function sizeOf({ MessageBody, MessageAttributes = {} }: Entry): number {
  const beside = Object.entries(MessageAttributes).map(
    ([name, one]) => name + one.DataType + one.StringValue,
  );
  return Buffer.byteLength(MessageBody + beside.join(""));
}

/** Recomputes the signature from what came over the wire; the error's code where it is another one. */
function wrongSignature({ method, path, headers, body }: PeerRequest): string | null {
  const shape =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/sqs\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, id, day = "", region = "", names = "", signature] =
    shape.exec(headers["authorization"] ?? "") ?? [];
  if (signature === undefined) return "IncompleteSignature";
  if (id !== KEY.id) return "UnrecognizedClientException";
  const stamp = headers["x-amz-date"] ?? "";
  const signed = names.split(";");
  if (!signed.includes("host") || !signed.includes("x-amz-date")) return "InvalidSignatureException";
  if (Object.keys(headers).some((name) => name.startsWith("x-amz-") && !signed.includes(name))) {
    return "InvalidSignatureException";
  }
  const at = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!stamp.startsWith(day) || !(Math.abs(Date.now() - at) < 15 * 60_000))
    return "InvalidSignatureException";
  if (region !== REGION) return "InvalidSignatureException";
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  const lines = signed
    .map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`)
    .join("");
  const canonical = [method, path, "", lines, names, sha256(body)].join("\n");
  const text = ["AWS4-HMAC-SHA256", stamp, `${day}/${region}/sqs/aws4_request`, sha256(canonical)].join("\n");
  const hmac = (key: string | Buffer, part: string): Buffer =>
    createHmac("sha256", key).update(part).digest();
  const key = [day, region, "sqs", "aws4_request"].reduce<Buffer>(hmac, Buffer.from(`AWS4${KEY.secret}`));
  return hmac(key, text).toString("hex") === signature ? null : "InvalidSignatureException";
}

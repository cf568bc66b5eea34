// Queue messages that were given up. They are put into the bucket as they came, because whatever ended their consumer
// may end the next reader, too. A scheduled job looks at them afterwards.

import { givenUpKey, GIVEN_UP } from "./layout.ts";

/** A message as a queue delivers it, without its life in the queue. */
export type QueuedMessage = Pick<Message, "id" | "timestamp" | "body">;

/** Why a message was given up: it failed a hundred times, or its consumer's process ended whenever it worked on it. */
export type GivenUpBecause = "failed" | "died";

/** A message in the bucket. */
export interface GivenUp {
  key: string;
  because: GivenUpBecause;
  /** How often a job began to look at it and did not finish. */
  looks: number;
  message: QueuedMessage;
}

/** What a body was in the queue: bytes, a text, or any other value, which is kept as JSON. */
type Form = "bytes" | "text" | "json";

/** Puts a message into the bucket. Nothing reads its body. Doing it twice changes nothing. */
export async function putGivenUp(
  bucket: R2Bucket,
  { id, timestamp, body }: QueuedMessage,
  because: GivenUpBecause,
): Promise<void> {
  const isBytes = body instanceof Uint8Array || body instanceof ArrayBuffer;
  const form: Form = isBytes ? "bytes" : typeof body === "string" ? "text" : "json";
  const sent = timestamp.getTime();
  await bucket.put(givenUpKey(sent, id), isBytes || typeof body === "string" ? body : JSON.stringify(body), {
    customMetadata: { form, message: id, sent: String(sent), because, looks: "0" },
  });
}

/** The keys of given-up messages behind the key `after`, the oldest first. */
export async function listGivenUp(bucket: R2Bucket, after: string, limit: number): Promise<string[]> {
  const from = after === "" ? {} : { startAfter: after };
  const { objects } = await bucket.list({ prefix: GIVEN_UP, limit, ...from });
  return objects.map(({ key }) => key);
}

/** The message with this key; null if it is gone. */
export async function getGivenUp(bucket: R2Bucket, key: string): Promise<GivenUp | null> {
  const object = await bucket.get(key);
  if (object === null) return null;
  const { form, message = "", because, looks, sent } = object.customMetadata ?? {};
  const bytes = new Uint8Array(await object.arrayBuffer());
  return {
    key,
    because: because === "died" ? "died" : "failed",
    looks: Number(looks ?? 0),
    message: { id: message, timestamp: new Date(Number(sent ?? 0)), body: bodyOf(form, bytes) },
  };
}

function bodyOf(form: string | undefined, bytes: Uint8Array): unknown {
  if (form !== "text" && form !== "json") return bytes;
  const text = new TextDecoder().decode(bytes);
  return form === "text" ? text : JSON.parse(text);
}

/** Notes how many looks have begun. Resolves to whether the message is still there. */
export async function noteLooks(bucket: R2Bucket, key: string, looks: number): Promise<boolean> {
  const object = await bucket.get(key);
  if (object === null) return false;
  // On condition that it is the same, so that a message that another run has just deleted does not come back.
  const put = await bucket.put(key, await object.arrayBuffer(), {
    customMetadata: { ...object.customMetadata, looks: String(looks) },
    onlyIf: { etagMatches: object.etag },
  });
  return put !== null;
}

/** Deletes a message that has become a dead letter. */
export async function deleteGivenUp(bucket: R2Bucket, key: string): Promise<void> {
  await bucket.delete(key);
}

// A destination for `kafka` that speaks both flavours: a cluster with one topic, a user and a token.
// https://docs.confluent.io/platform/current/kafka-rest/api.html#records-v3
// https://docs.confluent.io/platform/current/kafka-rest/api.html#post--topics-(string-topic_name)

import { startHttpPeer, type PeerAnswer, type PeerRequest } from "./http.ts";
import { KAFKA } from "./known.ts";
import type { Peer, Taken } from "./rooms.ts";

const BASIC = `Basic ${btoa(`${KAFKA.username}:${KAFKA.password}`)}`;
const BEARER = `Bearer ${KAFKA.token}`;
/** Bytes that a broker takes unless it is told otherwise. */
const MOST = 1_048_588;

interface RecordV3 {
  key?: { type: string; data: string };
  value: { type: string; data: object };
  headers?: { name: string; value: string }[];
}

interface RecordV2 {
  key?: string;
  value: object;
}

export async function start(): Promise<Peer> {
  return await startHttpPeer(() => (request, { items = {} }) => {
    const { method, path, headers } = request;
    if (headers["authorization"] !== BASIC && headers["authorization"] !== BEARER) {
      return refusal(401, 40101, "Authentication failed");
    }
    if (method !== "POST") return refusal(405, 405, "HTTP 405 Method Not Allowed");
    if (path === "/kafka/v3/clusters/lkc-1/topics/email.events/records") return answerV3(request, items);
    if (path === "/proxy/topics/email.events") return answerV2(request, items);
    return refusal(404, 40403, "This server does not host this topic-partition.");
  });
}

function refusal(status: number, error_code: number, message: string): PeerAnswer {
  return { status, body: { error_code, message: `${message} API-KEY` } };
}

function answerV3({ headers, body }: PeerRequest, items: Record<string, string>): PeerAnswer {
  if (headers["content-type"] !== "application/json") return refusal(415, 415, "Unsupported Media Type");
  const taken: Taken[] = [];
  const results = body.split("\n").map((line, offset) => {
    const record = JSON.parse(line) as RecordV3;
    const code = Number(items[offset] ?? (isRecordV3(record) ? (line.length > MOST ? 413 : 200) : 400));
    if (code !== 200) return { error_code: code, message: 'Not "}{" taken: ann@example.com' };
    taken.push(takenOfV3(record));
    const told = { type: "JSON", size: line.length };
    return {
      error_code: 200,
      cluster_id: "lkc-1",
      topic_name: "email.events",
      partition_id: 0,
      offset,
      timestamp: "2026-11-21T12:00:00.000Z",
      key: told,
      value: told,
    };
  });
  // Between the objects there may be white space, or nothing.
  const text = results.map((one, index) => JSON.stringify(one) + (index % 2 === 0 ? "" : "\r\n")).join("");
  return { status: 200, headers: { "content-type": "application/json" }, body: text, taken };
}

function isRecordV3({ key, value, headers = [], ...more }: RecordV3): boolean {
  return (
    Object.keys(more).length === 0 &&
    (key === undefined || (key.type === "STRING" && typeof key.data === "string")) &&
    value.type === "JSON" &&
    typeof value.data === "object" &&
    headers.every(({ name, value }) => name !== "" && /^[A-Za-z0-9+/]+={0,2}$/.test(value))
  );
}

function takenOfV3({ key, value, headers = [] }: RecordV3): Taken {
  const told = (name: string): string | null => {
    const found = headers.find((one) => one.name === name);
    return found === undefined ? null : Buffer.from(found.value, "base64").toString("utf8");
  };
  return {
    id: told("tidings-event"),
    type: told("tidings-type"),
    attempt: told("tidings-attempt"),
    order: key?.data ?? null,
    text: JSON.stringify(value.data),
  };
}

function answerV2({ headers, body }: PeerRequest, items: Record<string, string>): PeerAnswer {
  if (headers["content-type"] !== "application/vnd.kafka.json.v2+json") {
    return refusal(415, 415, "Unsupported Media Type");
  }
  if (headers["accept"] !== "application/vnd.kafka.v2+json") return refusal(406, 406, "Not Acceptable");
  const { records, ...more } = JSON.parse(body) as { records: RecordV2[] };
  if (Object.keys(more).length > 0 || records.length === 0) return refusal(422, 42201, "Empty request");
  const taken: Taken[] = [];
  const offsets = records.map(({ key, value, ...others }, offset) => {
    const isRecord = Object.keys(others).length === 0 && typeof value === "object";
    const text = JSON.stringify(value);
    const code = Number(items[offset] ?? (isRecord ? (text.length > MOST ? 10 : 0) : 87));
    if (code !== 0) return { partition: 0, offset: -1, error_code: code, error: "ann@example.com" };
    const attempt = headers["tidings-attempt"] ?? null;
    taken.push({ id: null, type: null, attempt, order: key ?? null, text });
    // Confluent's proxies send null for what does not apply, Redpanda leaves it out.
    return { partition: 0, offset, ...(offset % 2 === 0 ? { error_code: null, error: null } : {}) };
  });
  return { status: 200, body: { offsets }, taken };
}

// What proves Mailgun's posts: a signature in the body that covers a time and a token, but not the event. It is found
// without parsing the event, and cut out before the post is stored: until it expires, it would authenticate any other
// event.
// https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks

import { fail } from "../../lib/result.ts";
import { text } from "../kit/fields.ts";
import { isObject, readJson, type JsonObject } from "../kit/json.ts";
import { membersOf, replaceMembers } from "../kit/members.ts";
import { verifyHmac } from "../kit/signatures.ts";
import type { InboundRequest, VerifyContext, VerifyResult } from "../provider.ts";
import { readLegacy } from "./legacy.ts";

/**
 * An event is a few kilobytes, the longest part of it the sender's own variables. Only legacy posts with the mail's
 * attachments are longer, and are accepted with a password.
 */
export const LONGEST_POST = 524_288;

/**
 * How old a signature may be, in seconds. The event itself is not signed, so an intercepted signature would
 * authenticate any content, and must expire. Mailgun retries for about 8 hours and does not document whether it signs
 * each attempt afresh; one day is three times its slowest retry.
 */
const TOLERANCE = 24 * 60 * 60;

/**
 * HMAC-SHA256 of timestamp and token in hex; mail of subaccounts is also signed with the parent account's key. Tokens
 * are not remembered: a retry may repeat its token, events of one second might share one, and a memory that holds for
 * all isolates would cost a write for each post. A repeated event is absorbed as a duplicate.
 */
export async function verifyKey(
  { body }: InboundRequest,
  key: string,
  { now }: VerifyContext,
): Promise<VerifyResult> {
  let result: VerifyResult = fail("the signature is missing");
  for (const signature of signaturesOf(body)) {
    result = await verifySignature(signature, key, now);
    if (result.ok) return result;
  }
  return result;
}

const HOLDERS: ReadonlySet<string> = new Set(["signature", "parent-signature"]);
/** In bytes of JSON; a real one has some 200. */
const LONGEST_HOLDER = 4_096;
/** A post has at most two. */
const MOST_HOLDERS = 4;

/**
 * What may contain timestamp, token and signature: two objects in the current form, in the legacy form the form itself.
 * The parent account's signature is a text beside the other one, over the same timestamp and token; an object of its
 * own is read as well.
 */
function* signaturesOf(body: Uint8Array): Generator<JsonObject> {
  const start = startOf(body);
  if (start === "{") {
    const holders = holdersIn(body);
    const loose = holders.find((holder) => typeof holder === "string");
    for (const holder of holders)
      if (isObject(holder)) yield* presentedBy({ "parent-signature": loose, ...holder });
  } else if (start !== "[" && start !== "") {
    const form = readLegacy(body);
    if (form.ok && typeof form.value["signature"] === "string") yield* presentedBy(form.value);
  }
}

function holdersIn(body: Uint8Array): unknown[] {
  const holders: unknown[] = [];
  for (const { from, to } of membersOf(body, HOLDERS)) {
    if (holders.length >= MOST_HOLDERS) break;
    const json = to - from > LONGEST_HOLDER ? null : readJson(body.subarray(from, to));
    holders.push(json?.ok === true ? json.value : null);
  }
  return holders;
}

function* presentedBy(holder: JsonObject): Generator<JsonObject> {
  yield holder;
  const parent = holder["parent-signature"];
  if (typeof parent === "string") yield { ...holder, signature: parent };
}

async function verifySignature(shown: JsonObject, key: string, now: number): Promise<VerifyResult> {
  const timestamp = text(shown["timestamp"]) ?? "";
  const token = text(shown["token"]) ?? "";
  if (token === "") return fail("the signature's token is missing");
  if (!/^\d{1,12}$/.test(timestamp)) return fail("the signature's time is no Unix time");
  const age = now / 1000 - Number(timestamp);
  if (Math.abs(age) > TOLERANCE)
    return fail(age > 0 ? "the signature is too old" : "the signature is from the future");
  const encoder = new TextEncoder();
  return verifyHmac(encoder.encode(key), encoder.encode(timestamp + token), text(shown["signature"]) ?? "");
}

/** The first character of a body that is not white space; "" if its first 1,024 bytes are blank. */
export function startOf(body: Uint8Array): string {
  return /\S/.exec(new TextDecoder().decode(body.subarray(0, 1024)))?.[0] ?? "";
}

const PROOF = ["signature", "parent-signature", "token"];
const CUT: ReadonlyMap<string, () => string> = new Map(PROOF.map((name) => [name, () => "null"]));

/** The post without signature and token. The time stays: it is the only one that a legacy post has. */
export function withoutProof(body: Uint8Array): Uint8Array {
  const start = startOf(body);
  if (start === "{" || start === "[") return replaceMembers(body, CUT);
  // Latin-1 gives back each byte as it was.
  const form = Buffer.from(body).toString("latin1");
  const boundary = /^--[^\r\n]{1,70}(?=\r?\n)/.exec(form)?.[0];
  const rest = boundary === undefined ? withoutFields(form) : withoutParts(form, boundary);
  return rest === form ? body : new Uint8Array(Buffer.from(rest, "latin1"));
}

/** The form with `token=` in place of `token=abc`. */
function withoutFields(form: string): string {
  return form.replaceAll(/(?<=^|&)([^=&]{1,100}=)[^&]*/g, (field, start: string) =>
    isProof(start) ? start : field,
  );
}

/** `start`: a field's name as it is written, and "=". */
function isProof(start: string): boolean {
  const name = start.includes("%") ? [...new URLSearchParams(start).keys()][0] : start.slice(0, -1);
  return PROOF.includes(name ?? "");
}

function withoutParts(form: string, boundary: string): string {
  return `\n${form}`.split(`\n${boundary}`).map(emptyPart).join(`\n${boundary}`).slice(1);
}

const LONGEST_PART_HEADER = 1_000;

/** A part of multipart/form-data, without its content if that is a proof. */
function emptyPart(part: string): string {
  const [gap] = /\r?\n\r?\n/.exec(part.slice(0, LONGEST_PART_HEADER)) ?? [];
  if (gap === undefined) return part;
  const end = part.indexOf(gap);
  const name = /;\s*name="?([^";\r\n]*)/i.exec(part.slice(0, end))?.[1];
  return PROOF.includes(name ?? "")
    ? part.slice(0, end + gap.length) + (part.endsWith("\r") ? "\r" : "")
    : part;
}

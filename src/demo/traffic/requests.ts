// What many dialects share: posts of JSON and forms, shared secrets, and ids that follow from what they name.

import { createHash } from "node:crypto";
import type { Happening, SignedRequest, Report } from "./types.ts";

const HAPPENINGS: readonly Happening[] = [
  "queued",
  "sent",
  "delivered",
  "opened",
  "clicked",
  "hard_bounce",
  "soft_bounce",
  "blocked",
  "dropped",
  "complained",
  "unsubscribed",
  "oddity",
];

/** What an ESP knows that has a word for all but these. */
export function allBut(...missing: Happening[]): Happening[] {
  return HAPPENINGS.filter((what) => !missing.includes(what));
}

/** A POST of JSON to a source; a text is the body as it is. */
export function post(source: string, body: unknown, headers: Record<string, string> = {}): SignedRequest {
  return {
    method: "POST",
    path: `/webhooks/${source}`,
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** A POST of a form. */
export function postForm(source: string, fields: Record<string, string>): SignedRequest {
  const body = new URLSearchParams(fields).toString();
  return { ...post(source, body), headers: { "content-type": "application/x-www-form-urlencoded" } };
}

/** Signs by basic auth; `credential` is `user:password`. */
export function withBasic(credential: string): (letter: SignedRequest) => SignedRequest {
  return withHeader("authorization", `Basic ${Buffer.from(credential).toString("base64")}`);
}

export function withBearer(token: string): (letter: SignedRequest) => SignedRequest {
  return withHeader("authorization", `Bearer ${token}`);
}

export function withHeader(name: string, value: string): (letter: SignedRequest) => SignedRequest {
  return (letter) => ({ ...letter, headers: { ...letter.headers, [name]: value } });
}

/** Signs by `?token=`. */
export function withToken(token: string): (letter: SignedRequest) => SignedRequest {
  return (letter) => ({
    ...letter,
    path: `${letter.path}${letter.path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`,
  });
}

/** Hex digits that follow from the report, the same on every delivery; `salt` tells several ids of one report apart. */
export function hexOf({ mail, what, at }: Report, digits: number, salt = ""): string {
  const hash = createHash("sha512").update(JSON.stringify([mail.id, mail.contact, what, at, salt]));
  return hash.digest("hex").slice(0, digits);
}

/** A UUID that follows from the report. */
export function uuidOf(report: Report, salt = ""): string {
  return uuidFrom(hexOf(report, 32, salt));
}

/** 32 hex digits in the form of a UUID, version 4. */
export function uuidFrom(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** What the receiving servers of the demo say when they refuse. */
export const REPLIES = {
  hard_bounce: "550 5.1.1 No such user",
  soft_bounce: "452 4.2.2 Mailbox full",
  blocked: "554 5.7.1 Message refused as spam",
} as const;

/** Whether it tells of a person's (or a machine's) doing, with link, address and device. */
export function isEngagement({ what }: Report): boolean {
  return what === "opened" || what === "clicked";
}

/** Seconds since the epoch. */
export function seconds({ at }: Report): number {
  return at / 1000;
}

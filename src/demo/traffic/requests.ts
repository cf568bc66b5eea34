// Helpers that many dialects share: posts of JSON and forms, shared secrets, and ids derived from what they identify.

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

/** All happenings except these: the ones that an ESP has words for. */
export function allBut(...missing: Happening[]): Happening[] {
  return HAPPENINGS.filter((what) => !missing.includes(what));
}

/** A POST of JSON to a source; a string is used as the body unchanged. */
export function post(source: string, body: unknown, headers: Record<string, string> = {}): SignedRequest {
  return {
    method: "POST",
    path: `/webhooks/${source}`,
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** A POST of a form to a source. */
export function postForm(source: string, fields: Record<string, string>): SignedRequest {
  const body = new URLSearchParams(fields).toString();
  return { ...post(source, body), headers: { "content-type": "application/x-www-form-urlencoded" } };
}

/** Authenticates by basic auth; `credential` is `user:password`. */
export function withBasic(credential: string): (request: SignedRequest) => SignedRequest {
  return withHeader("authorization", `Basic ${Buffer.from(credential).toString("base64")}`);
}

/** Authenticates by a bearer token. */
export function withBearer(token: string): (request: SignedRequest) => SignedRequest {
  return withHeader("authorization", `Bearer ${token}`);
}

/** Adds a header to the request. */
export function withHeader(name: string, value: string): (request: SignedRequest) => SignedRequest {
  return (request) => ({ ...request, headers: { ...request.headers, [name]: value } });
}

/** Authenticates by `?token=`. */
export function withToken(token: string): (request: SignedRequest) => SignedRequest {
  return (request) => ({
    ...request,
    path: `${request.path}${request.path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`,
  });
}

/** Hex digits derived from the report, the same on every delivery; `salt` distinguishes several ids of one report. */
export function hexOf({ mail, what, at }: Report, digits: number, salt = ""): string {
  const hash = createHash("sha512").update(JSON.stringify([mail.id, mail.contact, what, at, salt]));
  return hash.digest("hex").slice(0, digits);
}

/** A UUID derived from the report. */
export function uuidOf(report: Report, salt = ""): string {
  return uuidFrom(hexOf(report, 32, salt));
}

/** 32 hex digits in the form of a UUID, version 4. */
export function uuidFrom(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Whether the report is about the action of a person (or a machine), with link, address and device. */
export function isEngagement({ what }: Report): boolean {
  return what === "opened" || what === "clicked";
}

/** The report's time in seconds since the epoch. */
export function seconds({ at }: Report): number {
  return at / 1000;
}

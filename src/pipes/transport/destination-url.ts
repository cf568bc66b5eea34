// URLs of destinations in settings. Only their form is checked here. Where a request may go depends on where Tidings
// runs, so http.ts decides it for each request.

import * as z from "zod";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

function isHttps(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") return false;
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
}

/** Whether a URL's host is this machine. Only local development may call it. */
export function isLocal(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname);
}

/** An https URL, or http on this machine. */
export const httpsUrl = z
  .string("must be an https:// URL")
  .max(2000, "must have at most 2,000 characters")
  .refine(isHttps, "must be an https:// URL without user and password");

/** Scheme, host and port of such a URL, without a path: `https://api.example.com`. */
export const httpsOrigin = httpsUrl
  .refine(
    (url) => !URL.canParse(url) || url.replace(/\/$/, "") === new URL(url).origin,
    "must be an https:// URL without a path, such as https://api.example.com",
  )
  .transform((url) => url.replace(/\/$/, ""));

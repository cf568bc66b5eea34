// The table [vars.API]: settings of /v1.

import { byDefault, listOf, table, text } from "./checks.ts";
import type { Report } from "./report.ts";

const apiTable = table({
  cors_origins: byDefault(listOf(text(), "must be a list of origins such as https://app.example"), []),
});

/**
 * The origins whose pages may call /v1. A mistake leaves out the origin that it concerns, and an unreadable table leaves
 * out all.
 */
export function readOrigins(value: object, report: Report): ReadonlySet<string> {
  const checked = apiTable(value);
  if (!checked.ok) {
    for (const issue of checked.issues) report(["API", ...issue.path].join("."), issue.message);
    return new Set();
  }
  const origins = new Set<string>();
  for (const [index, written] of checked.value.cors_origins.entries()) {
    const origin = originOf(written);
    if (origin === null) report(`API.cors_origins.${index}`, REASON);
    else origins.add(origin);
  }
  return origins;
}

const REASON =
  "must be one origin as browsers send it, such as https://app.example; `*` is not taken, and http only of localhost";

/** An origin in the form of the header; null if it is none, or one that anybody on the way can forge. */
function originOf(written: string): string | null {
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || url.host.includes("*") || url.pathname !== "/" || url.search !== "" || url.hash !== "")
    return null;
  if (url.username !== "" || url.password !== "") return null;
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && isLocal) ? url.origin : null;
}

// The way from a URL to a source. Providers' requests are told from all others before the routes of people are loaded, for a
// new isolate spends most of its time on these. A path means the same as it would to them: it is decoded by the same functions.

import { getPath, tryDecodeURIComponent } from "hono/utils/url";

/** What a provider called. */
export interface Called {
  /** The source's name. */
  source: string;
  /** Where the envelope is kept first: see {@link receive}. */
  first: "queue" | "spool";
}

/** Behind the source's name anything may follow, or nothing: providers let people configure one URL per event type. */
const WEBHOOK = /^(\/backup)?\/webhooks\/([^/]+)(?:\/|$)/;

/** The source that a request is for; null for a request to anything but /webhooks/<name> and /backup/webhooks/<name>. */
export function calledBy(request: Request): Called | null {
  const [path, backup, name] = WEBHOOK.exec(getPath(request)) ?? [];
  if (path === undefined || name === undefined) return null;
  return { source: tryDecodeURIComponent(name), first: backup === undefined ? "queue" : "spool" };
}

// Finds the source that a URL names. Providers' requests are recognised before the app is loaded, because loading its
// routes takes most of a new isolate's time. Paths are decoded by Hono's functions, so they mean the same as in the
// app.

import { getPath, tryDecodeURIComponent } from "hono/utils/url";

/** The endpoint that a provider called. */
export interface Called {
  /** The source's name. */
  source: string;
  /** Where to try to store the envelope first: see `receive` in receive.ts. */
  first: "queue" | "spool";
}

/** Any path may follow the source's name, because some providers let people configure one URL per event type. */
const WEBHOOK = /^(\/backup)?\/webhooks\/([^/]+)(?:\/|$)/;

/**
 * The endpoint that a request is for. Null if its path begins with neither /webhooks/<name> nor
 * /backup/webhooks/<name>.
 */
export function calledBy(request: Request): Called | null {
  const [path, backup, name] = WEBHOOK.exec(getPath(request)) ?? [];
  if (path === undefined || name === undefined) return null;
  return { source: tryDecodeURIComponent(name), first: backup === undefined ? "queue" : "spool" };
}

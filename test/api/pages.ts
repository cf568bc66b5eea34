// Pages of the feed and problem documents, as the suites of /v1 read them.

import { read } from "../support/support.ts";

/** A page of /v1/events. */
export interface Page {
  events: { id: string; seq: number; contact: string; type: string; occurred_at: string }[];
  next: string | null;
  resume: string | null;
}

/** Reads a page of events; `query` with its question mark. */
export const page = async (query: string): Promise<Page> =>
  await (await read(`/v1/events${query}`)).json<Page>();

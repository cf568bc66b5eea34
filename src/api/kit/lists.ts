// Lists in the format that the caller accepts: a page of JSON, or the whole list as CSV or NDJSON. The latter is
// streamed page by page, so that a million rows take no more memory than one page.

import type { Context, TypedResponse } from "hono";
import { accepts } from "hono/accepts";
import { type ApiEnv } from "./env.ts";
import { BOM, csvLine } from "../../lib/csv/write.ts";
import type * as z from "zod";

const MEDIA = { csv: "text/csv", ndjson: "application/x-ndjson" } as const;

/** The format of an answer. */
type ListForm = "json" | "csv" | "ndjson";

/** The format that the caller accepts, JSON by default. */
function formOf(c: Context<ApiEnv>): ListForm {
  const accepted = accepts(c, {
    header: "Accept",
    supports: ["application/json", MEDIA.csv, MEDIA.ndjson],
    default: "application/json",
  });
  return accepted === MEDIA.csv ? "csv" : accepted === MEDIA.ndjson ? "ndjson" : "json";
}

/** A list's answer in a route's description: pages of JSON, or the whole list as text. */
export function listOf<S extends z.ZodType>(description: string, page: S) {
  const text = { schema: { type: "string" as const } };
  const content = { "application/json": { schema: page }, [MEDIA.csv]: text, [MEDIA.ndjson]: text };
  return { description, content };
}

const DEFAULT_LIMIT = 100;

/** A part of a list, and the cursor of the next part; null at the end. */
interface ListPage<T, C> {
  items: T[];
  next: C | null;
}

/** How a list is read. */
interface List<C, P> {
  /** The schema of its items; their fields are the columns of CSV. */
  item: z.ZodObject;
  /** The caller's cursor: the list begins behind it. */
  after: C | undefined;
  limit: number | undefined;
  page: (after: C | undefined, limit: number) => Promise<P>;
}

/** Answers with a list in the format that the caller accepts. `asJson` makes the JSON answer of a page. */
export async function answerList<T extends object, C extends string | object, P extends ListPage<T, C>, R>(
  c: Context<ApiEnv>,
  { item, after, limit, page }: List<C, P & ListPage<T, C>>,
  asJson: (page: P) => R,
): Promise<R | TextResponse> {
  const form = formOf(c);
  if (form === "json") {
    return asJson(await page(after, limit ?? DEFAULT_LIMIT));
  }
  const columns = Object.keys(item.shape) as (keyof T & string)[];
  return stream({
    form,
    columns,
    withMark: c.req.query("bom") === "true",
    next: inPages((from: C | undefined, size) => page(from ?? after, size), limit),
  });
}

interface Streamed<T extends object> {
  form: "csv" | "ndjson";
  /** The columns of CSV: fields of the items, in order. Lists and objects are written as JSON. */
  columns: readonly (keyof T & string)[];
  /** Whether CSV begins with a byte order mark. */
  withMark: boolean;
  /** The next items; null at the end. */
  next: () => Promise<readonly T[] | null>;
}

/** A response that the types of routes accept as text. */
type TextResponse = Response & TypedResponse<string, 200, "text">;

/** Streams the list while reading it. If reading fails, the transfer breaks off, so that the caller notices. */
function stream<T extends object>({ form, columns, withMark, next }: Streamed<T>): TextResponse {
  const encoder = new TextEncoder();
  const mark = withMark ? BOM : "";
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (form === "csv") controller.enqueue(encoder.encode(mark + csvLine(columns)));
    },
    async pull(controller) {
      const items = await next();
      if (items === null) return controller.close();
      const lines = items.map((item) =>
        form === "csv" ? csvLine(columns.map((column) => item[column])) : `${JSON.stringify(item)}\n`,
      );
      controller.enqueue(encoder.encode(lines.join("")));
    },
  });
  const headers = { "content-type": `${MEDIA[form]}; charset=utf-8` };
  return new Response(body, { headers }) as TextResponse;
}

/**
 * Reads the pages of a list one after the other, up to `most` items. `page` returns the page after a cursor.
 */
function inPages<T, C extends string | object>(
  page: (after: C | undefined, limit: number) => Promise<ListPage<T, C>>,
  most = Infinity,
): () => Promise<T[] | null> {
  let after: C | undefined;
  let left = most;
  let ended = false;
  return async () => {
    if (ended || left <= 0) return null;
    const { items, next } = await page(after, Math.min(left, PAGE));
    left -= items.length;
    if (next === null) ended = true;
    else after = next;
    return items;
  };
}

/**
 * Items of one page of a streamed list; fewer if they are large. A million of them take two hundred queries, of the
 * thousand that a request may make.
 */
const PAGE = 5_000;

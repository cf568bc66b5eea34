// Lists in the form that the caller accepts: a page of JSON, or the whole list as CSV or NDJSON, streamed page by page so
// that a million rows take no more memory than one page.

import type { Context, TypedResponse } from "hono";
import { accepts } from "hono/accepts";
import { type ApiEnv } from "./env.ts";
import type * as z from "zod";
const MEDIA = { csv: "text/csv", ndjson: "application/x-ndjson" } as const;

/** How a list is to be answered. */
type ListForm = "json" | "csv" | "ndjson";

/** What the caller accepts, JSON by default. */
function formOf(c: Context<ApiEnv>): ListForm {
  const accepted = accepts(c, {
    header: "Accept",
    supports: ["application/json", MEDIA.csv, MEDIA.ndjson],
    default: "application/json",
  });
  return accepted === MEDIA.csv ? "csv" : accepted === MEDIA.ndjson ? "ndjson" : "json";
}

/** The answer of a list as a route describes it: pages of JSON, or all of it as text. */
export function listOf<S extends z.ZodType>(description: string, page: S) {
  const text = { schema: { type: "string" as const } };
  const content = { "application/json": { schema: page }, [MEDIA.csv]: text, [MEDIA.ndjson]: text };
  return { description, content };
}

const DEFAULT_LIMIT = 100;

/** How a list is read. */
interface List<T extends object, C> {
  /** The schema of its items; their fields are the columns of CSV. */
  item: z.ZodObject;
  /** Where the caller wants it to begin. */
  after: C | undefined;
  limit: number | undefined;
  page: (after: C | undefined, limit: number) => Promise<{ items: T[]; next: C | null }>;
}

/** Answers a list in the form that the caller accepts; `asJson` makes the answer of a page. */
export async function answerList<T extends object, C extends string | number | readonly unknown[], R>(
  c: Context<ApiEnv>,
  { item, after, limit, page }: List<T, C>,
  asJson: (items: T[], next: C | null) => R,
): Promise<R | TextResponse> {
  const form = formOf(c);
  if (form === "json") {
    const { items, next } = await page(after, limit ?? DEFAULT_LIMIT);
    return asJson(items, next);
  }
  const columns = Object.keys(item.shape) as (keyof T & string)[];
  return stream({
    form,
    columns,
    next: inPages((from: C | undefined, size) => page(from ?? after, size), limit),
  });
}

interface Streamed<T extends object> {
  form: "csv" | "ndjson";
  /** The columns of CSV: fields of the items, in order. Those that hold lists or objects are written as JSON. */
  columns: readonly (keyof T & string)[];
  /** The next items; null at the end. */
  next: () => Promise<readonly T[] | null>;
}

/** A response that routes know as one of their text forms. */
type TextResponse = Response & TypedResponse<string, 200, "text">;

/** The whole list as it is read. Where reading fails half-way the transfer breaks off, so that nobody takes it for whole. */
function stream<T extends object>({ form, columns, next }: Streamed<T>): TextResponse {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (form === "csv") controller.enqueue(encoder.encode(`${columns.join(",")}\r\n`));
    },
    async pull(controller) {
      const items = await next();
      if (items === null) return controller.close();
      const lines = items.map((item) =>
        form === "csv"
          ? columns.map((column) => cell(item[column])).join(",") + "\r\n"
          : `${JSON.stringify(item)}\n`,
      );
      controller.enqueue(encoder.encode(lines.join("")));
    },
  });
  const headers = { "content-type": `${MEDIA[form]}; charset=utf-8` };
  return new Response(body, { headers }) as TextResponse;
}

/** RFC 4180. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Reads a list of pages one after the other, up to `most` items. `page` gives the page after a cursor.
 */
function inPages<T, C extends string | number | readonly unknown[]>(
  page: (after: C | undefined, limit: number) => Promise<{ items: T[]; next: C | null }>,
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

const PAGE = 1_000;

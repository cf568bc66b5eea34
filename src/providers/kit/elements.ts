// The loop that every parser shares: one element after the other, each ending as events, a ping or a reject, so that a
// bad one never takes its neighbours along.

import { fail, ok, type Result } from "../../lib/result.ts";
import type { ParsedEvent } from "../../model/event.ts";
import { isObject, readJson, toJson, type JsonObject } from "./json.ts";
import type { Delivery, ParsedDelivery } from "../provider.ts";

/** What one element came to: its events, "ping", or the reason why it is no event. */
export type ElementResult = Result<ParsedEvent[] | "ping">;

export const PING: ElementResult = ok("ping");

/** A body of JSON: the items of an array, or the one document. Empty bodies have no elements. */
export function jsonElements(delivery: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(delivery.body)) return ok([]);
  const json = readJson(delivery.body, parse);
  if (!json.ok) return json;
  return ok(Array.isArray(json.value) ? json.value : [json.value]);
}

/** Whether the body holds nothing but white space. */
export function isBlank(body: Uint8Array): boolean {
  return body.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/**
 * More elements in one delivery than any provider sends (5 MB of the shortest real events): what comes of them would not
 * fit into the Worker's memory.
 */
const MOST_ELEMENTS = 25_000;

/**
 * Reads every element by `read`. A body without elements that is blank counts as one ping; a body that has none because
 * it cannot be read is one reject with all of it.
 */
export function parseElements(
  delivery: Delivery,
  found: Result<unknown[]>,
  read: (element: JsonObject, index: number) => ElementResult,
): ParsedDelivery {
  const parsed: ParsedDelivery = { events: [], rejects: [], pings: 0 };
  const tooMany = found.ok && found.value.length > MOST_ELEMENTS;
  const elements = tooMany ? fail(`more than ${MOST_ELEMENTS} elements in one delivery`) : found;
  if (!elements.ok) {
    parsed.rejects.push({ reason: elements.reason, raw: new TextDecoder().decode(delivery.body) });
    return parsed;
  }
  if (elements.value.length === 0 && isBlank(delivery.body)) parsed.pings = 1;
  for (const [index, element] of elements.value.entries()) {
    const result = isObject(element)
      ? readSafely(element, index, read)
      : fail("the element is not an object");
    if (!result.ok) parsed.rejects.push({ reason: result.reason, raw: toJson(element) });
    else if (result.value === "ping") parsed.pings += 1;
    else for (const event of result.value) parsed.events.push(event);
  }
  return parsed;
}

function readSafely(
  element: JsonObject,
  index: number,
  read: (element: JsonObject, index: number) => ElementResult,
): ElementResult {
  try {
    return read(element, index);
  } catch {
    return fail("the element could not be read"); // e.g. nested so deeply that a copy overflows the stack
  }
}

// The loop that every parser shares. It reads one element after the other, and each becomes events, a ping or a reject,
// so that a bad element never affects its neighbours.

import { fail, ok, type Result } from "../../lib/result.ts";
import type { ParsedEvent } from "../../model/event.ts";
import { isObject, parseVerbatim, readJson, toJson, type JsonObject } from "./json.ts";
import type { Delivery, ParsedDelivery } from "../provider.ts";
import { beginWords, endWords, nextElement, noteUnknownTypes } from "./unknown-words.ts";

/** The result of reading one element: its events, "ping", or the reason why it is not an event. */
export type ElementResult = Result<ParsedEvent[] | "ping">;

/** Finds the elements in a body; `parse`: how its JSON is parsed, where not by JSON.parse. */
type ElementsOf = (delivery: Delivery, parse?: (text: string) => unknown) => Result<unknown[]>;

/** Reads one element of a delivery. */
type ReadElement = (element: JsonObject, index: number, delivery: Delivery) => ElementResult;

/** The result for an element that only tests the connection. */
export const PING: ElementResult = ok("ping");

/**
 * The elements of a JSON body: the items of an array, or the one document. Blank bodies have none. Fails if the body is
 * not UTF-8 or not JSON.
 */
export function jsonElements(delivery: Delivery, parse?: (text: string) => unknown): Result<unknown[]> {
  if (isBlank(delivery.body)) return ok([]);
  const json = readJson(delivery.body, parse);
  if (!json.ok) return json;
  return ok(Array.isArray(json.value) ? json.value : [json.value]);
}

/**
 * A provider's `elements`, by the function that finds them in a body: with numbers as they were written; none if the body
 * cannot be read.
 */
export function verbatim(elementsOf: ElementsOf): (delivery: Delivery) => unknown[] {
  return (delivery) => {
    const elements = elementsOf(delivery, parseVerbatim);
    return elements.ok ? elements.value : [];
  };
}

/** Whether the body contains only white space. */
export function isBlank(body: Uint8Array): boolean {
  return body.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/**
 * The most elements of one delivery, more than any provider sends (5 MB of the shortest real events): the events of
 * more elements would not fit into the Worker's memory.
 */
export const MOST_ELEMENTS = 25_000;

/** After more events than this the rest of a delivery is not read: none of it will be stored. */
const MOST_EVENTS = 25_000;

/**
 * Reads every element with `read`. A blank body without elements counts as one ping; a body that cannot be read becomes
 * one reject that contains all of it.
 */
export function parseElements(
  delivery: Delivery,
  decoded: Result<unknown[]>,
  read: ReadElement,
): ParsedDelivery {
  const parsed: ParsedDelivery = { events: [], rejects: [], pings: 0 };
  const tooMany = decoded.ok && decoded.value.length > MOST_ELEMENTS;
  const elements = tooMany ? fail(`more than ${MOST_ELEMENTS} elements in one delivery`) : decoded;
  if (!elements.ok) {
    parsed.rejects.push({ reason: elements.reason, raw: new TextDecoder().decode(delivery.body) });
    return parsed;
  }
  if (elements.value.length === 0 && isBlank(delivery.body)) parsed.pings = 1;
  const unknown = beginWords();
  for (const [index, element] of elements.value.entries()) {
    nextElement(index);
    const result = isObject(element)
      ? readSafely(() => read(element, index, delivery))
      : fail("the element is not an object");
    if (!result.ok) parsed.rejects.push({ reason: result.reason, raw: toJson(element) });
    else if (result.value === "ping") parsed.pings += 1;
    else {
      for (const event of result.value) parsed.events.push(event);
      if (isObject(element)) noteUnknownTypes(result.value, element);
    }
    // Elements may name a thousand recipients each. The caller refuses so many events, so the rest is not read.
    if (parsed.events.length > MOST_EVENTS) break;
  }
  endWords();
  return unknown.length === 0 ? parsed : { ...parsed, unknown };
}

function readSafely(read: () => ElementResult): ElementResult {
  try {
    return read();
  } catch {
    return fail("the element could not be read"); // e.g. nested so deeply that a copy overflows the stack
  }
}

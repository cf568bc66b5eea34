// The sender's own handles: where a source finds the campaign and the custom id of a mail. Many providers know neither,
// but hand on the sender's metadata, tags or headers, and senders put an order's number or a campaign's name there. The
// settings `custom_id_from` and `campaign_from` name these places. They are applied after parsing, whatever the
// provider, and never change an event's identity: the same report stays one event if the settings change.

import type { ParsedEvent } from "../../model/event.ts";
import { LONGEST, text } from "./fields.ts";
import { isObject, parseExact, type JsonObject } from "./json.ts";

/** One place to look in. `name`: a key of the metadata, the beginning of a tag, or a header's name; else "". */
export interface Place {
  kind: "campaign" | "custom_id" | "metadata" | "tag" | "header";
  name: string;
}

/** Where a source finds its handles: the first place with a value counts. Without places the provider's own stays. */
export interface HandlePlaces {
  campaign: readonly Place[];
  custom_id: readonly Place[];
}

const WHOLE = /^(campaign|custom_id|tag)$/;
const NAMED = /^(?:(metadata|header)\.|(tag):)(.{1,200})$/s;

/**
 * Reads a place as the settings write it: `metadata.<key>`, `tag` (the first one), `tag:<prefix>` (what follows the
 * prefix in the first tag that begins with it), `header.<name>`, `campaign` or `custom_id` (the provider's own). Null
 * for anything else.
 */
export function readPlace(setting: string): Place | null {
  const whole = WHOLE.exec(setting)?.[1];
  if (whole !== undefined) return { kind: whole as Place["kind"], name: "" };
  const [, dotted, tag, name = ""] = NAMED.exec(setting) ?? [];
  const kind = dotted ?? tag;
  if (kind === undefined || name.trim() === "") return null;
  if (kind === "header" && !/^[\w-]+$/.test(name)) return null;
  return { kind: kind as Place["kind"], name };
}

/**
 * The event with the handles found in these places. A handle without a value in any of them stays as the provider
 * reports it. `elementOf`: finds the event's element; it is called only for headers.
 */
export function withHandles(
  event: ParsedEvent,
  places: HandlePlaces,
  elementOf: (index: number) => unknown,
): ParsedEvent {
  const find = (from: readonly Place[], longest: number): string | null => {
    for (const place of from) {
      const value = text(valueAt(place, event, elementOf), longest);
      if (value !== null) return value;
    }
    return null;
  };
  const campaign = find(places.campaign, LONGEST.short) ?? event.campaign;
  const custom_id = find(places.custom_id, LONGEST.id) ?? event.custom_id;
  return { ...event, campaign, custom_id };
}

function valueAt({ kind, name }: Place, event: ParsedEvent, elementOf: (index: number) => unknown): unknown {
  switch (kind) {
    case "campaign":
    case "custom_id":
      return event[kind];
    case "metadata":
      return single(valueIn(event.metadata, name));
    case "tag":
      return event.tags.find((tag) => tag.length > name.length && tag.startsWith(name))?.slice(name.length);
    case "header":
      return headerIn(elementOf(event.element), name.toLowerCase());
  }
}

/** The value of a key, or of a path of keys with dots between them. */
function valueIn(object: JsonObject, path: string): unknown {
  if (Object.hasOwn(object, path)) return object[path];
  const dot = path.indexOf(".");
  if (dot < 0) return undefined;
  const first = path.slice(0, dot);
  const inner = Object.hasOwn(object, first) ? object[first] : undefined;
  return isObject(inner) ? valueIn(inner, path.slice(dot + 1)) : undefined;
}

const single = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);

/** How much of an element is searched for headers: levels, and objects on them. */
const DEEPEST = 5;
const MOST_OBJECTS = 200;

/**
 * A header of the mail, if the element contains it. Providers that hand headers on call the field `headers`, or
 * something that ends so, at different places of the element.
 */
function headerIn(element: unknown, name: string): unknown {
  let level: JsonObject[] = isObject(element) ? [element] : [];
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const next: JsonObject[] = [];
    for (const object of level) {
      for (const [key, value] of Object.entries(object)) {
        const found = /headers$/i.test(key) ? headerOf(value, name) : undefined;
        if (found !== undefined) return found;
        if (isObject(value) && next.length < MOST_OBJECTS) next.push(value);
      }
    }
    level = next;
  }
  return undefined;
}

/** A header of an object of names and values, of a list of `{ name, value }` or `[name, value]`, or of its JSON text. */
function headerOf(headers: unknown, name: string): unknown {
  if (typeof headers === "string")
    return headers.startsWith("[") ? headerOf(listIn(headers), name) : undefined;
  const pairs: unknown[] = isObject(headers)
    ? Object.entries(headers)
    : Array.isArray(headers)
      ? headers
      : [];
  for (const pair of pairs) {
    const [key, value] = isObject(pair) ? [pair["name"], pair["value"]] : Array.isArray(pair) ? pair : [];
    if (typeof key === "string" && key.toLowerCase() === name) return single(value);
  }
  return undefined;
}

function listIn(json: string): unknown {
  try {
    const list = parseExact(json);
    return Array.isArray(list) ? list : null;
  } catch {
    return null;
  }
}

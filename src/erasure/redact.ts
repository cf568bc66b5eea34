// Removes one contact from one delivery, as a pure function. Rows name their raw element by its place in the delivery,
// so no element may move: an item of an array becomes null, a body about no other contact becomes empty, and if an
// element also contains other contacts, only the address is replaced. The provider's parser reads each attempt again,
// and its plain text is searched. The first attempt that contains nothing of the contact and everything of the others
// is used; if there is none, the whole body is removed.

import type { Envelope } from "../model/envelope.ts";
import { ERASED_ADDRESS, mentions, placesOf } from "../model/address-search.ts";
import { deliveryOf } from "../providers/kit/delivery.ts";
import { readJsonText } from "../providers/kit/json.ts";
import { providerNamed, type ParsedDelivery } from "../providers/index.ts";
import { itemsOf } from "./json-items.ts";

/** The delivery that remains, and how many of the contact's reports (or elements that named it) were removed. */
export interface Redacted {
  envelope: Envelope;
  elements: number;
}

type Settings = Record<string, unknown>;

/** The delivery without the contact; null if it does not contain the contact. `settings`: the source's. */
export function redact(envelope: Envelope, contact: string, settings: Settings): Redacted | null {
  if (!isNamed(envelope, contact)) return null;
  const before = parse(envelope, settings);
  const elements = Math.max(1, before.events.filter((event) => event.contact === contact).length);
  for (const attempt of attempts(envelope, contact, before)) {
    if (isClean(attempt, contact, before, settings)) return { envelope: attempt, elements };
  }
  return { envelope: emptied(envelope), elements };
}

/** The delivery without any of the contacts; null if it contains none of them. */
export function redactAll(
  envelope: Envelope,
  contacts: Iterable<string>,
  settings: Settings,
): Redacted | null {
  let left = envelope;
  let elements = 0;
  for (const contact of contacts) {
    const next = redact(left, contact, settings);
    if (next === null) continue;
    left = next.envelope;
    elements += next.elements;
  }
  return elements === 0 ? null : { envelope: left, elements };
}

/** Whether the delivery contains the contact's address anywhere. */
export function isNamed({ url, headers, body }: Envelope, contact: string): boolean {
  return (
    mentions(textOf(body), contact) ||
    mentions(url, contact) ||
    headers.some(([, value]) => mentions(value, contact))
  );
}

const textOf = (body: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(body);

function parse(envelope: Envelope, settings: Settings): ParsedDelivery {
  const provider = providerNamed(envelope.provider);
  const nothing = { events: [], rejects: [{ reason: "", raw: textOf(envelope.body) }], pings: 0 };
  try {
    return provider?.parse(deliveryOf(envelope, settings)) ?? nothing;
  } catch {
    return nothing;
  }
}

/** The delivery without parameters, headers and body: what remains is when and by which source it came. */
function emptied(envelope: Envelope): Envelope {
  const url = envelope.url.split("?", 1)[0] ?? "";
  return { ...envelope, url, headers: [], body: new Uint8Array(0), erased: true };
}

/** The ways to redact a delivery, those that keep the least first. */
function* attempts(envelope: Envelope, contact: string, before: ParsedDelivery): Generator<Envelope> {
  const others = before.events.some((event) => event.contact !== contact && event.contact !== ERASED_ADDRESS);
  const unread = before.rejects.some(({ raw }) => raw !== "null" && !mentions(raw, contact));
  if (!others && !unread) yield emptied(envelope);
  const text = textOf(envelope.body);
  const url = replaced(envelope.url, contact);
  const headers = envelope.headers.map(([name, value]): [string, string] => [name, replaced(value, contact)]);
  const around = { ...envelope, url, headers, erased: true as const };
  for (let depth = 1; depth <= DEEPEST; depth++) {
    const body = withoutItems(text, contact, depth);
    if (body === null) break;
    yield { ...around, body: new TextEncoder().encode(body) };
  }
  yield { ...around, body: new TextEncoder().encode(replaced(text, contact)) };
}

/** How many levels of nested arrays are tried: no provider nests its reports deeper. */
const DEEPEST = 3;

/** The text without the items, `depth` arrays deep, that name the contact; null if there are none. */
function withoutItems(text: string, contact: string, depth: number): string | null {
  if (readJsonText(text, JSON.parse).ok) return withoutJsonItems(text, contact, depth);
  // A form may contain JSON in a field.
  let changed = false;
  let left = "";
  let copied = 0;
  for (let start = 0; start <= text.length;) {
    const end = endOf(text, "&", start);
    const field = withoutFieldItems(text.slice(start, end), contact, depth);
    if (field !== null) {
      changed ||= field.items;
      left += text.slice(copied, start) + field.text;
      copied = end;
    }
    start = end + 1;
  }
  return changed ? left + text.slice(copied) : null;
}

/** The place of the mark in the text, from `start` on; the text's length if it has none. */
function endOf(text: string, mark: string, start: number): number {
  const at = text.indexOf(mark, start);
  return at < 0 ? text.length : at;
}

/** A form's field without the contact, and whether items were removed from it; null if it does not name the contact. */
function withoutFieldItems(
  field: string,
  contact: string,
  depth: number,
): { text: string; items: boolean } | null {
  if (field.length < contact.length) return null; // no escape is shorter than what it stands for
  const [name = "", value = ""] = field.split("=", 2);
  const decoded = new URLSearchParams(`v=${value}`).get("v") ?? "";
  const json = mentions(decoded, contact) && readJsonText(decoded, JSON.parse).ok;
  const left = json ? withoutJsonItems(decoded, contact, depth) : null;
  if (left !== null) return { text: `${name}=${encodeURIComponent(left)}`, items: true };
  const text = replaced(field, contact);
  return text === field ? null : { text, items: false };
}

function withoutJsonItems(text: string, contact: string, depth: number): string | null {
  const places = placesOf(text, contact);
  const cuts: Cut[] = [];
  let next = 0; // the first place that does not lie before the item; both are in order
  let items = 0;
  for (const item of itemsOf(text, depth)) {
    while (next < places.length && (places[next]?.[0] ?? 0) < item.start)
      cuts.push(addressAt(places[next++]));
    if (next === places.length) break;
    let isNaming = false;
    for (; next < places.length && (places[next]?.[0] ?? 0) < item.end; next++)
      isNaming ||= (places[next]?.[1] ?? Infinity) <= item.end;
    if (!isNaming) continue;
    cuts.push({ ...item, put: "null" });
    items += 1;
  }
  while (next < places.length) cuts.push(addressAt(places[next++]));
  return items === 0 ? null : withCuts(text, cuts);
}

/** A part of a text, and what is put in its place. */
interface Cut {
  start: number;
  end: number;
  put: string;
}

function addressAt([start, end]: readonly [number, number] = [0, 0]): Cut {
  return { start, end, put: ERASED_ADDRESS };
}

function replaced(text: string, contact: string): string {
  return withCuts(text, placesOf(text, contact).map(addressAt));
}

/** The text with the cuts, which are in order. One that begins within another is left out. */
function withCuts(text: string, cuts: readonly Cut[]): string {
  const parts: string[] = [];
  let copied = 0;
  for (const { start, end, put } of cuts) {
    if (start < copied) continue;
    parts.push(text.slice(copied, start), put);
    copied = end;
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(copied);
}

/** Whether nothing of the contact remains, and the reports about others are unchanged and in the same places. */
function isClean(attempt: Envelope, contact: string, before: ParsedDelivery, settings: Settings): boolean {
  if (isNamed(attempt, contact)) return false;
  const after = parse(attempt, settings);
  const others = ({ events }: ParsedDelivery): string =>
    JSON.stringify(
      events
        .filter((event) => event.contact !== contact && event.contact !== ERASED_ADDRESS)
        .map((event) => [
          event.element,
          event.contact,
          event.type,
          event.occurred_at,
          event.message_id,
          event.identity,
        ]),
    );
  const gone = (raw: string): boolean =>
    raw === "null" || raw.includes(ERASED_ADDRESS) || mentions(raw, contact);
  const unread = ({ rejects }: ParsedDelivery): string =>
    JSON.stringify(rejects.flatMap(({ raw }) => (gone(raw) ? [] : [raw])));
  if (after.events.some((event) => event.contact === contact)) return false;
  return (
    others(before) === others(after) && unread(before) === (attempt.body.length === 0 ? "[]" : unread(after))
  );
}

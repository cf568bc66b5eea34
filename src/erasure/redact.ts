// Removes one contact from one delivery, as a pure function. Rows name their raw element by its place in the delivery,
// so no element may move: an item of an array becomes null, a body about no other contact becomes empty, and where
// others' elements name the contact, only the address is replaced. The provider's parser reads each attempt again. The
// first attempt counts that contains nothing of the contact and all reports of others; if there is none, the one that
// loses the fewest. A report of others counts by what identifies its row (element, contact, type, time), not by its
// identity: that may contain the address, and rows keep their ids anyhow.

import type { Envelope } from "../model/envelope.ts";
import { ERASED_ADDRESS, mentions } from "../model/address-search.ts";
import { deliveryOf } from "../providers/kit/delivery.ts";
import { providerNamed, type ParsedDelivery } from "../providers/index.ts";
import { replaced, withoutItems, type FateOf } from "./cuts.ts";
import { isOthersReport, othersIn } from "./whose.ts";

/** The delivery that remains, and how many of the contact's reports (or elements that named it) were removed. */
export interface Redacted {
  envelope: Envelope;
  elements: number;
}

type Settings = Record<string, unknown>;

/** The delivery without the contact; null if it does not contain the contact. `settings`: the source's. */
export function redact(envelope: Envelope, contact: string, settings: Settings): Redacted | null {
  if (!isNamed(envelope, contact)) return null;
  const before = contentOf(envelope, contact, settings);
  const elements = Math.max(1, before.own);
  if (before.others.length + before.unread.length === 0) return { envelope: emptied(envelope), elements };
  if (before.isUnread) return { envelope: unreadWithout(envelope, contact), elements };
  let best: { envelope: Envelope; lost: number; left: number } | null = null;
  for (const attempt of attempts(envelope, contact, before)) {
    if (isNamed(attempt, contact)) continue;
    const after = contentOf(attempt, contact, settings);
    const lost = lostOf(before, after);
    if (lost === null) continue;
    const left = after.replaced - before.replaced;
    if (lost === 0 && left <= 0) return { envelope: attempt, elements };
    if (best === null || lost < best.lost || (lost === best.lost && left < best.left))
      best = { envelope: attempt, lost, left };
  }
  const keeps = best !== null && best.lost < before.others.length + before.unread.length;
  return { envelope: best !== null && keeps ? best.envelope : emptied(envelope), elements };
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

/**
 * What a parser reads from a delivery, as far as an erasure has to know it. It holds no events, because a delivery may
 * have 25,000 of them.
 */
interface Content {
  /** How many events are the contact's. */
  own: number;
  /** The elements with events of the contact. */
  ownElements: Set<number>;
  /** The events of others, by what identifies their rows: element, contact, type and time. */
  others: string[];
  /** The elements with events of others. */
  othersElements: Set<number>;
  /** The unread elements of others, with the contact's address replaced. */
  unread: string[];
  /** Whether nothing could be read, so that the whole body is one unread element. */
  isUnread: boolean;
  /** How many events and unread elements are those of an erased contact, with the address replaced. */
  replaced: number;
}

/** What a delivery contains. `contact`: the one that is erased from it. */
function contentOf(envelope: Envelope, contact: string, settings: Settings): Content {
  const { events, rejects } = parse(envelope, settings);
  const content: Content = {
    own: 0,
    ownElements: new Set(),
    others: [],
    othersElements: new Set(),
    unread: [],
    isUnread: events.length === 0 && rejects.length === 1 && rejects[0]?.raw === textOf(envelope.body),
    replaced: 0,
  };
  for (const { contact: whose, element, type, occurred_at } of events) {
    if (whose === ERASED_ADDRESS) content.replaced += 1;
    else if (whose === contact) {
      content.own += 1;
      content.ownElements.add(element);
    } else {
      content.others.push(JSON.stringify([element, whose, type, occurred_at]));
      content.othersElements.add(element);
    }
  }
  for (const { raw } of rejects) {
    if (raw === "null") continue;
    if (!mentions(raw, contact)) content.unread.push(raw);
    else if (isOthersReport(raw, contact)) content.unread.push(replaced(raw, contact));
    if (raw.includes(ERASED_ADDRESS)) content.replaced += 1;
  }
  return content;
}

function parse(envelope: Envelope, settings: Settings): ParsedDelivery {
  const provider = providerNamed(envelope.provider);
  const nothing = { events: [], rejects: [{ reason: "", raw: textOf(envelope.body) }], pings: 0 };
  if (envelope.erased === true && envelope.body.length === 0) return { ...nothing, rejects: [] };
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

/**
 * An unread delivery without the contact. Its items are what cannot be read, so what they are about must be concluded
 * from each.
 */
function unreadWithout(envelope: Envelope, contact: string): Envelope {
  const { text, withBody } = around(envelope, contact);
  const others = (body: string): string => othersIn(body, contact).join();
  const before = others(text);
  const fateOf: FateOf = (_, item) => (isOthersReport(item, contact) ? "words" : "gone");
  for (let depth = 1; depth <= DEEPEST; depth++) {
    const body = withoutItems(text, contact, { depth, fateOf });
    if (body === null) break;
    if (!isNamed(withBody(body), contact) && others(body) === before) return withBody(body);
  }
  const left = withBody(replaced(text, contact));
  return isNamed(left, contact) ? emptied(envelope) : left;
}

/** How many levels of nested arrays are tried: no provider nests its reports deeper. */
const DEEPEST = 3;

/** The ways to redact a delivery that contains reports of others. The first ones keep the least. */
function* attempts(envelope: Envelope, contact: string, before: Content): Generator<Envelope> {
  const { text, withBody } = around(envelope, contact);
  for (let depth = 1; depth <= DEEPEST; depth++) {
    let kept = false;
    const fateOf: FateOf = (place, item) => {
      const fate = fateBy(before, contact)(place, item);
      kept ||= fate !== "gone";
      return fate;
    };
    const all = withoutItems(text, contact, { depth, fateOf: () => "gone" });
    if (all === null) break;
    yield withBody(all);
    const some = withoutItems(text, contact, { depth, fateOf });
    if (some === null || !kept) continue;
    yield withBody(some);
    yield withBody(withoutItems(text, contact, { depth, fateOf: inWords(fateOf) }) ?? all);
  }
  yield withBody(replaced(text, contact));
}

/**
 * The body as a text to cut from, and a function that gives the delivery another one, and no address in its parameters
 * and headers. A body that is not UTF-8 is read byte for byte as Latin-1 and keeps its other bytes: it must not become
 * readable, because history read anew would then tell what nobody was told.
 */
function around(envelope: Envelope, contact: string): { text: string; withBody: (text: string) => Envelope } {
  const url = replaced(envelope.url, contact);
  const headers = envelope.headers.map(([name, value]): [string, string] => [name, replaced(value, contact)]);
  const left = { ...envelope, url, headers, erased: true as const };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(envelope.body);
    return { text, withBody: (other) => ({ ...left, body: new TextEncoder().encode(other) }) };
  } catch {
    const text = Buffer.from(envelope.body).toString("latin1");
    return { text, withBody: (other) => ({ ...left, body: new Uint8Array(Buffer.from(other, "latin1")) }) };
  }
}

/** The fates of items if each is one element: the contact's own go, and those of others stay. */
function fateBy({ ownElements, othersElements }: Content, contact: string): FateOf {
  return (place, item) => {
    if (othersElements.has(place)) return ownElements.has(place) ? "parts" : "words";
    return !ownElements.has(place) && isOthersReport(item, contact) ? "words" : "gone";
  };
}

function inWords(fateOf: FateOf): FateOf {
  return (place, item) => (fateOf(place, item) === "gone" ? "gone" : "words");
}

/** How many reports of others are missing from what is left; null if it contains some that were not there before. */
function lostOf(before: Content, after: Content): number | null {
  const events = missing(before.others, after.others);
  const known = new Set(before.unread);
  const unread = missing(
    before.unread,
    after.unread.filter((raw) => !raw.includes(ERASED_ADDRESS) || known.has(raw)),
  );
  return events === null || unread === null ? null : events + unread;
}

/** How many of `all` are not among `left`; null if `left` contains more than these. */
function missing(all: readonly string[], left: readonly string[]): number | null {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  for (const one of left) {
    const count = counts.get(one) ?? 0;
    if (count === 0) return null;
    counts.set(one, count - 1);
  }
  return all.length - left.length;
}

// Words that a provider's tables do not know. ESPs change their webhooks without notice: a new type becomes `unknown`,
// a new reason becomes null, and nobody looks. So parsers note each word that they cannot place, and the store counts
// them for each source. Parsing is synchronous, so that the delivery that is being read can be a variable of the
// module: tables note their misses by themselves, and no provider has to pass anything on. What parsers return does not
// depend on it.

import type { ParsedEvent } from "../../model/event.ts";
import type { UnknownKind, UnknownWord } from "../../model/unknown-word.ts";
import { isObject, type JsonObject } from "./json.ts";

const LONGEST_WORD = 64;
const MOST_OF_AN_ELEMENT = 4;
const MOST_OF_A_DELIVERY = 2_000;

let words: UnknownWord[] | null = null;
let element = 0;
let before = 0;
let isTypeKnown = false;

/** Begins to collect the words of a delivery, in the list that it returns. Until {@link endWords}. */
export function beginWords(): UnknownWord[] {
  return (words = []);
}

/** Stops collecting. */
export function endWords(): void {
  words = null;
}

/** Tells which element of the delivery is read from now on. */
export function nextElement(index: number): void {
  element = index;
  before = words?.length ?? 0;
  isTypeKnown = false;
}

/**
 * Notes a word that no table knows. It is kept without what could be an address or an id, and only once for an element.
 * Does nothing for a blank word.
 */
export function noteUnknown(kind: UnknownKind, word: string | null): void {
  if (words === null || word === null || words.length >= MOST_OF_A_DELIVERY) return;
  const masked = maskedWord(word);
  if (masked === "" || words.length - before >= MOST_OF_AN_ELEMENT) return;
  for (let i = before; i < words.length; i++)
    if (words[i]?.kind === kind && words[i]?.word === masked) return;
  words.push({ kind, word: masked, element });
}

/** Notes that a table knows the element's type, even if that is one of the types that become `unknown`. */
export function noteKnownType(): void {
  isTypeKnown = true;
}

/**
 * A word as it may be stored and shown: at most 64 characters, long numbers as `#`, and nothing of a text with an
 * address.
 */
export function maskedWord(word: string): string {
  const start = word.slice(0, 4 * LONGEST_WORD).toWellFormed();
  if (/@|%40|&#64;/i.test(start)) return "(contains an address)";
  return start
    .replaceAll(/\p{C}+/gu, " ")
    .replaceAll(/\d{5,}/g, "#")
    .trim()
    .slice(0, LONGEST_WORD)
    .toWellFormed();
}

const NAMES_OF_TYPES = ["event", "eventtype", "eventname", "recordtype", "notificationtype", "type", "name"];
const LEVELS = 3;

/** Notes the type of an element whose events are of unknown type, unless a table has looked it up already. */
export function noteUnknownTypes(events: readonly ParsedEvent[], source: JsonObject): void {
  if (words === null || isTypeKnown || !events.some(({ type }) => type === "unknown")) return;
  const isNoted = words.slice(before).some(({ kind }) => kind === "type" || kind === "reason");
  if (!isNoted) noteUnknown("type", wordIn(source));
}

/** The text that most probably is the event's type: by the field's name, then by how near it is. */
function wordIn(source: JsonObject): string {
  let level = [source];
  const found = new Map<string, string>();
  for (let depth = 0; depth < LEVELS; depth++) {
    for (const object of level) {
      for (const [key, value] of Object.entries(object)) {
        const name = key.toLowerCase().replaceAll(/[-_]/g, "");
        const [word] = Array.isArray(value) ? value : [value];
        if (typeof word === "string" && !found.has(name)) found.set(name, word);
      }
    }
    const name = NAMES_OF_TYPES.find((candidate) => found.has(candidate));
    if (name !== undefined) return found.get(name) ?? "";
    level = level.flatMap((object) => Object.values(object).filter(isObject)).slice(0, 50);
  }
  return "(no name)";
}

// The fields of which every value is known, and what a filter may compare them with. `type == "bounce"` is a valid
// expression that never lets anything through, so it is refused when it is saved. A filter that is stored already is not
// looked at in this way: words may go, and a pipe must not stop for that.

import { DESTINATIONS, destinationOf } from "../../model/destination.ts";
import { eventField } from "../../model/event-fields.ts";
import { EVENT_TYPES, REASONS } from "../../model/event-words.ts";
import { SUPPRESSION_REASONS } from "../../model/suppression/policy.ts";
import { SYSTEM_EVENT_TYPES } from "../../store/pipes/system-events.ts";

/** All values of a field, by its name. */
export type Words = ReadonlyMap<string, readonly string[]>;

/** The fields whose values are the same in every Tidings. System events have "" where they know none. */
const FIXED: readonly (readonly [string, readonly string[]])[] = [
  ["type", [...EVENT_TYPES, ...SYSTEM_EVENT_TYPES]],
  ["bounce", eventField("bounce").words ?? []],
  ["reason", REASONS],
  ["destination", [...DESTINATIONS, ""]],
  ["message.status", EVENT_TYPES],
  ["suppression.reason", SUPPRESSION_REASONS],
];

/** The words that filters may use. `own`: the names of this Tidings' sources and providers; null if they are not known. */
export function filterWords(own: { sources: readonly string[]; providers: readonly string[] } | null): Words {
  if (own === null) return new Map(FIXED);
  return new Map([...FIXED, ["source", [...own.sources, ""]], ["provider", [...own.providers, ""]]]);
}

/** What people write who know another API, and our word for it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  accepted: "queued",
  complaint: "complained",
  delivery: "delivered",
  processed: "queued",
  rejected: "dropped",
  spam: "complained",
  spam_complaint: "complained",
  spamcomplaint: "complained",
  spamreport: "complained",
  unsub: "unsubscribed",
};

/** The word that was probably meant; null if none is near. */
export function nearestWord(field: string, given: string, words: readonly string[]): string | null {
  const text = given
    .slice(0, 40)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, "_");
  if (field === "type" && /^(?:hard|soft|permanent|temporary)_?bounced?$/.test(text)) return "bounced";
  const known = [
    text,
    field === "type" ? (ELSEWHERE[text] ?? "") : "",
    field === "destination" ? destinationOf(`x@${text}`) : "",
  ].find((one) => one !== "" && one !== "other" && words.includes(one));
  if (known !== undefined) return known;
  const near = words.map((word) => ({ word, steps: distance(text, word) }));
  const [best] = near.filter(({ word }) => word !== "").sort((a, b) => a.steps - b.steps);
  return best !== undefined && best.steps <= Math.max(2, text.length / 3) ? best.word : null;
}

/** How many letters have to be put in, left out or replaced (Levenshtein's distance). */
function distance(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 0; i < one.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const replaced = (before[j] ?? 0) + (one[i] === other[j] ? 0 : 1);
      row.push(Math.min(replaced, (before[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    before = row;
  }
  return before[other.length] ?? 0;
}

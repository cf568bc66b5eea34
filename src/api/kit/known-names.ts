// The names that a schema knows, and which of them a caller may have meant. Ignoring a misspelt filter would give a wrong
// answer, so unknown names are refused, and the refusal should help.

import * as z from "zod";

/**
 * The names that a schema takes at a place in its input, in the order of the declaration; null if it takes any name
 * there, or is no object there. `path`: as in zod's issues.
 */
export function namesAt(schema: z.ZodType, path: readonly PropertyKey[] = []): string[] | null {
  const [first, ...rest] = path;
  const parts = partsOf(schema);
  if (first === undefined) {
    const objects = parts.filter((part) => part instanceof z.ZodObject);
    if (objects.length === 0 || parts.some((part) => part instanceof z.ZodRecord)) return null;
    return [...new Set(objects.flatMap((object) => Object.keys(object.shape)))];
  }
  const inner = parts.flatMap((part) => innerOf(part, first)).flatMap((part) => namesAt(part, rest) ?? []);
  return inner.length === 0 ? null : [...new Set(inner)];
}

/** The schemas of which the input may be any, without their transformations and defaults. */
function partsOf(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodPipe) return partsOf(schema.in as z.ZodType);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => partsOf(option as z.ZodType));
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    return partsOf(schema.unwrap() as z.ZodType);
  return [schema];
}

function innerOf(part: z.ZodType, name: PropertyKey): z.ZodType[] {
  if (part instanceof z.ZodArray) return [part.element as z.ZodType];
  if (part instanceof z.ZodRecord) return [part.valueType as z.ZodType];
  if (!(part instanceof z.ZodObject) || !Object.hasOwn(part.shape, name)) return [];
  return [part.shape[String(name)] as z.ZodType];
}

/** Words for the same thing, as other APIs have them. */
const SYNONYMS: readonly (readonly string[])[] = [
  ["since", "from", "start", "start_date", "after_date", "begin", "from_date", "date_from"],
  ["until", "to", "end", "end_date", "before", "to_date", "date_to"],
  ["limit", "per_page", "page_size", "count", "size", "max"],
  ["after", "cursor", "page", "offset", "starting_after", "next", "page_token"],
  ["contact", "address", "email", "recipient", "to"],
  ["addresses", "emails", "contacts", "recipients"],
  ["type", "types", "event", "event_type", "events"],
  ["order", "sort", "direction"],
  ["timezone", "tz", "time_zone"],
  ["campaign", "campaign_id", "campaign_name", "a"],
  ["bucket", "interval", "granularity", "resolution", "period"],
  ["by", "group_by", "group"],
  ["note", "comment", "description"],
  ["destination", "mailbox_provider", "isp"],
  ["changed_after", "updated_since", "changed_since", "modified_since", "updated_after"],
];

/** The one of `known` that `name` most probably stands for; null if none is near. */
export function nearestOf(name: string, known: readonly string[]): string | null {
  const plain = name
    .toLowerCase()
    .replaceAll(/[-.\s]/g, "_")
    .replace(/\[\]$/, "");
  if (known.includes(plain)) return plain;
  const group = new Set(SYNONYMS.filter((words) => words.includes(plain)).flat());
  const synonym = known.find((one) => group.has(one));
  if (synonym !== undefined) return synonym;
  const near = known
    .map((one) => ({ one, distance: distanceBetween(plain, one) }))
    .filter(({ one, distance }) => distance <= Math.max(1, Math.floor(one.length / 3)))
    .toSorted((a, b) => a.distance - b.distance);
  return near[0]?.one ?? null;
}

/** Names beyond this are nobody's slip, and comparing them would take long. */
const LONGEST = 40;

/** How many letters differ: inserted, removed, replaced or swapped (optimal string alignment). */
function distanceBetween(a: string, b: string): number {
  if (a.length > LONGEST) return LONGEST;
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

// What becomes campaign, custom id, tags, metadata and message id at each provider, found out from the code: one field
// of the fixtures after the other gets a value that occurs nowhere else, and where that value appears in the events is
// what becomes of the field.

import type { ParsedEvent } from "../../src/model/event.ts";
import { providers, type Provider } from "../../src/providers/index.ts";
import { parseVerbatim } from "../../src/providers/kit/json.ts";
import { casesOf, type Case } from "../support/provider-cases.ts";
import { bytes } from "./parsing.ts";

/** The handles, in the order of the table's columns. */
export const HANDLES = ["campaign", "custom_id", "tags", "metadata", "message_id"] as const;
type Handle = (typeof HANDLES)[number];

/** How many fields a cell names: the rest are other spellings. */
const MOST_NAMED = 3;
const MARK = "qhandle";

/** One row for each provider: its id, then the fields that become each handle, the most frequent ones first. */
export function handlesTable(): string[][] {
  return Object.entries(providers).map(([id, provider]) => {
    const counts = countFields(provider, casesOf(id));
    return [id, ...HANDLES.map((handle) => cellOf(counts.get(handle) ?? new Map()))];
  });
}

function cellOf(counts: ReadonlyMap<string, number>): string {
  const ordered = [...counts].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([path]) => path);
  // One name for each last key: the same field stands in several wrappers.
  const names = new Map(ordered.toReversed().map((path) => [path.slice(path.lastIndexOf(".") + 1), path]));
  return ordered
    .filter((path) => [...names.values()].includes(path))
    .slice(0, MOST_NAMED)
    .map((path) => `\`${path}\``)
    .join(", ");
}

function countFields(provider: Provider, cases: readonly Case[]): Map<Handle, Map<string, number>> {
  const counts = new Map<Handle, Map<string, number>>();
  const count = (handle: Handle, path: string): void => {
    const own = counts.get(handle) ?? new Map<string, number>();
    counts.set(handle, own.set(path, (own.get(path) ?? 0) + 1));
  };
  for (const { json, body, delivery, events } of cases) {
    if (!json || events.length === 0 || body.length > 20_000) continue;
    const elements: unknown = parseVerbatim(body);
    for (const path of pathsIn(elements)) {
      const parsed = [MARK, JSON.stringify({ [MARK]: MARK })].flatMap((mark) => {
        const changed = JSON.stringify(replaced(elements, path, mark));
        return provider.parse({ ...delivery, body: bytes(changed) }).events;
      });
      const name = nameOf(path);
      for (const handle of HANDLES) if (parsed.some((event) => isMarked(event, handle))) count(handle, name);
    }
  }
  return counts;
}

function isMarked(event: ParsedEvent, handle: Handle): boolean {
  if (handle === "metadata") return event.metadata[MARK] === MARK || event.metadata["payload"] === MARK;
  return handle === "tags"
    ? event.tags.some((tag) => tag.includes(MARK))
    : event[handle]?.includes(MARK) === true;
}

type Path = readonly (string | number)[];

/** The places of all fields, and of the objects in them. */
function* pathsIn(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null || path.length > 8) return;
  for (const [key, inner] of Object.entries(value))
    yield* pathsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]);
}

/** The document with a marked value in one place: a marked field added to an object, the `mark` for all else. */
function replaced(value: unknown, [first, ...rest]: Path, mark: string): unknown {
  if (first === undefined)
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? { ...value, [MARK]: MARK }
      : mark;
  if (Array.isArray(value)) return value.map((item, i) => (i === first ? replaced(item, rest, mark) : item));
  if (typeof value !== "object" || value === null) return value;
  return { ...value, [first]: replaced((value as Record<string, unknown>)[first], rest, mark) };
}

/** `data.tags[]`: without the place in the array of elements. */
function nameOf(path: Path): string {
  const [first, ...rest] = path;
  const names = typeof first === "number" ? rest : path;
  if (names.length === 0) return "all other fields";
  const whole = names
    .map((name, i) => (typeof name === "number" ? "[]" : i === 0 ? name : `.${name}`))
    .join("");
  return whole.replace(/\[\]$/, "");
}

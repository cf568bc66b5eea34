// Compares an answer with the one on a page. A page may leave parts out if it marks them: `"…": null` among the fields
// of an object, "…" in a list, or a text that ends in … .

const LEFT_OUT = "…";

/** The first difference, with its path, or null if they match. The answer may have fields that the page omits. */
export function differenceOf(shown: unknown, actual: unknown, place = "the answer"): string | null {
  if (typeof shown === "string" && shown.endsWith(LEFT_OUT)) {
    const begins = typeof actual === "string" && actual.startsWith(shown.slice(0, -LEFT_OUT.length));
    return begins || shown === LEFT_OUT ? null : differ(shown, actual, place);
  }
  if (Array.isArray(shown))
    return Array.isArray(actual) ? differenceOfLists(shown, actual, place) : differ(shown, actual, place);
  if (typeof shown !== "object" || shown === null)
    return Object.is(shown, actual) ? null : differ(shown, actual, place);
  if (typeof actual !== "object" || actual === null || Array.isArray(actual))
    return differ(shown, actual, place);
  for (const [name, value] of Object.entries(shown)) {
    if (name === LEFT_OUT) continue;
    const where = `${place}.${name}`;
    if (!Object.hasOwn(actual, name)) return `${where} is missing`;
    const difference = differenceOf(value, (actual as Record<string, unknown>)[name], where);
    if (difference !== null) return difference;
  }
  return null;
}

/** Compares lists from their beginning to the omission, and from the omission to their end. */
function differenceOfLists(
  shown: readonly unknown[],
  actual: readonly unknown[],
  place: string,
): string | null {
  const gap = shown.indexOf(LEFT_OUT);
  const head = gap < 0 ? shown : shown.slice(0, gap);
  const tail = gap < 0 ? [] : shown.slice(gap + 1);
  const least = head.length + tail.length;
  if (gap < 0 ? actual.length !== least : actual.length < least)
    return `${place} has ${actual.length} items, not ${gap < 0 ? "" : "at least "}${least}`;
  const pairs = [
    ...head.map((value, i) => [value, i] as const),
    ...tail.map((value, i) => [value, actual.length - tail.length + i] as const),
  ];
  for (const [value, i] of pairs) {
    const difference = differenceOf(value, actual[i], `${place}[${i}]`);
    if (difference !== null) return difference;
  }
  return null;
}

function differ(shown: unknown, actual: unknown, place: string): string {
  const told = JSON.stringify(actual) ?? "nothing";
  return `${place} is ${told.length > 200 ? `${told.slice(0, 200)}…` : told}, not ${JSON.stringify(shown)}`;
}

/** The difference between a page's answer and the real one, both as text; null if they match. */
export function compareAnswer(shown: string, actual: string): string | null {
  const expected = parse(shown);
  if (expected === undefined) return "what the page shows is not JSON";
  const value = parse(actual);
  return value === undefined ? "the answer is not JSON" : differenceOf(expected, value);
}

/** Undefined if the text is not JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

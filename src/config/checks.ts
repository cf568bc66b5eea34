// Checks of configured values. They are plain functions instead of a schema library, because the configuration is read
// before the first answer, and loading such a library takes a new isolate longer than everything else until then.
// test/config/config.test.ts holds their messages to those of zod.

/** One mistake in a value, and its place in the value. */
export interface Issue {
  path: readonly (string | number)[];
  message: string;
  /** Whether the value has the wrong type, rather than the right type and a value that is not allowed. */
  alien: boolean;
}

/** The result of a check: the value in its final form, or all mistakes. */
export type Checked<T> = { ok: true; value: T } | { ok: false; issues: readonly Issue[] };
/** A check of an unknown value. */
export type Check<T> = (value: unknown) => Checked<T>;

/** The result for a sound value. */
export const sound = <T>(value: T): Checked<T> => ({ ok: true, value });
/** The result for a value with one mistake. */
export const wrong = (message: string, { alien }: { alien: boolean }): Checked<never> => ({
  ok: false,
  issues: [{ path: [], message, alien }],
});

/** The name of a value's type in JSON. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return Array.isArray(value) ? "array" : typeof value;
}

const expected = (kind: string, value: unknown): string =>
  `Invalid input: expected ${kind}, received ${kindOf(value)}`;

/** Accepts any text. `message`: the mistake's message for other values; by default it names the value's type. */
export function text(message?: string): Check<string> {
  return (value) =>
    typeof value === "string" ? sound(value) : wrong(message ?? expected("string", value), { alien: true });
}

/** Accepts a text that is not blank, and trims it. `message`: for values that are not texts. */
export function filledText(message: string): Check<string> {
  return (value) => {
    if (typeof value !== "string") return wrong(message, { alien: true });
    const trimmed = value.trim();
    return trimmed === "" ? wrong("must not be empty", { alien: false }) : sound(trimmed);
  };
}

/** Accepts one of the words. `message`: for all other values. */
export function oneOf<const W extends string>(words: readonly W[], message: string): Check<W> {
  return (value) => {
    const word = words.find((candidate) => candidate === value);
    return word === undefined ? wrong(message, { alien: true }) : sound(word);
  };
}

/** Accepts a safe integer of at least `least`. `message`: for other values; `tooSmall`: for smaller integers. */
export function wholeNumber(message: string, least: number, tooSmall: string): Check<number> {
  return (value) => {
    if (!isInteger(value)) return wrong(message, { alien: true });
    const issues: Issue[] = [];
    if (!Number.isSafeInteger(value)) issues.push({ path: [], message, alien: false });
    if (value < least) issues.push({ path: [], message: tooSmall, alien: false });
    return issues.length > 0 ? { ok: false, issues } : sound(value);
  };
}

const isInteger = (value: unknown): value is number => Number.isInteger(value);

/** Accepts a number above 0. `message`: for all other values. */
export function positive(message: string): Check<number> {
  return (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return wrong(message, { alien: true });
    return value > 0 ? sound(value) : wrong(message, { alien: false });
  };
}

/** Accepts a number from 0 to 1. `message`: for all other values. */
export function share(message: string): Check<number> {
  return (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return wrong(message, { alien: true });
    return value < 0 || value > 1 ? wrong(message, { alien: false }) : sound(value);
  };
}

/** Accepts a list whose items all pass the check `item`. `message`: for values that are not lists. */
export function listOf<T>(item: Check<T>, message: string): Check<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return wrong(message, { alien: true });
    const checked = value.map((given: unknown, index) => within(index, item(given)));
    const issues = checked.flatMap((result) => (result.ok ? [] : result.issues));
    if (issues.length > 0) return { ok: false, issues };
    return sound(checked.flatMap((result) => (result.ok ? [result.value] : [])));
  };
}

/** Like {@link listOf}, but the list must have at least one item. */
export function someOf<T>(item: Check<T>, message: string): Check<T[]> {
  const list = listOf(item, message);
  return (value) => {
    const checked = list(value);
    return checked.ok && checked.value.length === 0 ? wrong("must not be empty", { alien: false }) : checked;
  };
}

/** Replaces undefined with the default `value`, and checks all other values. */
export function byDefault<T>(check: Check<T>, value: T): Check<T> {
  return (given) => (given === undefined ? sound(value) : check(given));
}

/** Accepts undefined, and checks all other values. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return byDefault<T | undefined>(check, undefined);
}

/** The checked values of a table's fields. Fields that were left out are absent. */
type Values<F> = { [K in keyof F]: F[K] extends Check<infer T> ? T : never };

/**
 * Accepts a table with these fields and no others. `message`: for values that are not tables and for unknown fields; by
 * default the message names the value's type or the unknown fields.
 */
export function table<F extends Fields>(fields: F, message?: string): Check<Values<F>> {
  return (value) => {
    if (!isTable(value)) return wrong(message ?? expected("object", value), { alien: true });
    const { issues, values, others } = readFields(fields, value);
    if (others.length > 0) issues.push({ path: [], message: message ?? unrecognized(others), alien: false });
    return issues.length > 0 ? { ok: false, issues } : sound(values);
  };
}

/** Accepts a table with these fields. All other fields are kept unchecked. */
export function openTable<F extends Fields>(fields: F): Check<Values<F> & Record<string, unknown>> {
  return (value) => {
    if (!isTable(value)) return wrong(expected("object", value), { alien: true });
    const { issues, values, others } = readFields(fields, value);
    if (issues.length > 0) return { ok: false, issues };
    // An assignment to `__proto__` would change the table's prototype, so that name is dropped.
    const kept = others.filter((name) => name !== "__proto__").map((name) => [name, value[name]]);
    return sound({ ...Object.fromEntries(kept), ...values });
  };
}

type Fields = Readonly<Record<string, Check<unknown>>>;

function readFields<F extends Fields>(
  fields: F,
  given: Readonly<Record<string, unknown>>,
): { issues: Issue[]; values: Values<F>; others: string[] } {
  const issues: Issue[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(fields)) {
    const checked = within(name, check(given[name]));
    if (!checked.ok) issues.push(...checked.issues);
    else if (checked.value !== undefined) values[name] = checked.value;
  }
  const others = Object.keys(given).filter((name) => !Object.hasOwn(fields, name));
  return { issues, values: values as Values<F>, others };
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const unrecognized = (names: readonly string[]): string =>
  `Unrecognized key${names.length > 1 ? "s" : ""}: ${names.map((name) => `"${name}"`).join(", ")}`;

/** The result with `place` put before the paths of its mistakes: the value is part of a larger one. */
function within<T>(place: string | number, checked: Checked<T>): Checked<T> {
  if (checked.ok) return checked;
  return { ok: false, issues: checked.issues.map((issue) => ({ ...issue, path: [place, ...issue.path] })) };
}

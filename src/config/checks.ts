// Checks of what the configuration holds. Plain functions and no schema library: the configuration is read before the first
// answer, and to load such a library takes a new isolate longer than everything else it does until then. What they say is
// held to what zod says by test/config/config.test.ts.

/** What is wrong with a value, and where in it. */
export interface Issue {
  path: readonly (string | number)[];
  message: string;
  /** Whether the value is of another kind altogether, rather than one of the right kind that is not allowed. */
  alien: boolean;
}

export type Checked<T> = { ok: true; value: T } | { ok: false; issues: readonly Issue[] };
export type Check<T> = (value: unknown) => Checked<T>;

export const sound = <T>(value: T): Checked<T> => ({ ok: true, value });
export const wrong = (message: string, { alien }: { alien: boolean }): Checked<never> => ({
  ok: false,
  issues: [{ path: [], message, alien }],
});

/** What JSON calls a value's kind. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return Array.isArray(value) ? "array" : typeof value;
}

const expected = (kind: string, value: unknown): string =>
  `Invalid input: expected ${kind}, received ${kindOf(value)}`;

/** A text, whatever it says. `message`: what is said of anything else; by default, what it is. */
export function text(message?: string): Check<string> {
  return (value) =>
    typeof value === "string" ? sound(value) : wrong(message ?? expected("string", value), { alien: true });
}

/** A text that says something: without the white space around it. */
export function filledText(message: string): Check<string> {
  return (value) => {
    if (typeof value !== "string") return wrong(message, { alien: true });
    const trimmed = value.trim();
    return trimmed === "" ? wrong("must not be empty", { alien: false }) : sound(trimmed);
  };
}

/** One of the words. */
export function oneOf<const W extends string>(words: readonly W[], message: string): Check<W> {
  return (value) => {
    const word = words.find((one) => one === value);
    return word === undefined ? wrong(message, { alien: true }) : sound(word);
  };
}

/** A whole number that a double holds exactly, and not less than `least`. */
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

/** A number from 0 to 1. */
export function share(message: string): Check<number> {
  return (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return wrong(message, { alien: true });
    return value < 0 || value > 1 ? wrong(message, { alien: false }) : sound(value);
  };
}

/** A list whose items are each checked. */
export function listOf<T>(item: Check<T>, message: string): Check<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return wrong(message, { alien: true });
    const checked = value.map((one: unknown, index) => within(index, item(one)));
    const issues = checked.flatMap((one) => (one.ok ? [] : one.issues));
    if (issues.length > 0) return { ok: false, issues };
    return sound(checked.flatMap((one) => (one.ok ? [one.value] : [])));
  };
}

/** The same, of one item at least. */
export function someOf<T>(item: Check<T>, message: string): Check<T[]> {
  const list = listOf(item, message);
  return (value) => {
    const checked = list(value);
    return checked.ok && checked.value.length === 0 ? wrong("must not be empty", { alien: false }) : checked;
  };
}

/** What is left out takes the default's place. */
export function byDefault<T>(check: Check<T>, value: T): Check<T> {
  return (given) => (given === undefined ? sound(value) : check(given));
}

/** What may be left out. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return byDefault<T | undefined>(check, undefined);
}

/** The values of a table's fields once they are checked; those that are left out are not there. */
type Values<F> = { [K in keyof F]: F[K] extends Check<infer T> ? T : never };

/** A table of these fields, and no others. `message`: what is said of anything else; by default, what is wrong with it. */
export function table<F extends Fields>(fields: F, message?: string): Check<Values<F>> {
  return (value) => {
    if (!isTable(value)) return wrong(message ?? expected("object", value), { alien: true });
    const { issues, values, others } = readFields(fields, value);
    if (others.length > 0) issues.push({ path: [], message: message ?? unrecognized(others), alien: false });
    return issues.length > 0 ? { ok: false, issues } : sound(values);
  };
}

/** A table of these fields; whatever else stands in it is kept as it is. */
export function openTable<F extends Fields>(fields: F): Check<Values<F> & Record<string, unknown>> {
  return (value) => {
    if (!isTable(value)) return wrong(expected("object", value), { alien: true });
    const { issues, values, others } = readFields(fields, value);
    if (issues.length > 0) return { ok: false, issues };
    // Assigned, the name `__proto__` would change what the table inherits.
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

/** The same, as found at `place` of something larger. */
function within<T>(place: string | number, checked: Checked<T>): Checked<T> {
  if (checked.ok) return checked;
  return { ok: false, issues: checked.issues.map((one) => ({ ...one, path: [place, ...one.path] })) };
}

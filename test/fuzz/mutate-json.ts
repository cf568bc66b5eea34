// Mutations of JSON that keep it well-formed: values that break naive parsers, unknown keys, repeated keys.

import type { Random } from "../../src/demo/traffic/random.ts";

/** Text that is inserted into the JSON unchanged, for tokens that no JavaScript value can represent. */
const RAW: readonly [string, ...string[]] = [
  "1e999",
  "-1e999",
  "-0",
  "1E400",
  "0.1e-400",
  "123456789012345678901234567890",
  "-9223372036854775809",
  "1".repeat(3000),
  `1.${"0".repeat(3000)}1`,
  "9007199254740993",
  "1e308",
  "253402300800000",
  "8640000000000001",
  `${"[".repeat(500)}${"]".repeat(500)}`,
  `${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`,
  `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  String.raw`"\ud800"`,
  String.raw`"a\udc00@example.com"`,
  String.raw`"\u0000"`,
  String.raw`"\u0000@example.com"`,
  '{"email":1,"email":"twice@example.com"}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
];
const TEXTS: readonly [string, ...string[]] = [
  "",
  " ",
  "0",
  "null",
  "-1",
  "undefined",
  "[object Object]",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "ann@example.com",
  "ANN@EXAMPLE.COM ",
  "a@b@c",
  "@",
  "<a@b.c>",
  `Ann <${"x".repeat(400)}@example.com>`,
  "a\u0000@b.c",
  "\u{1f600}@exämple.com",
  "\u202Emoc.elpmaxe@nna",
  "K@example.com",
  "İ@example.com",
  "ﬃ@example.com",
  "'; DROP TABLE events; --",
  "%",
  "_",
  "../../etc/passwd",
  "<script>alert(1)</script>",
  "{{7*7}}",
  "${7*7}",
  "2026-02-30T25:61:61Z",
  "0000-00-00",
  "275760-09-13T00:00:00.001Z",
  "-271821-04-19",
  "+010000-01-01T00:00:00Z",
  "1969-12-31T23:59:59Z",
  "Thu, 01 Jan 1970 00:00:00 GMT",
  "99999999999999",
  "1e15",
  "Infinity",
  "NaN",
  "0x10",
  "x".repeat(70_000),
  "\u{10ffff}".repeat(30_000),
  "a@".repeat(5000),
  "<".repeat(9000),
  "\\".repeat(5000),
];
const VALUES: readonly [unknown, ...unknown[]] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  2 ** 53,
  1e15,
  8.64e15,
  8.64e15 + 1,
  -8.64e15,
  1e21,
  253_402_300_800,
  [],
  {},
  [[]],
  [null],
  [{}],
  { 0: 1, length: 1e9 },
  [1, "a", { b: [] }],
  Array(300).fill("tag"),
  Array.from({ length: 2000 }, () => ({ a: 1 })),
];
const KEYS: readonly [string, ...string[]] = [
  "__proto__",
  "constructor",
  "",
  " ",
  "\u0000",
  "email",
  "event",
  "type",
  "id",
  "timestamp",
  "time",
  "tags",
  "metadata",
  "toJSON",
  "length",
  "x".repeat(3000),
  "a.b",
  "$where",
  "auth",
  "events",
];

const MARK = "\u0001raw:";

/** The text of `json` with one to four changes; null if it cannot be parsed as JSON. */
export function mutateJson(json: string, random: Random): string | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  for (let left = random.between(1, 4); left > 0; left -= 1) value = changeSomewhere(value, random);
  const text = JSON.stringify(value) ?? "null";
  const raw = text.replaceAll(
    new RegExp(String.raw`"\\u0001raw:(\d+)"`, "g"),
    (_, at) => RAW[Number(at)] ?? "0",
  );
  return random.chance(0.1) ? repeatKeys(raw, random) : raw;
}

/** Descends along a random path and changes the value at its end. */
function changeSomewhere(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.2)) return changeArray(value, random);
    const at = random.between(0, value.length - 1);
    return value.with(at, changeSomewhere(value[at], random));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0 || random.chance(0.2)) return changeObject(entries, random);
    const at = random.between(0, entries.length - 1);
    const [key, old] = entries[at] ?? ["", null];
    return Object.fromEntries(entries.with(at, [key, changeSomewhere(old, random)]));
  }
  return hostileValue(random);
}

function changeArray(items: readonly unknown[], random: Random): unknown {
  const [first = null] = items;
  switch (random.between(0, 5)) {
    case 0:
      return [];
    case 1:
      return [...items, ...items];
    case 2:
      return [...items, hostileValue(random)];
    case 3:
      return Array(random.pick([2, 20, 120, random.chance(0.1) ? 26_000 : 3])).fill(first);
    case 4:
      return { events: items };
    default:
      return [items];
  }
}

function changeObject(entries: readonly [string, unknown][], random: Random): unknown {
  switch (random.between(0, 4)) {
    case 0:
      return Object.fromEntries(entries.filter(() => random.chance(0.7)));
    case 1:
      return Object.fromEntries([...entries, [random.pick(KEYS), hostileValue(random)]]);
    case 2:
      return [Object.fromEntries(entries)];
    case 3:
      return Object.fromEntries(entries.map(([key, value]) => [key.toUpperCase(), value]));
    default:
      return hostileValue(random);
  }
}

/** A random hostile value from the lists above. */
export function hostileValue(random: Random): unknown {
  const drawn = random.next();
  if (drawn < 0.35) return `${MARK}${random.between(0, RAW.length - 1)}`;
  return drawn < 0.75 ? random.pick(TEXTS) : random.pick(VALUES);
}

/** A random hostile text from the lists above. */
export function hostileText(random: Random): string {
  return random.pick(TEXTS);
}

/** Repeats a field with another value in the same object. */
function repeatKeys(json: string, random: Random): string {
  return json.replace(
    /\{"([^"\\]*)":/,
    (whole, key) => `{"${String(key)}":${random.pick(['"again"', "0", "{}"])},${whole.slice(1)}`,
  );
}

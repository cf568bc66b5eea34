// Input that makes careless text functions slow: long runs of one character, and long repetitions of a few. Each shape
// makes a text of about the length that is asked for.

/** Makes a text of about this many UTF-16 units. */
export type Shape = (length: number) => string;

/** The unit over and over, between `before` and `after`. */
export const run =
  (unit: string, before = "", after = ""): Shape =>
  (length) =>
    `${before}${unit.repeat(Math.max(1, Math.floor((length - before.length - after.length) / unit.length)))}${after}`;

/** Something around as many levels of nesting as fit. */
const nested =
  (open: string, inner: string, close: string): Shape =>
  (length) => {
    const levels = Math.floor(length / (open.length + close.length));
    return open.repeat(levels) + inner + close.repeat(levels);
  };

/** Units that are all different: `unit` gets their number. */
export const counted =
  (unit: (n: number) => string, before = "", after = ""): Shape =>
  (length) => {
    const parts: string[] = [];
    for (let left = length, n = 0; left > 0; n++) {
      const part = unit(n);
      parts.push(part);
      left -= part.length;
    }
    return before + parts.join("") + after;
  };

/** Characters that mean something to one reader or another, and letters that composing and lower case change. */
const SINGLE = [
  ...Array.from('\\"1<[{@.,%=& \na'),
  "\u0316\u0301", // combining marks that change places when they are put in order
  "\u200b", // invisible
  "\u0130", // grows when it becomes lower case
  "\ud800",
];

const REPEATED = [
  [
    "a@",
    "a@b.c ",
    "xn--a.",
    "mailto:",
    "=@x",
    "550-a@b.c",
    "ann@example.com,",
    "http://",
    "a=b&",
    "\r\n\r\n",
    "--x\r\n",
    "; ",
  ],
  [
    "%25",
    "%C3%A4",
    "a%40",
    "\\u0040",
    "\\u200b",
    "\\\\n",
    "&#64;",
    "1234567890123456,",
    ":1234567890123456",
    '\\"',
    '"",',
  ],
  ["<a>", "<a b='1'/>", "<!--", ".a"],
].flat();

const runsOf = (units: readonly string[]): Map<string, Shape> =>
  new Map(units.map((unit) => [`runs of ${JSON.stringify(unit)}`, run(unit)]));

/** Runs of one character, by name. */
export const RUNS: ReadonlyMap<string, Shape> = runsOf(SINGLE);
/** Texts of every kind, by name. */
export const TEXTS: ReadonlyMap<string, Shape> = runsOf([...SINGLE, ...REPEATED]);

/** Documents that can be read, or nearly, by name. */
export const DOCUMENTS: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ["long integers", run("1234567890123456,", "[", "1]")],
  ["long integers behind a string", run("1234567890123456,", '["a",', "1]")],
  ["one long integer", run("1", "[", "]")],
  ["empty objects", run("{},", "[", "1]")],
  ["empty arrays", run("[],", "[", "1]")],
  ["nested arrays", nested("[", "", "]")],
  ["open arrays", run("[")],
  ["white space", run(" ", "[", "1]")],
  ["white space between", run(" ,1", "[1", "]")],
  ["escapes", run("\\\\", '["', '"]')],
  ["escaped quotes", run('\\"', '["', '"]')],
  ["fields of one name", run('"a":1,', "{", '"a":1}')],
  ["fields of many names", counted((n) => `"a${n}":${n},`, "{", '"a":1}')],
  ["an element of many fields", counted((n) => `"a${n}":"x",`, '[{"event":"open",', '"a":1}]')],
  ["XML elements", run("<b/>", "<a>", "</a>")],
  ["XML elements with an attribute", run("<b x='1'/>", "<a>", "</a>")],
  ["XML attributes", counted((n) => ` a${n}=''`, "<a", "/>")],
  ["XML elements of many names", counted((n) => `<a${n}/>`, "<a>", "</a>")],
  ["XML references", run("&#64;", "<a>", "</a>")],
  ["form fields of many names", counted((n) => `a${n}=1&`)],
  ["parts", run('--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n')],
  ["parts of many names", counted((n) => `--x\r\ncontent-disposition: form-data; name="a${n}"\r\n\r\n1\r\n`)],
  ["lines", run('{"event":"open","email":"a@example.com"}\n')],
  ["addresses", counted((n) => `ann${n}@example.com `)],
  [
    "one address in one element",
    run("ann@example.com ", '[{"event":"open","email":"ann@example.com","x":"', '"}]'),
  ],
  ["elements with one address", run('{"event":"open","email":"ann@example.com"},', "[", "1]")],
  [
    "elements of two addresses",
    run('{"event":"open","email":"ann@example.com"},{"event":"open","email":"b@b.de"},', "[", "1]"),
  ],
]);

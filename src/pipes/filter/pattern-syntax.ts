// The syntax of the patterns that linear-regex.ts follows: RE2's, as far as it is commonly used.

/** Ranges of code points: pairs of the first and the last. */
export type Ranges = readonly number[];
/** A condition on a place in the text, which takes no character. */
export type Assertion = "start" | "end" | "line start" | "line end" | "word edge" | "no word edge";
/** A pattern as a tree. */
export type Node =
  | { kind: "set"; ranges: Ranges; negated: boolean }
  | { kind: "assert"; what: Assertion }
  | { kind: "all"; parts: Node[] }
  | { kind: "any"; parts: Node[] }
  | { kind: "repeat"; part: Node; least: number; most: number };

const MOST_REPEATS = 1_000;
const DEEPEST = 50;
const LAST = 0x10ffff;

/** Why a pattern cannot be used. The message continues a sentence that begins with "it". */
export class Refusal extends Error {}
/** Refuses the pattern. */
export const refuse = (reason: string): never => {
  throw new Refusal(reason);
};

const DIGIT: Ranges = [48, 57];
/** The characters of words. */
export const WORD: Ranges = [48, 57, 65, 90, 95, 95, 97, 122];
const SPACE: Ranges = [9, 10, 12, 13, 32, 32];
const CLASSES: Record<string, Ranges> = { d: DIGIT, w: WORD, s: SPACE };
const CONTROLS: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7 };
const ASSERTIONS: Record<string, Assertion> = { b: "word edge", B: "no word edge", A: "start", z: "end" };

/** The pattern as a tree. Throws a {@link Refusal} if it is not valid. */
export function parsePattern(text: string): Node {
  const letters = Array.from(text);
  let at = 0;
  const [flagText, flags = ""] = /^\(\?([ims]+)\)/.exec(text) ?? [""];
  at += flagText.length;
  const [folds, lines, dotAll] = ["i", "m", "s"].map((flag) => flags.includes(flag));

  const takes = (letter: string): boolean => letters[at] === letter && ++at > 0;

  function alternatives(depth: number): Node {
    if (depth > DEEPEST) refuse("is nested too deeply");
    const parts = [sequence(depth)];
    while (takes("|")) parts.push(sequence(depth));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "any", parts };
  }

  function sequence(depth: number): Node {
    const parts: Node[] = [];
    while (at < letters.length && letters[at] !== "|" && letters[at] !== ")") {
      parts.push(repeated(atom(depth)));
    }
    return { kind: "all", parts };
  }

  function repeated(part: Node): Node {
    const [least, most] = quantifier() ?? [1, 1];
    if (least === 1 && most === 1) return part;
    takes("?"); // lazy or greedy, it matches the same texts
    if (quantifier() !== null) refuse("repeats a repetition");
    return { kind: "repeat", part, least, most };
  }

  function quantifier(): [least: number, most: number] | null {
    if (takes("*")) return [0, Infinity];
    if (takes("+")) return [1, Infinity];
    if (takes("?")) return [0, 1];
    if (letters[at] !== "{") return null;
    const found = /^\{(\d{1,5})(,(\d{1,5})?)?\}/.exec(letters.slice(at, at + 14).join(""));
    if (found === null) return null;
    at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] === undefined ? Infinity : Number(found[3]);
    if (least > most || least > MOST_REPEATS || (most !== Infinity && most > MOST_REPEATS))
      refuse(`repeats ${found[0]}, and at most ${MOST_REPEATS} times are possible`);
    return [least, most];
  }

  function atom(depth: number): Node {
    const letter = letters[at++] ?? "";
    if (letter === "(") return group(depth);
    if (letter === "[") return set();
    if (letter === "\\") return escaped();
    if (letter === ".") return { kind: "set", ranges: dotAll ? [] : [10, 10], negated: true };
    if (letter === "^") return { kind: "assert", what: lines ? "line start" : "start" };
    if (letter === "$") return { kind: "assert", what: lines ? "line end" : "end" };
    if (/[*+?]/.test(letter)) refuse(`has nothing before "${letter}" that it could repeat`);
    return single(codeOf(letter));
  }

  function group(depth: number): Node {
    if (takes("?") && !takes(":")) {
      const name = /^P?<[A-Za-z_]\w*>/.exec(letters.slice(at, at + 80).join(""));
      if (name === null)
        refuse('may hold "(?:" and "(?<name>", and "(?i)" at its beginning, but no other "(?"');
      at += name?.[0].length ?? 0;
    }
    const inner = alternatives(depth + 1);
    if (!takes(")")) refuse('has a "(" without its ")"');
    return inner;
  }

  function single(code: number): Node {
    return { kind: "set", ranges: folds ? folded([code, code]) : [code, code], negated: false };
  }

  function escaped(): Node {
    const letter = letters[at] ?? "";
    const what = ASSERTIONS[letter];
    if (what !== undefined) {
      at++;
      return { kind: "assert", what };
    }
    const ranges = CLASSES[letter.toLowerCase()];
    if (ranges === undefined) return single(escapedCode());
    at++;
    return { kind: "set", ranges, negated: letter !== letter.toLowerCase() };
  }

  /** The code point that stands behind a backslash. */
  function escapedCode(): number {
    const letter = letters[at++] ?? refuse('ends in a "\\"');
    const control = CONTROLS[letter];
    if (control !== undefined) return control;
    if (letter === "x") {
      const hex = /^(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(letters.slice(at, at + 8).join(""));
      const code = Number.parseInt(hex?.[1] ?? hex?.[2] ?? "", 16);
      if (!(code <= LAST)) refuse('has a "\\x" without two hexadecimal digits');
      at += hex?.[0].length ?? 0;
      return code;
    }
    if (/[A-Za-z0-9]/.test(letter)) refuse(`may not hold "\\${letter}"`);
    return codeOf(letter);
  }

  function set(): Node {
    const negated = takes("^");
    const ranges: number[] = [];
    for (let first = true; first || letters[at] !== "]"; first = false) {
      if (at >= letters.length) refuse('has a "[" without its "]"');
      if (letters[at] === "[" && letters[at + 1] === ":") refuse('may not hold "[:"');
      const from = member(ranges);
      if (from === null) continue;
      if (letters[at] !== "-" || letters[at + 1] === "]" || at + 1 >= letters.length) {
        ranges.push(from, from);
        continue;
      }
      at++;
      const to = member(ranges) ?? refuse("has a range in [] that ends in a class");
      if (to < from) refuse("has a range in [] that ends before it begins");
      ranges.push(from, to);
    }
    at++;
    return { kind: "set", ranges: folds ? folded(ranges) : ranges, negated };
  }

  /** A letter of a set; null if it was a class, which is added to `ranges`. */
  function member(ranges: number[]): number | null {
    const letter = letters[at++] ?? "";
    if (letter !== "\\") return codeOf(letter);
    const next = letters[at] ?? "";
    const known = CLASSES[next.toLowerCase()];
    if (known === undefined) return next === "b" ? refuse('may not hold "\\b" in []') : escapedCode();
    at++;
    ranges.push(...(next === next.toLowerCase() ? known : others(known)));
    return null;
  }

  const whole = alternatives(0);
  if (at < letters.length) refuse('has a ")" without its "("');
  return whole;
}

const codeOf = (letter: string): number => letter.codePointAt(0) ?? 0;

function others(ranges: Ranges): number[] {
  const found: number[] = [];
  let from = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    found.push(from, (ranges[i] ?? 0) - 1);
    from = (ranges[i + 1] ?? 0) + 1;
  }
  return [...found, from, LAST];
}

/** The same letters in upper and lower case: ASCII ranges as a whole, and beyond ASCII only single letters. */
function folded(ranges: Ranges): number[] {
  const found = [...ranges];
  for (let i = 0; i < ranges.length; i += 2) {
    const [from = 0, to = 0] = ranges.slice(i, i + 2);
    for (const [first, last, step] of [
      [65, 90, 32],
      [97, 122, -32],
    ] as const) {
      const [low, high] = [Math.max(from, first), Math.min(to, last)];
      if (low <= high) found.push(low + step, high + step);
    }
    if (from !== to || from < 128) continue;
    for (const other of [String.fromCodePoint(from).toLowerCase(), String.fromCodePoint(from).toUpperCase()])
      if (Array.from(other).length === 1) found.push(codeOf(other), codeOf(other));
  }
  return found;
}

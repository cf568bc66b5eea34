// Regular expressions that cannot hang: all possible places in the pattern are followed at once, so that the time is at
// most the pattern's size times the text's length. JavaScript's own go back and try again, for years on "(a+)+$".
//
// The syntax is that of RE2, which CEL asks for: no backreferences and no looking around. A text either matches somewhere
// or does not; what matched is not told.

import { fail, ok, type Result } from "../model/result.ts";

/** Code points as pairs of first and last. */
type Ranges = readonly number[];
type Assertion = "start" | "end" | "line start" | "line end" | "word edge" | "no word edge";
type Node =
  | { kind: "set"; ranges: Ranges; negated: boolean }
  | { kind: "assert"; what: Assertion }
  | { kind: "all"; parts: Node[] }
  | { kind: "any"; parts: Node[] }
  | { kind: "repeat"; part: Node; least: number; most: number };
type Step =
  | { do: "take"; ranges: Ranges; negated: boolean }
  | { do: "assert"; what: Assertion }
  | { do: "split"; to: [number, number] }
  | { do: "jump"; to: number }
  | { do: "match" };

/** A compiled pattern: its steps, and the same as plain figures, which are followed ten times as fast. */
export interface Pattern {
  size: number;
  /** What each step does, one of `DO`. */
  does: Uint8Array;
  /** Where a jump or split leads, or which assertion it is. */
  to: Int32Array;
  /** Where else a split leads. */
  or: Int32Array;
  /** What each step takes: whether each of the ASCII characters, and the ranges for all others. */
  takes: readonly { ascii: Uint8Array; ranges: Ranges; negated: boolean }[];
}

const MOST_STEPS = 2_000;
const MOST_REPEATS = 1_000;
const DEEPEST = 50;
const LAST = 0x10ffff;

class Refusal extends Error {}
const refuse = (reason: string): never => {
  throw new Refusal(reason);
};

/** Compiles a pattern; the reason why not is for people. */
export function compilePattern(text: string): Result<Pattern> {
  try {
    const steps: Step[] = [];
    emit(parse(text), steps);
    push(steps, { do: "match" });
    return ok(flat(steps));
  } catch (error) {
    if (error instanceof Refusal) return fail(error.message);
    throw error;
  }
}

const DIGIT: Ranges = [48, 57];
const WORD: Ranges = [48, 57, 65, 90, 95, 95, 97, 122];
const SPACE: Ranges = [9, 10, 12, 13, 32, 32];
const CLASSES: Record<string, Ranges> = { d: DIGIT, w: WORD, s: SPACE };
const CONTROLS: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7 };
const ASSERTIONS: Record<string, Assertion> = { b: "word edge", B: "no word edge", A: "start", z: "end" };

function parse(text: string): Node {
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
    takes("?"); // lazy or not, it matches the same texts
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

  /** A letter of a set; null where it was a class, which is then among `ranges`. */
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

/** The same letters, large and small. ASCII ranges as a whole; beyond it, letters that stand alone. */
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

function push(steps: Step[], step: Step): void {
  if (steps.length >= MOST_STEPS) refuse("is too long, with its repetitions counted out");
  steps.push(step);
}

function emit(node: Node, steps: Step[]): void {
  if (node.kind === "set") push(steps, { do: "take", ranges: node.ranges, negated: node.negated });
  else if (node.kind === "assert") push(steps, { do: "assert", what: node.what });
  else if (node.kind === "all") for (const part of node.parts) emit(part, steps);
  else if (node.kind === "any") emitAny(node.parts, steps);
  else emitRepeat(node.part, node.least, node.most, steps);
}

function emitAny(parts: readonly Node[], steps: Step[]): void {
  const ends: { do: "jump"; to: number }[] = [];
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    const split = { do: "split" as const, to: [steps.length + 1, 0] as [number, number] };
    if (!last) push(steps, split);
    emit(part, steps);
    if (last) continue;
    const end = { do: "jump" as const, to: 0 };
    push(steps, end);
    ends.push(end);
    split.to[1] = steps.length;
  }
  for (const end of ends) end.to = steps.length;
}

function emitRepeat(part: Node, least: number, most: number, steps: Step[]): void {
  for (let i = 0; i < least; i++) emitCounted(part, steps);
  if (most === Infinity) {
    const split = { do: "split" as const, to: [steps.length + 1, 0] as [number, number] };
    const start = steps.length;
    push(steps, split);
    emit(part, steps);
    push(steps, { do: "jump", to: start });
    split.to[1] = steps.length;
    return;
  }
  const splits: { to: [number, number] }[] = [];
  for (let i = least; i < most; i++) {
    const split = { do: "split" as const, to: [steps.length + 1, 0] as [number, number] };
    push(steps, split);
    splits.push(split);
    emit(part, steps);
  }
  for (const split of splits) split.to[1] = steps.length;
}

/** Repeats of what takes no step at all, such as (){1000}, still count, or nested ones would take for ever. */
function emitCounted(part: Node, steps: Step[]): void {
  const before = steps.length;
  emit(part, steps);
  if (steps.length === before) push(steps, { do: "jump", to: before + 1 });
}

const DO = { take: 0, assert: 1, split: 2, jump: 3, match: 4 } as const;
const WHAT: readonly Assertion[] = ["start", "end", "line start", "line end", "word edge", "no word edge"];
const NOTHING = { ascii: new Uint8Array(0), ranges: [], negated: false };

function flat(steps: readonly Step[]): Pattern {
  return {
    size: steps.length,
    does: Uint8Array.from(steps, (step) => DO[step.do]),
    to: Int32Array.from(steps, (step) => {
      if (step.do === "assert") return WHAT.indexOf(step.what);
      return step.do === "split" ? step.to[0] : step.do === "jump" ? step.to : 0;
    }),
    or: Int32Array.from(steps, (step) => (step.do === "split" ? step.to[1] : 0)),
    takes: steps.map((step) => {
      if (step.do !== "take") return NOTHING;
      const { ranges, negated } = step;
      const ascii = Uint8Array.from({ length: 128 }, (_, code) => Number(within(ranges, code) !== negated));
      return { ascii, ranges, negated };
    }),
  };
}

/** Whether the pattern matches anywhere in the text. */
export function matchesPattern({ size, does, to, or, takes }: Pattern, text: string): boolean {
  /** For each step the place in the text, plus one, at which it was last reached. */
  const seen = new Int32Array(size);
  const stack = new Int32Array(size + 1);
  let here = new Int32Array(size);
  let next = new Int32Array(size);
  let inHere = 0;
  let inNext = 0;
  let at = 0;

  /** Follows all steps that take nothing into `next`; true where the end of the pattern is among them. */
  const reach = (first: number): boolean => {
    if (seen[first] === at + 1) return false;
    seen[first] = at + 1;
    let depth = 0;
    stack[depth++] = first;
    while (depth > 0) {
      const step = stack[--depth] ?? 0;
      const what = does[step];
      if (what === DO.match) return true;
      if (what === DO.take) {
        next[inNext++] = step;
        continue;
      }
      if (what === DO.assert && !holds(WHAT[to[step] ?? 0], text, at)) continue;
      const one = what === DO.assert ? step + 1 : (to[step] ?? 0);
      if (seen[one] !== at + 1) {
        seen[one] = at + 1;
        stack[depth++] = one;
      }
      const other = what === DO.split ? (or[step] ?? 0) : one;
      if (seen[other] !== at + 1) {
        seen[other] = at + 1;
        stack[depth++] = other;
      }
    }
    return false;
  };

  while (!reach(0)) {
    const code = text.codePointAt(at);
    if (code === undefined) return false;
    at += code > 0xffff ? 2 : 1;
    [here, next] = [next, here];
    [inHere, inNext] = [inNext, 0];
    for (let i = 0; i < inHere; i++) {
      const step = here[i] ?? 0;
      const { ascii, ranges, negated } = takes[step] ?? NOTHING;
      const taken = code < 128 ? ascii[code] === 1 : within(ranges, code) !== negated;
      if (taken && reach(step + 1)) return true;
    }
  }
  return true;
}

function within(ranges: Ranges, code: number): boolean {
  for (let i = 0; i < ranges.length; i += 2)
    if (code >= (ranges[i] ?? 0) && code <= (ranges[i + 1] ?? 0)) return true;
  return false;
}

function holds(what: Assertion | undefined, text: string, at: number): boolean {
  if (what === "start") return at === 0;
  if (what === "end") return at === text.length;
  if (what === "line start") return at === 0 || text.charCodeAt(at - 1) === 10;
  if (what === "line end") return at === text.length || text.charCodeAt(at) === 10;
  const edge = isWord(text, at - 1) !== isWord(text, at);
  return edge === (what === "word edge");
}

const isWord = (text: string, at: number): boolean => at >= 0 && within(WORD, text.charCodeAt(at));

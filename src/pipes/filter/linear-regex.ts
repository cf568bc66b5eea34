// Regular expressions that cannot hang. All possible states of the pattern are followed at once, so that the time is at
// most the pattern's size times the text's length. JavaScript's own backtrack, and would take years for "(a+)+$".
//
// The syntax is that of RE2, as CEL has it: without backreferences and lookaround. The only answer is whether a text
// matches somewhere.

import { fail, ok, type Result } from "../../lib/result.ts";
import {
  parsePattern,
  refuse,
  Refusal,
  WORD,
  type Assertion,
  type Node,
  type Ranges,
} from "./pattern-syntax.ts";

type Step =
  | { do: "take"; ranges: Ranges; negated: boolean }
  | { do: "assert"; what: Assertion }
  | { do: "split"; to: [number, number] }
  | { do: "jump"; to: number }
  | { do: "match" };

/** A compiled pattern. Its steps are numbers in arrays, ten times as fast to follow as objects. */
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

/** Compiles a pattern. Fails with a reason for people. */
export function compilePattern(text: string): Result<Pattern> {
  try {
    const steps: Step[] = [];
    emit(parsePattern(text), steps);
    push(steps, { do: "match" });
    return ok(flat(steps));
  } catch (error) {
    if (error instanceof Refusal) return fail(error.message);
    throw error;
  }
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

/** Repeats of something empty, such as (){1000}, count as well. Otherwise nested ones would take for ever. */
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
  /** For each step, the index in the text at which it was last reached, plus one. */
  const seen = new Int32Array(size);
  const stack = new Int32Array(size + 1);
  let here = new Int32Array(size);
  let next = new Int32Array(size);
  let inHere = 0;
  let inNext = 0;
  let at = 0;

  /** Follows all steps that take no character into `next`. Returns whether the pattern ends among them. */
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

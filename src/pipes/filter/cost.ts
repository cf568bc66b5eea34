// Limits of a filter that the type checker does not know: functions and loops must have bounded work, and literals must
// be valid. So a filter that was saved cannot hang the pipe that runs it.

import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { LONGEST } from "../../model/field-lengths.ts";
import { showWords, HIDDEN } from "./reserved-words.ts";
import { VARIABLES } from "./variables.ts";
import { compilePattern } from "./linear-regex.ts";

/** What is wrong, and where in the text. */
export interface Refusal {
  reason: string;
  at: number;
}

/** What the check of a filter found. */
export interface Findings {
  /** The variables that it reads. */
  names: ReadonlySet<string>;
  refusal: Refusal | null;
  /** The steps that it may take at worst, see {@link MOST_STEPS}. */
  steps: number;
}

/** The part of a type that the checker records at each node. */
interface CheckedType {
  name: string;
  kind: string;
  unwrappedType: CheckedType;
}
const typeOf = (node: ASTNode): CheckedType | undefined =>
  (node as ASTNode & { checkedType?: CheckedType }).checkedType;

const CALLS = new Set([
  "has",
  "size",
  "duration",
  "timestamp",
  "int",
  "double",
  "string",
  "bool",
  "dyn",
  "type",
]);
const MACROS = new Set(["all", "exists", "exists_one", "map", "filter"]);
const PARTS_OF_TIME =
  /^get(?:Date|DayOf(?:Month|Week|Year)|FullYear|Hours|Milliseconds|Minutes|Month|Seconds)$/;
const METHODS = new Set(
  "size startsWith endsWith contains lowerAscii upperAscii trim indexOf lastIndexOf substring".split(" "),
).add(HIDDEN.matches);

/**
 * How many steps (some nanoseconds each) a filter may need for one event at worst. Lists and texts count as long as an
 * event can have them, literals as long as they are.
 */
export const MOST_STEPS = 5_000_000;
const LONGEST_LIST = LONGEST.metadata / 2;
/** The steps of a function that reads a text or a constant once. */
const CALL_STEPS = 1_024;
const SLOW_STEPS = 20_000;

/** By loop variable, how long its values are at most on average: together they are no longer than their list. */
type Loops = ReadonlyMap<string, number>;

/** Checks a filter that has passed the type checker. `text`: the text that was parsed. */
export function lookThrough(root: ASTNode, text: string, env: Environment): Findings {
  const names = new Set<string>();
  let refusal: Refusal | null = null;
  let steps = 0;

  const refuse = (node: ASTNode, reason: string): void => {
    refusal ??= { reason, at: node.pos };
  };
  const work = (node: ASTNode, count: number): void => {
    steps += count;
    if (steps > MOST_STEPS) refuse(node, "asks for too much work: loops within loops over long lists");
  };

  function look(node: ASTNode, times: number, loops: Loops): void {
    if (refusal !== null) return;
    work(node, times);
    switch (node.op) {
      case "value":
        return;
      case "id":
        names.add(showWords(node.args));
        if (node.args === "cel" || node.args === "google") refuse(node, `unknown name: ${node.args}`);
        return;
      case ".":
      case ".?":
        return look(node.args[0], times, loops);
      case "list":
        work(node, 10 * node.args.length * times);
        return lookAll(node.args, times, loops);
      case "map":
        work(node, 20 * node.args.length * times);
        return lookAll(node.args.flat(), times, loops);
      case "!_":
      case "-_":
        return lookAll([node.args], times, loops);
      case "call":
        return lookCall(node, node.args, times, loops);
      case "rcall":
        return lookMethod(node, node.args, times, loops);
      default:
        if (node.op === "==" || node.op === "!=") compare(node, node.args, times, loops);
        else if (node.op === "in") work(node, 10 * times * longestOf(node.args[1], loops));
        else if (node.op === "+") add(node);
        return lookAll(node.args, times, loops);
    }
  }

  function lookAll(nodes: readonly ASTNode[], times: number, loops: Loops): void {
    for (const node of nodes) look(node, times, loops);
  }

  function compare(node: ASTNode, sides: readonly [ASTNode, ASTNode], times: number, loops: Loops): void {
    const [a, b] = [typeOf(sides[0])?.unwrappedType, typeOf(sides[1])?.unwrappedType];
    const sizes = sides.map((side, i) => {
      const type = [a, b][i];
      if (type !== undefined && !/^(?:list|map|dyn)/.test(type.name)) return 1;
      return (side.op === "id" ? loops.get(side.args) : undefined) ?? LONGEST_LIST;
    });
    work(node, 10 * times * Math.min(...sizes));
    if (a === undefined || b === undefined || !comparable(a.name, b.name))
      refuse(node, `can never be equal: ${shown(a)} and ${shown(b)}`);
  }

  /** No value in a filter may grow: concatenated texts and lists could double with every step. */
  function add(node: ASTNode): void {
    const type = typeOf(node)?.name ?? "dyn";
    if (/^(?:string|list|bytes)/.test(type)) refuse(node, "cannot put texts or lists together");
    else if (type.startsWith("dyn"))
      refuse(node, "must know what it adds: write int(...), double(...), timestamp(...) or duration(...)");
  }

  function lookCall(
    node: ASTNode,
    [name, args]: readonly [string, ASTNode[]],
    times: number,
    loops: Loops,
  ): void {
    if (!CALLS.has(name)) return refuse(node, `unknown function: ${name}`);
    const [first] = args;
    if (name === "has") return lookHas(node, first);
    work(node, CALL_STEPS * times);
    if (name === "duration" || name === "timestamp") {
      if (first?.op === "value" && !isFine(() => env.evaluate(text.slice(node.start, node.end))))
        refuse(
          first,
          name === "duration"
            ? 'is not a duration, such as "24h", "30m" or "1h30m"'
            : 'is not a time, such as "2026-11-21T09:30:00Z"',
        );
    }
    lookAll(args, times, loops);
  }

  function lookHas(node: ASTNode, member: ASTNode | undefined): void {
    let root = member;
    while (root?.op === "." || root?.op === ".?") root = root.args[0];
    if (root?.op !== "id") return;
    names.add(showWords(root.args));
    const known = VARIABLES.get(root.args)?.type;
    if (known === "Smtp" || known === "Message" || known === "Suppression")
      refuse(node, `is always so: ask whether it is null, as in ${root.args}.x != null`);
  }

  function lookMethod(
    node: ASTNode,
    [name, receiver, args]: readonly [string, ASTNode, ASTNode[]],
    times: number,
    loops: Loops,
  ): void {
    look(receiver, times, loops);
    if (MACROS.has(name)) {
      const most = longestOf(receiver, loops);
      const [variable] = args;
      work(node, times * most * (name === "map" || name === "filter" ? 10 : 1));
      const own = isData(receiver, loops) ? LONGEST.metadata / most + 8 : LONGEST.metadata;
      const inner = new Map([...loops, [variable?.op === "id" ? variable.args : "", own]]);
      return lookAll(args.slice(1), times * most, inner);
    }
    const long = receiver.op === "id" ? loops.get(receiver.args) : undefined;
    if (PARTS_OF_TIME.test(name)) {
      const [zone] = args;
      work(node, times * (zone === undefined ? 10 : SLOW_STEPS));
      if (
        zone?.op === "value" &&
        !isFine(() => new Intl.DateTimeFormat("en", { timeZone: String(zone.args) }))
      )
        refuse(zone, 'is not a time zone, such as "Europe/Berlin"');
    } else if (METHODS.has(name)) {
      work(node, Math.min(CALL_STEPS, long ?? CALL_STEPS) * times);
    } else return refuse(node, `unknown function: ${showWords(name)}`);
    if (name === HIDDEN.matches) lookPattern(node, args[0], times * (long ?? LONGEST.metadata));
    lookAll(args, times, loops);
  }

  function lookPattern(node: ASTNode, source: ASTNode | undefined, letters: number): void {
    if (source?.op !== "value" || typeof source.args !== "string")
      return refuse(node, 'wants its pattern as a string: matches("...")');
    const pattern = compilePattern(source.args);
    if (!pattern.ok) return refuse(source, `is not a pattern that can be used: it ${pattern.reason}`);
    work(node, pattern.value.size * letters);
  }

  look(root, 1, new Map());
  return { names, refusal, steps };
}

/** The most elements that a list can have. */
function longestOf(node: ASTNode, loops: Loops): number {
  if (node.op === "list" || node.op === "map") return Math.max(1, node.args.length);
  if (node.op === "id" && node.args === "tags" && !loops.has("tags")) return LONGEST.tags;
  if (node.op === "rcall" && (node.args[0] === "map" || node.args[0] === "filter"))
    return longestOf(node.args[1], loops);
  return LONGEST_LIST;
}

/** Whether it is a list of the event, or a literal, and not the result of a loop. */
function isData(node: ASTNode, loops: Loops): boolean {
  if (node.op === "list") return node.args.every(({ op }) => op === "value");
  if (node.op === "id") return VARIABLES.has(node.args) && !loops.has(node.args);
  return (node.op === "." || node.op === "[]") && isData(node.args[0], loops);
}

const NUMBERS = new Set(["int", "uint", "double"]);
const ANY = /^(?:dyn|list|map|null|[A-Z]$)/;

/** Whether values of these types can ever be equal. */
function comparable(a: string, b: string): boolean {
  return a === b || ANY.test(a) || ANY.test(b) || (NUMBERS.has(a) && NUMBERS.has(b));
}

function shown(type: CheckedType | undefined): string {
  return (type?.name ?? "?")
    .replace("google.protobuf.Timestamp", "timestamp")
    .replace("google.protobuf.Duration", "duration");
}

function isFine(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

// Comparisons that come out the same for every event: with a word that its field never holds, or with an address in
// capitals. Whoever writes one has made a mistake, and would wait for events that never come.

import type { ASTNode } from "@marcbachmann/cel-js";
import { compilePattern, matchesPattern } from "./linear-regex.ts";
import { HIDDEN, showWords } from "./reserved-words.ts";
import { nearestWord, type Words } from "./words.ts";

/** What is wrong, and where in the text. */
interface Refusal {
  reason: string;
  at: number;
}

/** The most words that a message lists. */
const MOST_LISTED = 40;

const LOOPS = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** How each method compares a field with a text. */
const METHODS: Readonly<Record<string, (word: string, text: string) => boolean>> = {
  startsWith: (word, text) => word.startsWith(text),
  endsWith: (word, text) => word.endsWith(text),
  contains: (word, text) => word.includes(text),
  [HIDDEN.matches]: (word, text) => {
    const pattern = compilePattern(text);
    return pattern.ok && matchesPattern(pattern.value, word);
  },
};

/** The first comparison in a checked filter that comes out the same for every event; null if there is none. */
export function impossibleIn(root: ASTNode, words: Words): Refusal | null {
  /** `own`: the variables of the loops around a node, which hide fields of the same name. */
  function look(node: ASTNode, own: ReadonlySet<string>): Refusal | null {
    switch (node.op) {
      case "value":
      case "id":
        return null;
      case ".":
      case ".?":
        return look(node.args[0], own);
      case "list":
        return first(node.args, own);
      case "map":
        return first(node.args.flat(), own);
      case "!_":
      case "-_":
        return look(node.args, own);
      case "call":
        return first(node.args[1], own);
      case "rcall":
        return lookMethod(node.args, own);
      default: {
        const [left, right] = node.args;
        if (node.op === "==" || node.op === "!=") {
          const found = compare(left, right, own, node.op) ?? compare(right, left, own, node.op);
          if (found !== null) return found;
        }
        if (node.op === "in" && right?.op === "list")
          for (const one of right.args) {
            const found = compare(left, one, own, "in");
            if (found !== null) return found;
          }
        return first(node.args, own);
      }
    }
  }

  function first(nodes: readonly ASTNode[], own: ReadonlySet<string>): Refusal | null {
    for (const node of nodes) {
      const found = look(node, own);
      if (found !== null) return found;
    }
    return null;
  }

  function lookMethod(
    [name, receiver, args]: readonly [string, ASTNode, ASTNode[]],
    own: ReadonlySet<string>,
  ): Refusal | null {
    const [variable, ...rest] = args;
    if (LOOPS.has(name) && variable?.op === "id")
      return look(receiver, own) ?? first(rest, new Set([...own, variable.args]));
    const field = fieldOf(receiver, own);
    const text = textIn(variable);
    const holds = METHODS[name];
    if (field !== null && text !== null && holds !== undefined && variable !== undefined) {
      if (field === "contact" && name !== HIDDEN.matches && text !== text.toLowerCase())
        return { reason: inCapitals(text), at: variable.pos };
      const known = words.get(field);
      if (known !== undefined && !known.some((word) => holds(word, text)))
        return { reason: `no ${field} is so: ${listed(known)}`, at: variable.pos };
    }
    return look(receiver, own) ?? first(args, own);
  }

  function compare(
    side: ASTNode | undefined,
    other: ASTNode | undefined,
    own: ReadonlySet<string>,
    op: string,
  ): Refusal | null {
    const field = fieldOf(side, own);
    const text = textIn(other);
    if (field === null || text === null || other === undefined) return null;
    if (field === "contact" && text !== text.toLowerCase())
      return { reason: inCapitals(text), at: other.pos };
    const known = words.get(field);
    if (known === undefined || known.includes(text)) return null;
    const near = nearestWord(field, text, known);
    const always = op === "!=" ? "this always holds" : "this never holds";
    const meant = near === null ? "" : ` Did you mean ${JSON.stringify(near)}?`;
    const reason = `${field} is never ${JSON.stringify(text.slice(0, 64))}, so ${always}.${meant} It is ${listed(known)}`;
    return { reason, at: other.pos };
  }

  return look(root, new Set());
}

/** The field that a node reads: `type`, or `message.status`; null for anything else. */
function fieldOf(node: ASTNode | undefined, own: ReadonlySet<string>): string | null {
  if (node?.op === "id") return own.has(node.args) ? null : showWords(node.args);
  if (node?.op !== ".") return null;
  const [record, name] = node.args;
  return record.op === "id" && !own.has(record.args) ? `${record.args}.${name}` : null;
}

function textIn(node: ASTNode | undefined): string | null {
  return node?.op === "value" && typeof node.args === "string" ? node.args : null;
}

function inCapitals(text: string): string {
  return `contact is always in lower case: write ${JSON.stringify(text.toLowerCase().slice(0, 64))}`;
}

function listed(words: readonly string[]): string {
  const shown = words.filter((word) => word !== "").slice(0, MOST_LISTED);
  return `one of ${shown.join(", ")}${words.length > MOST_LISTED + 1 ? ", ..." : ""}`;
}

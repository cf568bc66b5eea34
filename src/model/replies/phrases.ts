// Finds which of many phrases a text contains, in one walk over its words. The phrases form a tree of words, so the time
// depends on the text's length and not on the number of phrases, and nothing ever goes back over the text.

import { ADDRESS, pushWord, wordsOf } from "./words.ts";

/** Stands in a phrase for up to three other words. */
const GAP = "..";
const WIDEST = 3;

/** More than there are different words. A branch of the tree is a number, which a Map finds faster than a text. */
const MOST_WORDS = 8_192;

/** The phrases of all rules as a tree, whose nodes are numbers. */
export interface Tree {
  /** Words of the phrases -> their numbers. */
  words: Map<string, number>;
  /** Node and word -> the node that follows. */
  next: Map<number, number>;
  /** Node -> the place of the first rule with a phrase that ends there. */
  rules: number[];
}

/** The tree of the rules' phrases; a rule is known by its place in the list. */
export function treeOf(rules: readonly (readonly string[])[]): Tree {
  const tree: Tree = {
    words: new Map([
      [GAP, 0],
      [ADDRESS, 1],
    ]),
    next: new Map(),
    rules: [Infinity],
  };
  for (const [place, patterns] of rules.entries())
    for (const phrase of patterns.flatMap(phrasesOf)) addPhrase(tree, phrase, place);
  return tree;
}

function addPhrase({ words, next, rules }: Tree, phrase: readonly string[], place: number): void {
  let node = 0;
  for (const word of phrase) {
    const number = words.get(word) ?? words.size;
    words.set(word, number);
    const branch = node * MOST_WORDS + number;
    node = next.get(branch) ?? rules.push(Infinity) - 1;
    next.set(branch, node);
  }
  rules[node] = Math.min(rules[node] ?? Infinity, place);
}

/** The phrases that a pattern stands for: "(no|unknown) user" for "no user" and "unknown user". */
function phrasesOf(pattern: string): string[][] {
  let phrases: string[][] = [[]];
  for (const [part, choice] of pattern.matchAll(/\(([^)]*)\)|[^()]+/g)) {
    const options = (choice ?? part).split("|").map(partsOf);
    phrases = phrases.flatMap((phrase) => options.map((option) => joined(phrase, option)));
  }
  return phrases;
}

const partsOf = (text: string): string[] =>
  text.split(GAP).flatMap((part, index) => [...(index > 0 ? [GAP] : []), ...wordsOf(part).words]);

function joined(phrase: readonly string[], option: readonly string[]): string[] {
  const words = [...phrase];
  for (const word of option) pushWord(words, word);
  return words;
}

/** The place of the first rule of which the words contain a phrase; Infinity if they contain none. */
export function firstRule(tree: Tree, words: readonly string[]): number {
  const numbers = words.map((word) => tree.words.get(word) ?? -1);
  let first = Infinity;
  for (let at = 0; at < numbers.length; at++) {
    const node = nextNode(tree, 0, numbers[at]);
    if (node !== undefined) first = Math.min(first, follow(tree, node, numbers, at + 1));
  }
  return first;
}

const nextNode = ({ next }: Tree, node: number, word = -1): number | undefined =>
  word < 0 ? undefined : next.get(node * MOST_WORDS + word);

/** The first rule that ends here or further on. A phrase passes over addresses: "user <ann@example.com> unknown". */
function follow(tree: Tree, node: number, numbers: readonly number[], at: number): number {
  let first = tree.rules[node] ?? Infinity;
  if (at >= numbers.length) return first;
  const next = nextNode(tree, node, numbers[at]);
  if (next !== undefined) first = Math.min(first, follow(tree, next, numbers, at + 1));
  if (numbers[at] === 1) first = Math.min(first, follow(tree, node, numbers, at + 1));
  const gap = nextNode(tree, node, 0);
  if (gap === undefined) return first;
  for (let skipped = 0; skipped <= WIDEST; skipped++) {
    const later = nextNode(tree, gap, numbers[at + skipped]);
    if (later !== undefined) first = Math.min(first, follow(tree, later, numbers, at + skipped + 1));
  }
  return first;
}

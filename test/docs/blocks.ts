// What of a page the harness has to do with: its fenced blocks, in order, each with its line and what it is held to.

import { lexer, type Token } from "marked";

export interface Block {
  /** Of the fence, from 1. */
  line: number;
  text: string;
}

/** Something that is run. */
export interface Run extends Block {
  kind: "sh" | "js";
  /** The HTTP status with which an answer has to refuse; null where none may. */
  refused: number | null;
  /** What the last command has to answer, as JSON text; null where nothing is said. */
  answer: Block | null;
}

export interface Blocks {
  runs: Run[];
  /** JSON that is no command's answer: an example, which has to be JSON. */
  examples: Block[];
  /** Words behind a fence that nobody knows. */
  problems: { line: number; problem: string }[];
}

/** Reads a page's blocks. A `json` block directly after one that is run is its answer. */
export function blocksOf(text: string): Blocks {
  const blocks: Blocks = { runs: [], examples: [], problems: [] };
  let before: Run | null = null;
  for (const { token, line } of inOrder(lexer(text), 1)) {
    if (token.type === "space") continue;
    if (token.type !== "code" || token["lang"] === undefined) {
      before = null;
      continue;
    }
    const [language = "", ...words] = String(token["lang"]).trim().split(/\s+/);
    const block = { line, text: String(token["text"]) };
    if (language === "json") {
      if (before !== null && before.answer === null) before.answer = block;
      else blocks.examples.push(block);
      continue;
    }
    before = runOf(language, words, block, blocks.problems);
    if (before !== null) blocks.runs.push(before);
  }
  return blocks;
}

function runOf(language: string, words: string[], block: Block, problems: Blocks["problems"]): Run | null {
  const refused = words
    .map((word) => /^refused=([45]\d\d)$/.exec(word)?.[1])
    .find((status) => status !== undefined);
  const run = { ...block, refused: refused === undefined ? null : Number(refused), answer: null };
  const known = language === "sh" ? /^refused=[45]\d\d$/ : language === "js" ? /^run$/ : /^/;
  for (const word of words.filter((one) => !known.test(one)))
    problems.push({ line: block.line, problem: `"${word}" means nothing behind \`\`\`${language}` });
  if (language === "sh") return { kind: "sh", ...run };
  return language === "js" && words.includes("run") ? { kind: "js", ...run } : null;
}

/** All tokens that stand for themselves, those within lists and quotations too, with their lines. */
function inOrder(tokens: readonly Token[], first: number): { token: Token; line: number }[] {
  const found: { token: Token; line: number }[] = [];
  let line = first;
  for (const token of tokens) {
    const inner = (token as { items?: Token[] }).items ?? (isContainer(token) ? token.tokens : undefined);
    if (inner === undefined) found.push({ token, line });
    else found.push(...inOrder(inner, line));
    line += token.raw.split("\n").length - 1;
  }
  return found;
}

const isContainer = (token: Token): token is Token & { tokens: Token[] } =>
  token.type === "blockquote" || token.type === "list_item";

// The parts of a page that the harness checks: its fenced blocks, in order, each with its line and its expected result.

import { lexer, type Token } from "marked";

/** A fenced block. */
export interface Block {
  /** Line of the fence, from 1. */
  line: number;
  text: string;
}

/** A block that is run. */
export interface Run extends Block {
  kind: "sh" | "js";
  /** The HTTP status of the expected refusal; null if no answer may be a refusal. */
  refused: number | null;
  /** The expected answer of the last command, as JSON text; null if the page shows none. */
  answer: Block | null;
}

/** The blocks of a page, by their use. */
export interface Blocks {
  runs: Run[];
  /** JSON that is not a command's answer but an example; it must be well-formed. */
  examples: Block[];
  /** Unknown words after a fence. */
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

/** All block tokens with their lines, also those within lists and quotations. */
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

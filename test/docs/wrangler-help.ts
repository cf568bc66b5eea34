// wrangler's commands and their flags, from the definitions that wrangler makes its help from: starting wrangler would
// take a second per command.

interface Flag {
  alias?: string | readonly string[];
  hidden?: boolean;
}

interface Node {
  definition?: {
    type: string;
    aliasOf?: string;
    args?: Record<string, Flag>;
    positionalArgs?: readonly string[];
  };
  subtree: Map<string, Node>;
}

interface Commands {
  registry: Node;
  globalFlags: Record<string, Flag>;
}

let commands: Promise<Commands> | undefined;

async function load(): Promise<Commands> {
  const wrangler = await import("wrangler");
  return wrangler.experimental_getWranglerCommands() as unknown as Commands;
}

/** The problem with wrangler's arguments, or null. */
export async function wranglerProblem(words: readonly string[]): Promise<string | null> {
  commands ??= load();
  const { registry, globalFlags } = await commands;
  let node = registry;
  let depth = 0;
  for (const word of words) {
    const next = node.subtree.get(word);
    if (next === undefined) break;
    node = next;
    depth += 1;
  }
  const { definition } = node;
  if (definition?.type !== "command") return `wrangler has no command "${words.join(" ")}"`;
  const { args = {}, positionalArgs = [] } = definition;
  const known = new Set([...names(args), ...names(globalFlags), "help", "h"]);
  const flags = words
    .filter((word) => /^-{1,2}[a-zA-Z]/.test(word))
    .map((word) => word.replace(/^-+|=.*$/g, ""));
  const unknown = flags.filter((flag) => !known.has(flag) && !known.has(flag.replace(/^no-/, "")));
  if (unknown.length > 0)
    return `the help of wrangler ${words.slice(0, depth).join(" ")} does not have ${unknown.join(", ")}`;
  const next = words[depth];
  const isMore = positionalArgs.length === 0 && next !== undefined && !next.startsWith("-");
  return isMore ? `wrangler ${words.slice(0, depth).join(" ")} takes no "${next}"` : null;
}

/** The flags that a help text lists, with their aliases. */
function names(flags: Record<string, Flag>): string[] {
  return Object.entries(flags)
    .filter(([, { hidden }]) => hidden !== true)
    .flatMap(([name, { alias = [] }]) => [name, ...(typeof alias === "string" ? [alias] : alias)]);
}

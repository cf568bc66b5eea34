// Checks commands that the documentation contains but the harness does not run, because they need an account or take
// long: each must exist, and its help must list every flag.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../src/cli/wrangler.ts";
import { parse } from "./answers.ts";
import { wranglerProblem } from "./wrangler-help.ts";

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const bin = (name: string): string => join(ROOT, "node_modules", ".bin", name);

/** The problem with a command, or null. */
export async function commandProblem([name = "", ...words]: readonly string[]): Promise<string | null> {
  if (name === "curl") return curlProblem(words);
  if (name === "wrangler") return await wranglerProblem(words);
  if (name === "npm") return await npmProblem(words);
  const [tool = "", ...rest] = words; // npx
  if (tool === "wrangler") return await wranglerProblem(rest);
  if (tool === "vitest")
    return flagsProblem(flagsOf(rest), await helpOf([bin("vitest"), rest[0] ?? "", "--help"]));
  return `npx ${tool}: it is not known to be there`;
}

async function npmProblem(words: readonly string[]): Promise<string | null> {
  const [command = "", ...rest] = words.filter((word) => word !== "--silent" && word !== "-s");
  if (["ci", "install"].includes(command))
    return flagsProblem(flagsOf(rest), await helpOf(["npm", command, "--help"]));
  const name = ["start", "test"].includes(command) ? command : command === "run" ? rest[0] : undefined;
  if (name === undefined) return `npm ${command}: it is not known to be there`;
  const script = scripts[name];
  if (script === undefined) return `package.json has no script "${name}"`;
  const gap = rest.indexOf("--");
  const flags = flagsOf(gap < 0 ? [] : rest.slice(gap + 1));
  const lost = flagsOf(gap < 0 ? rest : rest.slice(0, gap));
  if (lost.length > 0) return `npm takes ${lost.join(", ")} for itself; put -- before it`;
  if (flags.length === 0) return null;
  const [tool = "", first = ""] = script.split(" ");
  if (tool === "vitest") return flagsProblem(flags, await helpOf([bin("vitest"), first, "--help"]));
  const own = /^node src\/cli\/run\.js (\S+)$/.exec(script)?.[1];
  if (own === undefined || own === "build") return `"npm run ${name}" takes no flags`;
  const help = await helpOf([process.execPath, join(ROOT, "src", "cli", "run.js"), own, "--help"]);
  const problem = flagsProblem(flags, help);
  return problem === null || name !== "deploy" ? problem : await wranglerProblem(["deploy", ...flags]);
}

/**
 * Checks a curl command to another machine: its flags must be curl's, and a body that begins like JSON must be JSON.
 */
function curlProblem(words: readonly string[]): string | null {
  const { stdout } = spawnSync("curl", ["--help", "all"], { encoding: "utf8" });
  const problem = flagsProblem(
    words
      .filter((word) => /^--?[a-zA-Z]/.test(word))
      .map((word) => (word.startsWith("--") ? word : word.slice(0, 2))),
    stdout,
  );
  const broken = words.find(
    (word, i) =>
      /^(?:-d|--data|--data-raw|--json)$/.test(words[i - 1] ?? "") &&
      /^[[{]/.test(word) &&
      parse(word) === undefined,
  );
  return problem ?? (broken === undefined ? null : `its body is not JSON: ${broken}`);
}

/** Words that are flags, without their values. */
function flagsOf(words: readonly string[]): string[] {
  return words.filter((word) => /^-{1,2}[a-zA-Z]/.test(word)).map((word) => word.split("=")[0] ?? word);
}

function flagsProblem(flags: readonly string[], help: string): string | null {
  const known = new Set(help.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g));
  const unknown = flags.filter((flag) => !known.has(flag.replace(/^--no-/, "--")) && !known.has(flag));
  return unknown.length === 0 ? null : `its help does not have ${unknown.join(", ")}`;
}

const helps = new Map<string, Promise<string>>();

/** The help text of a command, read only once. */
async function helpOf(command: readonly string[]): Promise<string> {
  const key = command.join(" ");
  const known = helps.get(key) ?? ask(command);
  helps.set(key, known);
  return await known;
}

async function ask([file = "", ...args]: readonly string[]): Promise<string> {
  const child = spawn(file, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
  await new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()));
  return text;
}

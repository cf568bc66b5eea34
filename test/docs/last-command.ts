// Separates a block's last command from those before it, so that it can be repeated until its answer is there. Only a
// shell can find where a command ends, so bash checks that both parts are complete.

import { spawnSync } from "node:child_process";

/** The commands before the last one, and the last one. */
export function splitLast(text: string): { before: string; last: string } {
  const lines = text.trimEnd().split("\n");
  for (let at = lines.length - 1; at > 0; at--) {
    const [before, last] = [lines.slice(0, at).join("\n"), lines.slice(at).join("\n")];
    if (isCommand(last) && isWhole(before)) return { before, last };
  }
  return { before: "", last: text };
}

/** Whether the text contains a command, not only blank lines and comments, and is complete by itself. */
function isCommand(text: string): boolean {
  return text.split("\n").some((line) => /^\s*[^#\s]/.test(line)) && isWhole(text);
}

/** Bash only warns of a here-document without an end, and ignores a backslash at the end. */
function isWhole(text: string): boolean {
  const { status, stderr } = spawnSync("bash", ["-n"], { input: `${text}\n`, encoding: "utf8" });
  return status === 0 && stderr === "" && !text.endsWith("\\");
}

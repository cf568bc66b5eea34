// Takes a block's last command apart from those before it, so that it can be asked again until its answer is there. Where a
// command ends only a shell knows, so bash is asked: both parts must be whole.

import { spawnSync } from "node:child_process";

/** The commands before the last one, and that. */
export function splitLast(text: string): { before: string; last: string } {
  const lines = text.trimEnd().split("\n");
  for (let at = lines.length - 1; at > 0; at--) {
    const [before, last] = [lines.slice(0, at).join("\n"), lines.slice(at).join("\n")];
    if (isCommand(last) && isWhole(before)) return { before, last };
  }
  return { before: "", last: text };
}

/** Whether there is more than blank lines and comments, and it is no part of something. */
function isCommand(text: string): boolean {
  return text.split("\n").some((line) => /^\s*[^#\s]/.test(line)) && isWhole(text);
}

/** Bash warns of a document that does not end, and takes a backslash at the end for nothing. */
function isWhole(text: string): boolean {
  const { status, stderr } = spawnSync("bash", ["-n"], { input: `${text}\n`, encoding: "utf8" });
  return status === 0 && stderr === "" && !text.endsWith("\\");
}

// The local runtime reports what the suites do to it on purpose: storage that is emptied under running objects, bodies that
// are cut off, bytes in headers. That frightens whoever reads a green run, and says nothing. Anything else it says is shown.

import { stripVTControlCharacters } from "node:util";

/** How the lines begin that are left out, and those that may follow them. */
const EXPECTED: readonly RegExp[] = [
  // Emptying all storage resets the objects.
  /^(uncaught exception; source = [^\n]*; )?exception = [^\n]*Application called deleteAllDurableObjects\(\)/,
  // A sender that goes away in the middle of a body, and a test that does not read an answer to its end.
  /^(uncaught exception; source = [^\n]*; )?exception = [^\n]*: disconnected: /,
  // Exports are read as text by tests, whatever their media type.
  /^console warning; message = Called \.text\(\) on an HTTP body which does not appear to be text\./,
  // Credentials that are not ASCII are refused, which has to be tried.
  /^A header value for "authorization" contains non-ASCII characters: /,
  /^Using secrets defined in process\.env/,
  /^Sourcemap for "[^"\n]*\/node_modules\/[^"\n]*" points to missing source files/,
];

/** Leaves the expected lines out of what this process writes. A piece that says anything beside them is written whole. */
export function muffle(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (...args: unknown[]) => isExpected(args[0]) || write(...args);
  }
}

/** Whether a piece of output consists of expected lines alone. */
export function isExpected(chunk: unknown): boolean {
  if (typeof chunk !== "string") return false;
  const text = stripVTControlCharacters(chunk).trim();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("stack: "));
  return lines.length > 0 && lines.every((line) => EXPECTED.some((one) => one.test(line)));
}

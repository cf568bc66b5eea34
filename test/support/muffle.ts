// The local runtime complains about things that the suites do on purpose: storage that is emptied under running
// objects, bodies that are cut off, bytes in headers. In a green run these lines only alarm the reader. All other lines
// are shown.

import { stripVTControlCharacters } from "node:util";

/** Beginnings of the lines that are left out, and of the lines that may follow them. */
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

/** Leaves the expected lines out of this process's output. A chunk that contains any other line is written whole. */
export function muffle(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (...args: unknown[]) => isExpected(args[0]) || write(...args);
  }
}

/** Whether a chunk of output consists only of expected lines. */
export function isExpected(chunk: unknown): boolean {
  if (typeof chunk !== "string") return false;
  const text = stripVTControlCharacters(chunk).trim();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("stack: "));
  return lines.length > 0 && lines.every((line) => EXPECTED.some((one) => one.test(line)));
}

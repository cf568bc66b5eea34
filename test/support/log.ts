// The log of the code under test. A warning or an error that a test does not expect makes it fail, because in a test that
// passes nobody would see it.

import { inspect } from "node:util";

const LEVELS = ["warn", "error"] as const;
type Level = (typeof LEVELS)[number];

/** The runtime's own functions, under which a test's spies do not lie. */
const real: Readonly<Record<Level, (...args: unknown[]) => void>> = {
  warn: console.warn.bind(console),
  error: console.error.bind(console),
};
let unexpected: string[] = [];
let expected: readonly RegExp[] = [];

/** Listens to warnings and errors until the test has ended. What they say is still shown where the test fails. */
export function watchLog(): void {
  unexpected = [];
  expected = [];
  for (const level of LEVELS)
    console[level] = (...args: unknown[]): void => {
      const text = args.map((one) => inspect(one)).join(" ");
      if (!expected.some((pattern) => pattern.test(text))) unexpected.push(`console.${level}: ${text}`);
      real[level](...args);
    };
}

/** Expects warnings and errors that match one of the patterns from here on in this test; without patterns all of them. */
export function expectLogs(...patterns: readonly RegExp[]): void {
  expected = patterns.length === 0 ? [/^/] : [...expected, ...patterns];
}

/** What was logged without being expected. */
export function takeUnexpected(): string[] {
  const taken = unexpected;
  unexpected = [];
  for (const level of LEVELS) console[level] = real[level];
  return taken;
}

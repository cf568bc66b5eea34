// The log of the code under test. An unexpected warning or error makes its test fail, because in the output of a
// passing test it would go unnoticed.

import { inspect } from "node:util";

const LEVELS = ["warn", "error"] as const;
type Level = (typeof LEVELS)[number];

/** The runtime's own functions, without a test's spies. */
const real: Readonly<Record<Level, (...args: unknown[]) => void>> = {
  warn: console.warn.bind(console),
  error: console.error.bind(console),
};
/**
 * Background work of requests: it fails with the database that a test breaks, or finds the storage emptied for the next
 * test. Requests note the use of their token once in five minutes, so which test meets this depends on the order. And a
 * call that an earlier test let hang for ever meets its deadline, half a minute later.
 */
const BACKGROUND =
  /a use was not noted|the pipes were not woken[\s\S]*no such table|a job failed[\s\S]*no answer within 30000 ms/;
let unexpected: string[] = [];
let expected: readonly RegExp[] = [];

/** Records warnings and errors until the test has ended. Vitest still shows them if the test fails. */
export function watchLog(): void {
  unexpected = [];
  expected = [];
  for (const level of LEVELS)
    console[level] = (...args: unknown[]): void => {
      const text = args.map((one) => inspect(one)).join(" ");
      if (!BACKGROUND.test(text) && !expected.some((pattern) => pattern.test(text)))
        unexpected.push(`console.${level}: ${text}`);
      real[level](...args);
    };
}

/** Declares warnings and errors that match one of the patterns as expected from here to the end of this test. */
export function expectLogs(...patterns: readonly [RegExp, ...RegExp[]]): void {
  expected = [...expected, ...patterns];
}

/** Returns the unexpected warnings and errors, and stops recording. */
export function takeUnexpected(): string[] {
  const taken = unexpected;
  unexpected = [];
  for (const level of LEVELS) console[level] = real[level];
  return taken;
}

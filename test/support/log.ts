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
let unexpected: string[] = [];
let expected = false;

/** Records warnings and errors until the test has ended. Vitest still shows them if the test fails. */
export function watchLog(): void {
  unexpected = [];
  expected = false;
  for (const level of LEVELS)
    console[level] = (...args: unknown[]): void => {
      if (!expected) unexpected.push(`console.${level}: ${args.map((one) => inspect(one)).join(" ")}`);
      real[level](...args);
    };
}

/** Declares that warnings and errors are expected from here to the end of this test. */
export function expectLogs(): void {
  expected = true;
}

/** Returns the unexpected warnings and errors, and stops recording. */
export function takeUnexpected(): string[] {
  const taken = unexpected;
  unexpected = [];
  for (const level of LEVELS) console[level] = real[level];
  return taken;
}

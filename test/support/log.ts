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
 * test. Requests note the use of their token once in five minutes, so which test meets this depends on the order.
 */
const BACKGROUND = /a use was not noted|the pipes were not woken[\s\S]*no such table/;
/** What the log says of a call that met its deadline of so many ms. */
const LATE = /no answer within (\d+) ms/;
/** A clock that fake timers do not stop. */
const now = Date.now.bind(Date);

/** When the present test began, ms. */
let begun = 0;
let unexpected: string[] = [];
let expected: readonly RegExp[] = [];

/** Records warnings and errors until the test has ended. Vitest still shows them if the test fails. */
export function watchLog(): void {
  begun = now();
  unexpected = [];
  expected = [];
  for (const level of LEVELS)
    console[level] = (...args: unknown[]): void => {
      const text = args.map((one) => inspect(one)).join(" ");
      if (!isOfEarlierTest(text) && !expected.some((pattern) => pattern.test(text)))
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

/**
 * Whether a warning comes from what an earlier test left behind: background work, or a call that it let hang for ever
 * and that meets its deadline only now.
 */
function isOfEarlierTest(text: string): boolean {
  const deadline = LATE.exec(text)?.[1];
  return BACKGROUND.test(text) || (deadline !== undefined && now() - begun < Number(deadline));
}

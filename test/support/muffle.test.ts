// The filter of the tests' output: the lines that it leaves out, and that it shows all others.

import { expect, it } from "vitest";
import { isExpected } from "./muffle.ts";

it.each([
  "Using secrets defined in process.env\n",
  "exception = workerd/api/unsafe.c++:229: failed: jsg.Error: Application called deleteAllDurableObjects().\nstack: a@1 b@2\n",
  "uncaught exception; source = Uncaught (in promise); exception = workerd/api/streams/internal.c++:532: disconnected: pump canceled\n",
  "console warning; message = Called .text() on an HTTP body which does not appear to be text. The body's\n",
])("leaves out lines that the suites provoke: %s", (chunk) => expect(isExpected(chunk)).toBe(true));

it.each([
  "exception = workerd/api/unsafe.c++:229: failed: jsg.Error: the storage is broken\n",
  "Using secrets defined in process.env\nFAIL test/a.test.ts\n",
  "AssertionError: expected 'Using secrets defined in process.env' to be 1\n",
  "uncaught exception; source = Uncaught; exception = TypeError: x is not a function\n",
  "stack: a@1\n",
  "\n",
])("shows everything else: %s", (chunk) => expect(isExpected(chunk)).toBe(false));

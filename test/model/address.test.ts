// Addresses in the one normalised form that all comparisons use.

import { expect, it } from "vitest";
import { normalizeAddress } from "../../src/model/address.ts";

it.each([
  ["  Ada@Example.COM ", "ada@example.com"],
  ["Ada <ada@example.com>", "ada@example.com"],
  ["ada+tag@example.com", "ada+tag@example.com"],
  ["ad\u0061\u0308@example.com", "ad\u00e4@example.com"],
  ["ada", null],
  ["@example.com", null],
  ["ada@", null],
  ["a da@example.com", null],
  ["a\0@example.com", null],
  [`${"a".repeat(400)}@example.com`, null],
])("normalises the address %j", (given, address) => expect(normalizeAddress(given)).toBe(address));

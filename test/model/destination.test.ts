// Which mailbox provider an address belongs to.

import { expect, it } from "vitest";
import { destinationOf } from "../../src/model/destination.ts";

it.each([
  ["a@gmail.com", "gmail"],
  ["a@hotmail.fr", "microsoft"],
  ["a@live.co.uk", "microsoft"],
  ["a@yahoo.co.jp", "yahoo"],
  ["a@icloud.com", "apple"],
  ["a@gmx.at", "gmx"],
  ["a@outlook.example.com", "other"],
  ["a@gmail.com.evil.test", "other"],
  ["a@constructor", "other"],
])("finds the mailbox provider of %s", (address, destination) =>
  expect(destinationOf(address)).toBe(destination),
);

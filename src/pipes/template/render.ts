// What a template makes of one event. It never fails: what an event does not have is null, and nothing within a text.

import { valueIn, type Expression } from "../filter/filter.ts";
import type { Template, TemplateNode } from "./template.ts";

/**
 * The most characters that expressions put into one body. A value beyond it is null: an expression may name the largest
 * field a thousand times, and no event needs that.
 */
const MOST_INSERTED = 256_000;

/** What is left of it. */
interface Budget {
  left: number;
}

/** The body as JSON. `event`: as filters see it. */
export function renderTemplate({ root }: Template, event: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(write(root, event, { left: MOST_INSERTED }));
}

function write(node: TemplateNode, event: Readonly<Record<string, unknown>>, budget: Budget): unknown {
  switch (node.is) {
    case "fixed":
      return node.value;
    case "list":
      return node.items.map((item) => write(item, event, budget));
    case "object":
      return Object.fromEntries(node.fields.map(([name, inner]) => [name, write(inner, event, budget)]));
    case "value":
      return jsonOf(valueIn(node.of, event), budget);
    case "text":
      return node.parts
        .map((part) => (typeof part === "string" ? part : textOf(part, event, budget)))
        .join("");
  }
}

function textOf(of: Expression, event: Readonly<Record<string, unknown>>, budget: Budget): string {
  const value = jsonOf(valueIn(of, event), budget);
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** A value of CEL as JSON has it: times in ISO 8601, durations in seconds, numbers beyond 2^53 as text. */
function jsonOf(value: unknown, budget: Budget): Json {
  budget.left -= typeof value === "string" ? value.length + 2 : 8;
  if (budget.left < 0) return null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.slice(0, budget.left).map((item) => jsonOf(item, budget));
  if (value instanceof Map) return objectOf([...(value as Map<unknown, unknown>)], budget);
  if (typeof value !== "object" || value === null) return null;
  if (Object.getPrototypeOf(value) === Object.prototype) return objectOf(Object.entries(value), budget);
  return "seconds" in value ? Number(value.seconds) : null;
}

function objectOf(
  entries: readonly (readonly [unknown, unknown])[],
  budget: Budget,
): { [name: string]: Json } {
  const taken = entries.slice(0, Math.max(0, budget.left)).map(([name, inner]) => {
    budget.left -= String(name).length + 4;
    return [String(name), jsonOf(inner, budget)] as const;
  });
  return Object.fromEntries(taken);
}

// The names that a filter knows: every field of an event as /v1/events shows it, and what we know beside. Built once; a
// null matches no test: equal to null alone, neither less nor more than anything, and no text stands in it. To compute with
// it is an error.

import { Environment } from "@marcbachmann/cel-js";
import { cappedCache } from "../../lib/capped-cache.ts";
import { destinationOf } from "../../model/destination.ts";
import {
  EVENT_FIELD_NAMES,
  eventField,
  type EventField,
  type EventFieldName,
} from "../../model/event-fields.ts";
import type { MessageStatus } from "../../store/events/message-status.ts";
import { HIDDEN } from "./reserved-words.ts";
import { compilePattern, matchesPattern, type Pattern } from "./linear-regex.ts";

/** What of an event's contact and message a filter asks for. */
export interface Needs {
  message: boolean;
  suppression: boolean;
}

/** What was looked up for an event, as far as the filter needs it. `since`: ms. */
export interface Lookups {
  message?: MessageStatus;
  suppression?: { reason: string; since: number } | null;
}

type Fields = Readonly<Record<string, unknown>>;

const TIME = "google.protobuf.Timestamp";
const TIME_OR_NULL = `dyn<${TIME}>`;
const STRING_OR_NULL = "dyn<string>";
const INT_OR_NULL = "dyn<int>";
const BOOL_OR_NULL = "dyn<bool>";
const OBJECT = "map<string, dyn>";

const RECORDS: Record<string, Record<string, string>> = {
  Smtp: { code: INT_OR_NULL, enhanced: STRING_OR_NULL, response: STRING_OR_NULL },
  Message: { sent_at: TIME_OR_NULL, delivered_at: TIME_OR_NULL, status: "string" },
  Suppression: { reason: STRING_OR_NULL, since: TIME_OR_NULL },
};

const string = (value: unknown): string | null => (typeof value === "string" ? value : null);
const boolean = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null);
const int = (value: unknown): bigint | null => (Number.isSafeInteger(value) ? BigInt(Number(value)) : null);
const object = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};

/** A time as the API writes it, or in ms. */
function time(value: unknown): Date | null {
  const ms = typeof value === "string" ? Date.parse(value) : typeof value === "number" ? value : NaN;
  return Number.isNaN(ms) ? null : new Date(ms);
}

/** JSON for CEL. Maps, because a sender's own object may have a field that is named "constructor". */
function json(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(json);
  if (typeof value !== "object" || value === null) return value;
  return new Map(Object.entries(value).map(([key, inner]) => [key, json(inner)]));
}

interface Variable {
  type: string;
  value(event: Fields, facts: Lookups): unknown;
}

/** How a filter knows what a field holds: its type, the same or null, and its value. */
const HELD: Record<EventField["holds"], { type: string; orNull: string; read: (value: unknown) => unknown }> =
  {
    text: { type: "string", orNull: STRING_OR_NULL, read: string },
    whole: { type: "int", orNull: INT_OR_NULL, read: int },
    time: { type: TIME, orNull: TIME_OR_NULL, read: time },
    flag: { type: "bool", orNull: BOOL_OR_NULL, read: boolean },
    texts: {
      type: "list<string>",
      orNull: "list<string>",
      read: (value) => (Array.isArray(value) ? value.map(String) : []),
    },
    object: { type: OBJECT, orNull: OBJECT, read: (value) => json(object(value)) },
    smtp: {
      type: "Smtp",
      orNull: "Smtp",
      read: (value) => {
        const { code, enhanced, response } = object(value);
        return { code: int(code), enhanced: string(enhanced), response: string(response) };
      },
    },
  };

/** System events (`contact.suppressed`, ...) have few of the fields: the others are null or, where they never are, empty. */
function variableOf(name: EventFieldName): [string, Variable] {
  const { holds, always } = eventField(name);
  const { type, orNull, read } = HELD[holds];
  if (always !== true) return [name, { type: orNull, value: (event) => read(event[name]) }];
  const missing = holds === "text" ? "" : null;
  return [name, { type, value: (event) => read(event[name]) ?? missing }];
}

export const VARIABLES: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  ...EVENT_FIELD_NAMES.map(variableOf),
  ["data", { type: OBJECT, value: ({ data }) => json(object(data)) }],
  ["destination", { type: "string", value: ({ contact }) => destination(contact) }],
  ["human", { type: "bool", value: isHuman }],
  ["message", { type: "Message", value: (_, { message }) => messageOf(message) }],
  ["suppressed", { type: "bool", value: (_, { suppression }) => suppression !== null }],
  [
    "suppression",
    {
      type: "Suppression",
      value: (_, { suppression }) => ({
        reason: suppression?.reason ?? null,
        since: time(suppression?.since),
      }),
    },
  ],
]);

function destination(contact: unknown): string {
  return typeof contact === "string" ? destinationOf(contact) : "";
}

/** Whether it may be counted as a person's doing: all but opens and clicks that a machine is known to have made. */
function isHuman({ type, machine }: Fields): boolean {
  return machine !== true || (type !== "opened" && type !== "clicked");
}

function messageOf(facts: MessageStatus | undefined): Fields {
  return {
    sent_at: time(facts?.sent_at),
    delivered_at: time(facts?.delivered_at),
    status: facts?.status ?? "unknown",
  };
}

/** Structural limits of the parser; what the work of a filter may be is counted in bounds.ts. */
const LIMITS = { maxAstNodes: 2_000, maxDepth: 50, maxListElements: 1_000, maxMapEntries: 100 };

const patterns = cappedCache<Pattern | null>(1_000);

function matches(text: string, source: string): boolean {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    const compiled = compilePattern(source);
    pattern = compiled.ok ? compiled.value : null;
    patterns.set(source, pattern);
  }
  return pattern !== null && matchesPattern(pattern, text);
}

let built: Environment | null = null;

/** The environment of all filters; made when the first is compiled, not when an isolate starts. */
export function environment(): Environment {
  built ??= build();
  return built;
}

function build(): Environment {
  const env = new Environment({ limits: LIMITS });
  for (const [name, fields] of Object.entries(RECORDS)) env.registerType(name, { fields });
  for (const [name, { type }] of VARIABLES) env.registerVariable(name === "type" ? HIDDEN.type : name, type);
  env.registerFunction(`string.${HIDDEN.matches}(string): bool`, matches, { async: false });
  const never = () => false;
  for (const method of ["startsWith", "endsWith", "contains", HIDDEN.matches])
    env.registerFunction(`null.${method}(string): bool`, never, { async: false });
  for (const op of ["<", "<=", ">", ">="]) {
    env.registerOperator(`null ${op} null: bool`, never);
    for (const type of ["int", "double", "string", TIME, "google.protobuf.Duration"]) {
      env.registerOperator(`null ${op} ${type}: bool`, never);
      env.registerOperator(`${type} ${op} null: bool`, never);
    }
  }
  for (const type of [STRING_OR_NULL, BOOL_OR_NULL, INT_OR_NULL, TIME_OR_NULL])
    env.registerOperator(`null == ${type}: bool`, (a: unknown, b: unknown) => a === b);
  // A record is there for the type checker's sake, also where the event has none.
  const isEmpty = (record: Map<string, unknown>, fields: string[]) =>
    fields.every((name) => record.get(name) === null);
  for (const name of ["Smtp", "Suppression"]) {
    const fields = Object.keys(RECORDS[name] ?? {});
    env.registerOperator(`${name} == null: bool`, (record: Map<string, unknown>) => isEmpty(record, fields));
  }
  return env;
}

// The fixtures under test/fixtures/<provider>/, read into deliveries and expectations. A case is `<case>.expected.json`
// and, where the request has one, its body beside it, byte for byte: `<case>.json`, `.form` or `.txt`. `verify.json`
// holds requests that must be accepted or refused. A provider's fixtures are all that its contract test needs.

/// <reference types="vite/types/importMeta.d.ts" />

import { NO_DETAILS } from "../../src/model/event-fields.ts";
import type { EventDetails, ParsedEvent } from "../../src/model/event.ts";
import { providers, type Delivery, type Handshake, type InboundRequest } from "../../src/providers/index.ts";

const FILES = import.meta.glob<string>("../fixtures/**/*", { query: "?raw", import: "default", eager: true });
const BASE = "https://tidings.test";
const RECEIVED_AT = "2026-01-01T00:00:00.000Z";
const EXTENSIONS = ["json", "form", "txt"];

interface RequestFile {
  method?: string;
  /** The path and query; without it `/webhooks/<provider>`. */
  url?: string;
  headers?: Record<string, string>;
  settings?: Record<string, unknown>;
  receivedAt?: string;
}

/** An event without its identity; what is left out is null, or its default. Times are ISO 8601. */
type ExpectedEvent = Partial<EventDetails> &
  Pick<ParsedEvent, "type" | "contact"> & { message_id?: string; occurred_at?: string; element?: number };

interface ExpectedFile {
  request?: RequestFile;
  events: ExpectedEvent[];
  /** How many, or their reasons. */
  rejects: number | string[];
  pings: number;
  /** Whether the elements may come in another array and stay the same reports (by default, where the body is JSON). */
  regroups?: boolean;
  /** What the provider shows as the elements, where that is not plain from the body. */
  elements?: unknown[];
  /** Whether all events of the case tell one and the same report. */
  one_report?: boolean;
}

export interface Case {
  name: string;
  delivery: Delivery;
  body: string;
  json: boolean;
  expected: ExpectedFile;
  /** Whole but for their identity, which is left empty. */
  events: ParsedEvent[];
}

export interface VerifyFile {
  /** Whether the provider takes shared secrets: then it has to pass the table of malformed ones. */
  shared_secret: boolean;
  requests: VerifyCase[];
}

export interface VerifyCase extends RequestFile {
  name: string;
  body?: string;
  credentials: string[];
  accepted: boolean;
  /** What the log is told of a refused one. */
  reason?: string;
  /** The time at which it is verified. */
  now?: string;
  /** Whether it is signed with a key that is everybody's (a test): any credentials will do, so long as there are some. */
  known_key?: boolean;
  /** Whether the signature covers the body. */
  signed?: boolean;
  /** Whether it covers a time that has to be near: the seconds that it may be off, or true for five minutes. */
  timed?: boolean | number;
  /** Headers without which, and with garbage in which, the request is refused; by default all but content-type. */
  needs?: string[];
  /** Whether the body itself holds the signature, so that neither headers nor the query are needed. */
  in_body?: boolean;
  /** Where the signature covers no bytes but fields of a JSON body: their names. */
  signed_fields?: string[];
  /** Whether it has to be decided before anything is fetched. */
  offline?: boolean;
  /** What the provider wants answered to it; by default it is an ordinary delivery. */
  handshake?: Handshake;
  /** What the provider's own URLs answer (certificates): URL -> text. Any other URL is unreachable. */
  responses?: Record<string, string>;
}

export function casesOf(provider: string): Case[] {
  const ending = ".expected.json";
  const folder = `../fixtures/${provider}/`;
  return Object.keys(FILES)
    .filter((path) => path.startsWith(folder) && path.endsWith(ending))
    .map((path) => readCase(provider, path.slice(folder.length, -ending.length)));
}

/** One provider that lacks its file fails by itself, and the others are tested all the same. */
const NO_REQUESTS = '{ "shared_secret": false, "requests": [] }';

export function verifyCasesOf(provider: string): VerifyFile {
  const file: VerifyFile = JSON.parse(FILES[`../fixtures/${provider}/verify.json`] ?? NO_REQUESTS);
  return file;
}

function readCase(provider: string, name: string): Case {
  const path = `../fixtures/${provider}/${name}`;
  const expected: ExpectedFile = JSON.parse(FILES[`${path}.expected.json`] ?? "null");
  const extension = EXTENSIONS.find((ending) => `${path}.${ending}` in FILES);
  const body = FILES[`${path}.${extension}`] ?? "";
  const delivery = deliveryOf(provider, expected.request ?? {}, body);
  const events = expected.events.map((event, index) => fillIn(event, index, delivery.receivedAt));
  return {
    name,
    delivery: travelled(provider, delivery),
    body,
    json: extension === "json",
    expected,
    events,
  };
}

/** As it comes out of the envelope: with the headers that the provider names, and no others. */
function travelled(provider: string, delivery: Delivery): Delivery {
  const names = providers[provider]?.headers ?? [];
  const headers = new Headers([...delivery.headers].filter(([name]) => names.includes(name)));
  return { ...delivery, headers };
}

function deliveryOf(provider: string, request: RequestFile, body: string): Delivery {
  return {
    method: request.method ?? "POST",
    url: BASE + (request.url ?? `/webhooks/${provider}`),
    headers: new Headers(request.headers),
    body: new TextEncoder().encode(body),
    receivedAt: Date.parse(request.receivedAt ?? RECEIVED_AT),
    settings: request.settings ?? {},
  };
}

function fillIn(event: ExpectedEvent, element: number, receivedAt: number): ParsedEvent {
  const occurred_at = event.occurred_at === undefined ? receivedAt : Date.parse(event.occurred_at);
  return { ...NO_DETAILS, message_id: null, element, ...event, occurred_at, identity: [] };
}

/** The request of a verify case. Its `url` is a query or path that follows `/webhooks/<provider>`. */
export function requestOf(provider: string, request: VerifyCase): InboundRequest {
  const url = `/webhooks/${provider}${request.url ?? ""}`;
  const { method, headers, body } = deliveryOf(provider, { ...request, url }, request.body ?? "{}");
  return { method, url: BASE + url, headers, body };
}

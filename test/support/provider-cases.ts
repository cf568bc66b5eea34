// The fixtures under test/fixtures/<provider>/, read into deliveries and expectations. A case is `<case>.expected.json`
// and, if the request has a body, that body in a file beside it, byte for byte: `<case>.json`, `.form` or `.txt`.
// `verify.json` contains requests that must be accepted or refused. A provider's fixtures are all that its contract
// test needs.

/// <reference types="vite/types/importMeta.d.ts" />

import { NO_DETAILS } from "../../src/model/event-fields.ts";
import type { EventDetails, ParsedEvent } from "../../src/model/event.ts";
import { providers, type Delivery, type Handshake, type InboundRequest } from "../../src/providers/index.ts";

const FILES = import.meta.glob<string>("../fixtures/**/*", { query: "?raw", import: "default", eager: true });
const BASE = "https://tidings.test";
// Later than all times in the fixtures: a time that is a day ahead of receipt would be estimated.
const RECEIVED_AT = "2026-12-01T00:00:00.000Z";
const EXTENSIONS = ["json", "form", "txt"];

interface RequestFile {
  method?: string;
  /** The path and query; without it `/webhooks/<provider>`. */
  url?: string;
  headers?: Record<string, string>;
  settings?: Record<string, unknown>;
  receivedAt?: string;
}

/** An event without its identity; omitted fields are null or have their default. Times are ISO 8601. */
type ExpectedEvent = Partial<EventDetails> &
  Pick<ParsedEvent, "type" | "contact"> & { message_id?: string; occurred_at?: string; element?: number };

interface ExpectedFile {
  request?: RequestFile;
  events: ExpectedEvent[];
  /** The number of rejects, or their reasons. */
  rejects: number | string[];
  pings: number;
  /** Whether the elements stay the same reports in another array (by default, if the body is JSON). */
  regroups?: boolean;
  /** The elements that the provider returns, if they do not follow directly from the body. */
  elements?: unknown[];
  /** Whether all events of the case are the same report. */
  one_report?: boolean;
  /** The list that each element is about, null for all mail; checked only if it is given. */
  scopes?: (string | null)[];
}

/** A case of a provider, ready for its parser. */
export interface Case {
  name: string;
  delivery: Delivery;
  body: string;
  json: boolean;
  expected: ExpectedFile;
  /** Complete events, except that their identity is empty. */
  events: ParsedEvent[];
}

/** The contents of `verify.json`. */
export interface VerifyFile {
  /** Whether the provider accepts shared secrets; it must then refuse the table of malformed ones. */
  shared_secret: boolean;
  requests: VerifyCase[];
}

/** A request that must be accepted or refused. */
export interface VerifyCase extends RequestFile {
  name: string;
  body?: string;
  credentials: string[];
  accepted: boolean;
  /** The reason that is logged for a refused request. */
  reason?: string;
  /** The time of verification. */
  now?: string;
  /**
   * Whether it is signed with a publicly known key (a test): any credentials are accepted, as long as there are some.
   */
  known_key?: boolean;
  /** Whether the signature covers the body. */
  signed?: boolean;
  /** Whether the signature covers a time that must be near now: the allowed seconds, or true for five minutes. */
  timed?: boolean | number;
  /** Headers that must be present and whole, or the request is refused; by default all but content-type. */
  needs?: string[];
  /** Whether the body itself contains the signature, so that neither headers nor the query are needed. */
  in_body?: boolean;
  /** Names of the signed fields, if the signature covers fields of a JSON body instead of its bytes. */
  signed_fields?: string[];
  /** Whether the result must be known without any fetch. */
  offline?: boolean;
  /** The expected handshake; by default the request is an ordinary delivery. */
  handshake?: Handshake;
  /** Answers of the provider's own URLs (certificates): URL -> text. Any other URL is unreachable. */
  responses?: Record<string, string>;
}

/** All cases of a provider. */
export function casesOf(provider: string): Case[] {
  const ending = ".expected.json";
  const folder = `../fixtures/${provider}/`;
  return Object.keys(FILES)
    .filter((path) => path.startsWith(folder) && path.endsWith(ending))
    .map((path) => readCase(provider, path.slice(folder.length, -ending.length)));
}

/** A provider without its file fails alone, and the others are still tested. */
const NO_REQUESTS = '{ "shared_secret": false, "requests": [] }';

/** The provider's `verify.json`; without requests if the provider has none. */
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

/** A delivery as the envelope returns it: only with the headers that the provider asks for. */
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
  const estimated = event.occurred_at === undefined;
  return { ...NO_DETAILS, message_id: null, element, estimated, ...event, occurred_at, identity: [] };
}

/** The request of a verify case. Its `url` is a query or path that follows `/webhooks/<provider>`. */
export function requestOf(provider: string, request: VerifyCase): InboundRequest {
  const url = `/webhooks/${provider}${request.url ?? ""}`;
  const { method, headers, body } = deliveryOf(provider, { ...request, url }, request.body ?? "{}");
  return { method, url: BASE + url, headers, body };
}

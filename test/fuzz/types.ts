// The types of the fuzz: a request, which may violate any standard, its outcome, and a finding.

/** One request as it is sent. Each character of its texts stands for a byte (Latin-1), so that any byte can be sent. */
export interface FuzzRequest {
  /** The maker of the request, for the table of a run. */
  kind: string;
  method: string;
  /** The part of the request line after the method. */
  target: string;
  version: string;
  headers: [name: string, value: string][];
  body: Buffer;
  /** How the body's end is marked: by its length, by chunks of this many bytes, or only by the headers above. */
  framing: "length" | "none" | { chunk: number; trailers: [name: string, value: string][] };
  /** Sent by a bare socket, or by fetch, which resembles real senders' libraries. */
  via: "socket" | "fetch";
  /** Sent in this many pieces with a pause (ms) between; null: at once. */
  drip: { pieces: number; pause: number } | null;
  /** After this share of its bytes (0 to 1) the sender stops and performs this action. */
  cut: { share: number; end: "half-close" | "destroy" } | null;
  /** Whether the sender leaves at the first byte of the answer. */
  leaves: boolean;
  /** Signed as this provider signs, with the time of sending. */
  sign: "lettermint" | null;
  /** Whether the request is proper and complete, so that an answer must come. */
  whole: boolean;
  /** The only right statuses; null if every status is right except an error of our own. */
  expect: readonly number[] | null;
  /** Further requests on the same connection, sent without waiting for the answer. */
  pipeline: FuzzRequest[];
}

/** An HTTP answer. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Buffer;
}

/** The outcome of a request. */
export interface Outcome {
  answers: Answer[];
  /** Why the received bytes are not an HTTP answer. */
  malformed: string | null;
  /** Whether the sender timed out although it could expect an answer. */
  silent: boolean;
  /** How long it took from the first byte to the last answer, ms. */
  took: number;
}

/** A violated rule. */
export interface Finding {
  /** The problem, in words. */
  what: string;
  /** The requests that caused it, as far as is known. */
  requests: readonly FuzzRequest[];
}

const PLAIN: FuzzRequest = {
  kind: "plain",
  method: "GET",
  target: "/",
  version: "HTTP/1.1",
  headers: [],
  body: Buffer.alloc(0),
  framing: "none",
  via: "socket",
  drip: null,
  cut: null,
  leaves: false,
  sign: null,
  whole: true,
  expect: null,
  pipeline: [],
};

/**
 * A proper GET without a body, changed by the given fields. A body is sent with its length unless a field says
 * otherwise.
 */
export function request(fields: Partial<FuzzRequest>): FuzzRequest {
  const framing = fields.body === undefined ? "none" : "length";
  return { ...PLAIN, framing, ...fields };
}

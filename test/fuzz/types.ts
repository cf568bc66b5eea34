// The words of the fuzz: a request that need not be one by any standard, what came back, and what is wrong with that.

/** One request as it goes out. Texts stand for bytes, a character each (Latin-1), so that any byte can be sent. */
export interface FuzzRequest {
  /** Which maker drew it; for the table of a run. */
  kind: string;
  method: string;
  /** What stands behind the method on the request line. */
  target: string;
  version: string;
  headers: [name: string, value: string][];
  body: Buffer;
  /** How the body's end is told: its length, chunks of so many bytes, or by nothing but the headers above. */
  framing: "length" | "none" | { chunk: number; trailers: [name: string, value: string][] };
  /** By a bare socket, or by fetch, which real senders' libraries resemble. */
  via: "socket" | "fetch";
  /** Sent in so many pieces with a pause (ms) between; null for at once. */
  drip: { pieces: number; pause: number } | null;
  /** After this share of its bytes (0 to 1) the sender stops and does what is said. */
  cut: { share: number; end: "half-close" | "destroy" } | null;
  /** Goes away at the first byte of the answer. */
  leaves: boolean;
  /** Signed as this provider signs, with the time of sending. */
  sign: "lettermint" | null;
  /** Whether it is a proper request to the end, so that an answer must come. */
  whole: boolean;
  /** The only statuses that are right; null for whatever is not an error of ours. */
  expect: readonly number[] | null;
  /** Further requests on the same connection, sent without waiting for the answer. */
  pipeline: FuzzRequest[];
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Buffer;
}

/** What came of a request. */
export interface Outcome {
  answers: Answer[];
  /** Why the bytes that came are no HTTP answer. */
  malformed: string | null;
  /** Whether the sender lost patience while it could expect an answer. */
  silent: boolean;
}

/** Something that must not be. */
export interface Finding {
  /** What is wrong, in words. */
  what: string;
  /** Those that caused it, as far as that is known. */
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

/** A whole GET without a body, but for what is said. A body brings its length with it unless told otherwise. */
export function request(fields: Partial<FuzzRequest>): FuzzRequest {
  const framing = fields.body === undefined ? "none" : "length";
  return { ...PLAIN, framing, ...fields };
}

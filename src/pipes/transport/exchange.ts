// What goes over the wire in an attempt: requests, answers, and the record of both. Only shapes; http.ts does the work.

/** A request and its answer as `test` shows them. */
export interface Exchange {
  request: { method: string; url: string; headers: Record<string, string>; body: string };
  response: { status: number; headers: Record<string, string>; body: string } | null;
  /** Why there is no answer; null if there is one. */
  error: string | null;
  /** ms */
  took: number;
}

/** A request to a destination. */
export interface PipeRequest {
  method: "POST" | "PUT" | "PATCH" | "GET";
  url: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** The URL as it is recorded, if it is a secret itself. */
  shownUrl?: string;
  /** The body as it is recorded, if its bytes mean nothing to people. */
  shown?: string;
  /** Secrets of the request beside the headers that always are. They are masked wherever they stand in the record. */
  secrets?: readonly string[];
  /** Whether a successful answer holds a new secret, such as an access token. If so, its text is not recorded. */
  secretAnswer?: boolean;
}

/** An answer, read to its bounded end. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** Resolves with the answer, or rejects with a NoAnswer. */
export type PipeFetch = (request: PipeRequest) => Promise<Answer>;

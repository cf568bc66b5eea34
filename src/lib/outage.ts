// Two kinds of failure need two different answers. An outage is a service that did not answer or failed (the database,
// the bucket, a queue, another object, a deadline). It passes, so the caller may try again. Everything else that is
// thrown is a bug, and repeating it changes nothing. Only the code that makes the call can distinguish the two, so that
// code tags the error, and the code that catches it later checks `isOutage` instead of guessing.

/** An error with the name of the service that failed: a plain property, because errors keep these across RPC. */
type Outage = Error & { outage: string };

/**
 * Tags an error as an outage of `service` ("the database") and returns it. Its class, message and stack do not change.
 */
export function outageOf(service: string, cause: unknown): Outage {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  return Object.assign(error, { outage: service });
}

/** Whether the code that made the failing call tagged the error as an outage. */
export function isOutage(error: unknown): error is Outage {
  return error instanceof Error && "outage" in error && typeof error.outage === "string";
}

/** Names of errors that only code throws, never a service. */
const CODE_ERRORS = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError", "DataCloneError"]);

/**
 * Whether only the caller's code can have caused an error: a wrong type, a missing method, a value that cannot be
 * cloned.
 */
export function isCodeError(error: unknown): boolean {
  return error instanceof Error && CODE_ERRORS.has(error.name);
}

/** Longest error text in a log or a row, in UTF-16 units. */
const LONGEST = 300;

/**
 * An address, plain or escaped for a URL. Tried from a word's beginning only: from each of its letters it would take
 * the square of its length.
 */
const ADDRESS = /(?<![^\s"'<>(),;:])[^\s"'<>(),;:]+(?:@|%40)[^\s"'<>(),;:]+/gi;
/** A URL up to its path, then its query or fragment, which may contain tokens. */
const QUERY = /(https?:\/\/[^\s?#"']*)[?#][^\s"']*/gi;

/**
 * Describes an error for the log: its text without addresses and without the queries of URLs. For a bug it adds the
 * frames of the stack, which the uploaded source maps turn back into lines of our source. It omits the text of a
 * SyntaxError, because that quotes the input.
 */
export function describeError(error: unknown): { error: string; stack?: string } {
  const text = textOf(error)
    .slice(0, 4 * LONGEST)
    .replaceAll(QUERY, "$1")
    .replaceAll(ADDRESS, "(address)");
  const described = { error: text.slice(0, LONGEST) };
  return isOutage(error) || !(error instanceof Error) ? described : { ...described, stack: framesOf(error) };
}

/**
 * Describes an error that was thrown while untrusted input was read, for the log: its name and stack frames without its
 * text, which may quote the input.
 */
export function describeUnquoted(error: unknown): { error: string; stack?: string } {
  return error instanceof Error ? { error: error.name, stack: framesOf(error) } : { error: typeof error };
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "SyntaxError") return error.name;
  return isOutage(error) ? `${error.outage}: ${String(error)}` : String(error);
}

const MOST_FRAMES = 20;

/** The stack's frames without the error's text, which comes first and may have several lines that look like frames. */
function framesOf({ message, stack = "" }: Error): string {
  const text = stack.indexOf(message);
  const behind = text < 0 ? stack : stack.slice(text + message.length);
  const frames = behind.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.slice(0, MOST_FRAMES).join("\n");
}

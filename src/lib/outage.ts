// Two kinds of failure want two answers. An outage is a service that did not answer or could not (the database, the
// bucket, a queue, another object, a deadline): it passes, so whoever asked may come again. Everything else that is thrown
// is a bug, and repeating it changes nothing. Only the code that makes the call can tell the two apart, so that code tags
// the error, and what catches it later asks `isOutage` and guesses nothing.

/** An error with the name of the service that failed. A plain property, because errors keep those across RPC. */
type Outage = Error & { outage: string };

/** Tags an error as an outage of `service` ("the database") and returns it; its class, words and stack stay as they are. */
export function outageOf(service: string, cause: unknown): Outage {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  return Object.assign(error, { outage: service });
}

/** Whether the error was tagged as an outage where it arose. */
export function isOutage(error: unknown): error is Outage {
  return error instanceof Error && "outage" in error && typeof error.outage === "string";
}

/** Names of errors that code makes, and no service. */
const CODE_ERRORS = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError", "DataCloneError"]);

/** Whether an error can only be the caller's own: a value of the wrong type, a missing method, what cannot be cloned. */
export function isCodeError(error: unknown): boolean {
  return error instanceof Error && CODE_ERRORS.has(error.name);
}

/** Longest text of an error in a log or a row, in UTF-16 units. */
const LONGEST = 300;

/** An address, as it is or escaped for a URL; and what follows the path of a URL, where tokens may stand. */
const ADDRESS = /[^\s"'<>(),;:]+(?:@|%40)[^\s"'<>(),;:]+/gi;
const QUERY = /(https?:\/\/[^\s?#"']*)[?#][^\s"']*/gi;

/**
 * An error for the log: its text without addresses and queries of URLs and, where it is a bug, the frames of its stack,
 * which the uploaded source maps turn back into our lines. The text of a SyntaxError is left out: it quotes what was read.
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
 * An error that arose while something untrusted was read, for the log: its kind and where it arose, without its text, which
 * may quote what was read.
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

/** The stack without the error's text before it, which may have several lines and look like frames itself. */
function framesOf({ message, stack = "" }: Error): string {
  const text = stack.indexOf(message);
  const behind = text < 0 ? stack : stack.slice(text + message.length);
  const frames = behind.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.slice(0, MOST_FRAMES).join("\n");
}

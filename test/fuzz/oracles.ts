// Rules for every answer, whatever the request.

import { ROOT } from "../../src/cli/wrangler.ts";
import { SECRET_WORD } from "./settings.ts";
import type { Answer, FuzzRequest, Outcome } from "./types.ts";

/** The texts of the Worker's refusals: no other text may be sent. */
const REFUSALS: readonly RegExp[] = [
  /^There is no such source\.\n$/,
  /^Post the events to this URL\.\n$/,
  /^The body is over the limit\.\n$/,
  /^This address may not post here\.\n$/,
  /^The credentials are missing or wrong\.\n$/,
  /^Post the body as it is, or gzipped with content-encoding: gzip\.\n$/,
  /^There were too many wrong credentials from this address; try again in a minute\.\n$/,
];

/** Answers of the HTTP server in front of the Worker to malformed HTTP, which never reaches the Worker. */
const NO_HTTP =
  /^(?:invalid (?:URI|HTTP [a-z]+ parsed|[a-z-]+ parsed)|Bad Request|URI too long|Unsupported Media Type|ERROR: [\x20-\x7e\s]{1,300})$/;
const NO_HTTP_STATUSES: ReadonlySet<number> = new Set([400, 405, 411, 413, 414, 415, 431, 501, 505]);

const BROKEN_OFF =
  /^(?:Error: Network connection lost\.|TypeError: Fetch API cannot load: \S+)\n\s+at (?:async )?Object\.fetch \(file:.*\bminiflare\b/;

/** The Worker's answer to a request whose body arrived incomplete. */
const AGAIN = "Nothing could be stored just now; please send it again.";
/** How long the Worker waits for a body, ms (src/ingest/receive.ts). On a busy machine a sender takes longer. */
const BODY_DEADLINE = 15_000;

const BASE64_WORD = Buffer.from(`fuzz:${SECRET_WORD}`).toString("base64").slice(0, 18);
const STACK = /\n\s+at .+(?::\d+:\d+|\(native\))|\.ts:\d+:\d+|node_modules|file:\/\/\/(?!etc\/passwd)/;

/** Why the outcome is wrong; null if it is right. */
export function wrongWith(request: FuzzRequest, outcome: Outcome): string | null {
  if (outcome.malformed !== null) return `no HTTP answer: ${outcome.malformed}`;
  if (outcome.silent) return "no answer came";
  if (outcome.took >= BODY_DEADLINE && outcome.answers.every(isRetryLater)) return null;
  const all = [request, ...request.pipeline];
  for (const [index, answer] of outcome.answers.entries()) {
    const wrong = wrongAnswer({ ...request, method: (all[index] ?? request).method }, answer);
    if (wrong !== null) return wrong;
  }
  const [first] = outcome.answers;
  if (
    first !== undefined &&
    request.whole &&
    request.expect !== null &&
    !request.expect.includes(first.status) &&
    !(first.status === 429 && request.expect.includes(401)) // guesses are limited
  )
    return `answered ${first.status}, not ${request.expect.join(" or ")}: ${shown(first)}`;
  return null;
}

/** Whether the Worker asks the sender to come again. */
function isRetryLater({ status, headers, body }: Answer): boolean {
  return status === 503 && headers.has("retry-after") && body.toString("utf8").startsWith(AGAIN);
}

function wrongAnswer(request: FuzzRequest, answer: Answer): string | null {
  const { status, headers } = answer;
  const text = answer.body.toString("utf8");
  if (!request.whole && isFromLocalServer(answer)) return null;
  if (!request.whole && isRetryLater(answer)) return null;
  const all = `${[...headers].flat().join("\n")}\n${text}`;
  if (leaks(all)) return `the answer shows a secret, a path or a stack trace: ${shown(answer)}`;
  if (status >= 500) return `answered ${status}: ${shown(answer)}`;
  const type = headers.get("content-type") ?? "";
  if (/[/+]json\b/.test(type) && request.method !== "HEAD" && !isJson(text))
    return `its JSON cannot be read: ${shown(answer)}`;
  if (request.method === "HEAD" || status < 400) return null;
  if (status === 401 && !headers.has("www-authenticate")) return "401 without WWW-Authenticate";
  if (status === 405 && !headers.has("allow")) return "405 without Allow";
  if (type.startsWith("application/problem+json"))
    return isProblem(text, status) ? null : `no problem details: ${shown(answer)}`;
  return REFUSALS.some((refusal) => refusal.test(text))
    ? null
    : `an answer that no code of ours gives: ${shown(answer)}`;
}

/**
 * Whether the answer is from the local HTTP server in front of the Worker, which answers malformed HTTP and requests
 * that broke off.
 */
export function isFromLocalServer({ status, body }: Answer): boolean {
  const text = body.toString("utf8", 0, 1000);
  return (NO_HTTP_STATUSES.has(status) && NO_HTTP.test(text)) || (status === 500 && BROKEN_OFF.test(text));
}

/** Whether a text leaks internals: one of our secrets, a path of the code, or a stack. */
export function leaks(text: string): boolean {
  return text.includes(SECRET_WORD) || text.includes(BASE64_WORD) || text.includes(ROOT) || STACK.test(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isProblem(text: string, status: number): boolean {
  const problem: unknown = isJson(text) ? JSON.parse(text) : null;
  if (typeof problem !== "object" || problem === null) return false;
  const { type, title, detail, status: told } = problem as Record<string, unknown>;
  return type === "about:blank" && typeof title === "string" && typeof detail === "string" && told === status;
}

function shown({ body, headers }: Answer): string {
  return `${headers.get("content-type")} ${JSON.stringify(body.toString("utf8", 0, 300))}`;
}

// The answers to providers' requests. They reveal little; the reason of a refusal is in the log alone.

import type { Source } from "../config/config.ts";

const ANSWERS = {
  notFound: [404, "There is no such source."],
  method: [405, "Post the events to this URL."],
  tooLarge: [413, "The body is over the limit."],
  encoding: [415, "Post the body as it is, or gzipped with content-encoding: gzip."],
  address: [403, "This address may not post here."],
  credentials: [401, "The credentials are missing or wrong."],
  guessing: [429, "There were too many wrong credentials from this address; try again in a minute."],
  unavailable: [503, "Nothing could be stored just now; please send it again."],
} as const;

/** Seconds after which a sender may come back when nothing could be stored. */
const RETRY_AFTER = "30";

/** The answer to a request that is not accepted. */
export function answer(what: keyof typeof ANSWERS, headers: Record<string, string> = {}): Response {
  const [status, text] = ANSWERS[what];
  return new Response(`${text}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

/** Refuses a request, and logs why. */
export function refused(
  what: "tooLarge" | "encoding" | "address" | "credentials" | "guessing",
  source: Source,
  reason: string,
  headers: Record<string, string> = {},
): Response {
  console.warn({ message: "a request was refused", source: source.name, what, reason });
  return answer(what, headers);
}

/** The answer if the sender should send its request again soon; the reason is logged. */
export function unavailable(source: Source, reason: string): Response {
  console.warn({ message: "a request could not be served", source: source.name, reason });
  return answer("unavailable", { "retry-after": RETRY_AFTER });
}

/** The answer to a probe of the URL. */
export function probed(source: Source): Response {
  return new Response(`Tidings listens here for ${source.name}. Post the events to this URL.\n`);
}

/** The answer to a provider that asks by OPTIONS whether it may post here; `headers` say so in its own way. */
export function consented(source: Source, headers: Record<string, string>): Response {
  console.log({ message: "a provider asked whether it may post", source: source.name });
  return new Response(null, { headers: { allow: "POST", ...headers } });
}

/** The answer to a test that everybody can post, because its key is public: nothing of it is kept. */
export function tested(source: Source): Response {
  console.log({ message: "a provider tested its URL", source: source.name });
  return new Response(`tested ${source.name}\n`);
}

// Access tokens of Salesforce by the OAuth 2.0 client credentials flow, against My Domain. They are kept between attempts.
// https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm

import { sha256Hex } from "../../lib/sha256.ts";
import { outcomeOf } from "../transport/http.ts";
import { codeOf, objectOf, parsedJson, textOf } from "../../lib/json.ts";
import type { Attempt, Outcome } from "./kind.ts";

interface Credentials {
  instance_url: string;
  client_id: string;
  client_secret: string;
}

/** ms; Salesforce does not tell when a token ends. Where the organisation's sessions are shorter, a 401 says so. */
const LIFE = 30 * 60_000;

/** ms to wait where too many logins were made; an hour's are counted. */
const UNTIL_LOGINS = 10 * 60_000;

/** A token, kept or new, or why there is none. Rejects with a NoAnswer where nobody answers. */
export async function salesforceToken(credentials: Credentials, attempt: Attempt): Promise<string | Outcome> {
  const key = keyOf(credentials);
  const kept = attempt.kept.get(key);
  if (kept !== undefined && kept.until > attempt.now && typeof kept.value === "string") return kept.value;
  const { instance_url, client_id, client_secret } = credentials;
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
  const body = form.toString();
  const answer = await attempt.fetch({
    method: "POST",
    url: `${instance_url}/services/oauth2/token`,
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body,
    // As it is, and as the form spells it.
    secrets: [client_secret, new URLSearchParams({ "": client_secret }).toString().slice(1)],
    secretAnswer: true,
  });
  const { access_token, error, error_description } = objectOf(parsedJson(answer.text));
  const outcome = outcomeOf(answer, attempt.now);
  const token = textOf(access_token);
  if (outcome.result === "delivered") {
    if (token === null || !/^[\x21-\x7e]+$/.test(token)) {
      return { ...outcome, result: "unavailable", reason: "answered without an access token" };
    }
    attempt.kept.set(key, { value: token, until: attempt.now + LIFE });
    return token;
  }
  const code = codeOf(error);
  const reason = `no access token: answered ${answer.status}${code === null ? "" : ` ${code}`}`;
  if (textOf(error_description)?.includes("rate exceeded") === true) {
    return { ...outcome, result: "slow_down", reason, retryAfter: outcome.retryAfter ?? UNTIL_LOGINS };
  }
  // A 400 here is about the credentials, never about an event.
  return { ...outcome, reason, result: outcome.result === "refused" ? "denied" : outcome.result };
}

/** Forgets a token that is not taken any more; one that somebody got in the meantime stays. */
export function dropToken(credentials: Credentials, token: string, { kept }: Attempt): void {
  const key = keyOf(credentials);
  if (kept.get(key)?.value === token) kept.delete(key);
}

function keyOf({ instance_url, client_id, client_secret }: Credentials): string {
  return `salesforce:${sha256Hex(JSON.stringify([instance_url, client_id, client_secret]))}`;
}

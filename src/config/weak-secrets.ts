// Credentials that are mistakes although they are well-formed: such as everybody may know, and such as can be guessed.

import type { Provider } from "../providers/index.ts";
import { isEmpty } from "../providers/kit/credentials.ts";
import type { Report } from "./report.ts";

/**
 * NIST SP 800-63B (section 5.1.1.2) demands eight characters of a password. Two more, because nobody is asked for a new one
 * here. Guesses are limited to sixty a minute.
 */
const SHORTEST = 10;

/**
 * The credentials that may open a source. What is public, and pairs without a password, never do. Short secrets still
 * do: a source that stopped with an upgrade would lose reports, and the problem at /healthz says that it is time for a
 * new one.
 */
export function usableCredentials(
  setting: string,
  provider: Provider,
  credentials: readonly string[],
  report: Report,
): string[] {
  return credentials.filter((credential, index) => {
    const path = credentials.length === 1 ? setting : `${setting}.${index}`;
    if (isEmpty(credential)) {
      report(path, "has no password, so it opens nothing");
      return false;
    }
    if (provider.canProve?.(credential) === false) {
      report(path, "is public or contains what is public (a key, a topic), so it opens nothing as a secret");
      return false;
    }
    if (secretOf(credential).length < SHORTEST)
      report(path, `can be guessed: make the password or token at least ${SHORTEST} characters long`);
    return true;
  });
}

/** The part of a credential that is to be guessed. */
function secretOf(credential: string): string {
  if (credential.startsWith("hmac:")) return credential.slice("hmac:".length);
  return credential.slice(credential.indexOf(":") + 1);
}

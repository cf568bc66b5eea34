// How requests are proved, in two steps, so that little is done for strangers. Shared secrets are in the URL and the
// headers, so they are compared before the first byte of the body is read. A signature covers the body, which is read
// only if the headers contain what the signature needs.

import { fail } from "../../lib/result.ts";
import type { InboundRequest, Provider, RequestHead, VerifyContext, VerifyResult } from "../provider.ts";
import { isEmpty, verifySharedSecret } from "./credentials.ts";

type Proof = Pick<Provider, "verify" | "verifyHead" | "canProve">;
type HeadContext = Pick<VerifyContext, "now" | "settings">;

/** For providers that do not sign: `check` decides by URL and headers alone. */
export function provenByHead(
  check: (
    head: RequestHead,
    credentials: readonly string[],
    settings: Record<string, unknown>,
  ) => VerifyResult,
): Proof {
  return {
    verify: async (request, credentials, { settings }) => check(request, credentials, settings),
    verifyHead: (head, credentials, { settings }) => check(head, credentials, settings),
  };
}

/** What a credential is: a key (or the name of one) that signatures are checked with, a shared secret, or neither. */
export type Credential = { key: string } | { secret: string } | "unusable";

/** How a provider signs, and how its credentials are told apart. */
export interface Signing {
  kindOf: (credential: string) => Credential;
  /** Why no body could be proved by this key, if URL and headers show it already; else null. */
  lacking?: (head: RequestHead, key: string, context: HeadContext) => string | null;
  /** Checks the signature of the whole request. Must refuse by itself whatever `lacking` refuses. */
  verifyKey: (request: InboundRequest, key: string, context: VerifyContext) => Promise<VerifyResult>;
  /** Checks shared secrets; by default {@link verifySharedSecret}. */
  verifySecrets?: (
    head: RequestHead,
    secrets: readonly string[],
    settings: Record<string, unknown>,
  ) => VerifyResult;
}

/**
 * For providers that sign, but whose users may present a shared secret instead. A source that has only keys never
 * accepts an unsigned request. Empty credentials, which unset variables produce, prove nothing. A refusal gives all
 * distinct reasons.
 */
export function provenBySignature({
  kindOf,
  lacking,
  verifyKey,
  verifySecrets = verifySharedSecret,
}: Signing): Proof {
  return {
    canProve: (credential) => kindOf(credential) !== "unusable",

    async verify(request, credentials, context) {
      const { keys, secrets } = sort(credentials, kindOf);
      const reasons = new Set<string>();
      for (const key of keys) {
        const result = await verifyKey(request, key, context);
        if (result.ok) return result;
        reasons.add(result.reason);
      }
      if (secrets.length > 0 || keys.length === 0) {
        const result = verifySecrets(request, secrets, context.settings);
        if (result.ok) return result;
        reasons.add(result.reason);
      }
      return fail([...reasons].join("; "));
    },

    verifyHead(head, credentials, context) {
      const { keys, secrets } = sort(credentials, kindOf);
      const shared =
        secrets.length > 0 || keys.length === 0 ? verifySecrets(head, secrets, context.settings) : null;
      if (shared?.ok === true) return shared;
      const reasons = new Set<string>();
      for (const key of keys) {
        const reason = lacking?.(head, key, context) ?? null;
        if (reason === null) return null;
        reasons.add(reason);
      }
      if (shared !== null) reasons.add(shared.reason);
      const reason = [...reasons].join("; ");
      // A header that is missing is no guess at a key.
      return shared === null || shared.isBare === true ? { ok: false, reason, isBare: true } : fail(reason);
    },
  };
}

function sort(credentials: readonly string[], kindOf: Signing["kindOf"]) {
  const keys: string[] = [];
  const secrets: string[] = [];
  for (const credential of credentials) {
    const kind = isEmpty(credential) ? "unusable" : kindOf(credential);
    if (kind === "unusable") continue;
    if ("key" in kind) keys.push(kind.key);
    else secrets.push(kind.secret);
  }
  return { keys, secrets };
}

/**
 * Tells credentials apart by the colon: `user:password` is a shared secret (even as a token it needs the colon), any
 * other credential, or the part after `hmac:`, is a signing key.
 */
export function keyUnlessPair(credential: string): Credential {
  const key = credential.replace(/^hmac:/, "").trim();
  return key === credential.trim() && key.includes(":") ? { secret: credential } : { key };
}

/**
 * For `longestSigned` of providers that post one event per request and publish no figure: an event with the longest
 * metadata and reply that any of them allows has a tenth of this.
 */
export const LONGEST_SINGLE = 1_000_000;

/** The longest test post that is accepted under a key that everybody knows, in bytes: ten times the real ones. */
export const LONGEST_TEST = 4_096;

/** For `lacking`: refuses requests without this header. */
export function needsHeader(name: string): NonNullable<Signing["lacking"]> {
  return ({ headers }) => ((headers.get(name) ?? "") === "" ? "the signature header is missing" : null);
}

// Asks a source's provider whether a request proves its origin.

import type { Source } from "../config/config.ts";
import type { InboundRequest, RequestHead, VerifyResult } from "../providers/index.ts";

/** A result, and whether a certificate could not be fetched, which proves nothing against the sender. */
export type Verified = VerifyResult & { stumbled?: boolean };

/** The refusal of a source that accepts nothing. */
export const CLOSED: VerifyResult & { ok: false } = {
  ok: false,
  reason: "the source is closed: it has no credentials, or its configuration is wrong",
  isBare: true,
};

/** What URL and headers prove; null if the body decides. */
export function verifyHead(
  head: RequestHead,
  { provider, credentials, settings }: Source,
): VerifyResult | null {
  if (provider === null || credentials.length === 0) return CLOSED;
  return provider.verifyHead?.(head, credentials, { now: Date.now(), settings }) ?? null;
}

/** Verifies the whole request. */
export async function verify(request: InboundRequest, source: Source): Promise<Verified> {
  if (source.provider === null) return CLOSED;
  let stumbled = false;
  const watched: typeof fetch = async (input, init) => {
    try {
      const response = await fetch(input, init);
      stumbled ||= response.status >= 500;
      return response;
    } catch (error) {
      stumbled = true;
      throw error;
    }
  };
  const context = { now: Date.now(), fetch: watched, settings: source.settings };
  const result = await source.provider.verify(request, source.credentials, context);
  return { ...result, stumbled };
}

/**
 * Which of the source's credentials proved a request that was accepted, for people who replace one. The answer waits for
 * it, so that a source with one credential costs nothing, and one with two a single comparison more. Of several that
 * prove it, the first counts. `byHead`: what {@link verifyHead} found.
 */
export async function provingCredential(
  request: InboundRequest,
  source: Source,
  byHead: VerifyResult | null,
): Promise<string> {
  const last = source.credentials.at(-1) ?? "";
  for (const credential of source.credentials.slice(0, -1)) {
    const alone = { ...source, credentials: [credential] };
    const result = byHead === null ? await verify(request, alone) : verifyHead(request, alone);
    if (result?.ok === true) return credential;
  }
  return last;
}

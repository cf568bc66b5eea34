// The scopes of API tokens. A wider scope includes the narrower ones.

/** All scopes, from the narrowest to the widest. */
export const TOKEN_SCOPES = ["read", "write", "admin"] as const;

/**
 * read: read stored data; write: change suppressions and dead letters; admin: tokens, erasure, renormalising history.
 */
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Whether these scopes include the scope `needed`. */
export function allows(scopes: readonly TokenScope[], needed: TokenScope): boolean {
  return scopes.some((scope) => TOKEN_SCOPES.indexOf(scope) >= TOKEN_SCOPES.indexOf(needed));
}

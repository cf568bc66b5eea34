// What the holder of a token may do. A wider scope holds the narrower ones.

export const TOKEN_SCOPES = ["read", "write", "admin"] as const;

/** read: see what is stored; write: change suppressions and dead letters; admin: tokens, erasure, history anew. */
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Whether these scopes let their holder do what needs `needed`. */
export function allows(scopes: readonly TokenScope[], needed: TokenScope): boolean {
  return scopes.some((scope) => TOKEN_SCOPES.indexOf(scope) >= TOKEN_SCOPES.indexOf(needed));
}

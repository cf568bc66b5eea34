// What the holder of a token may do. A wider scope holds the narrower ones.

export const SCOPES = ["read", "write", "admin"] as const;

/** read: see what is stored; write: change suppressions and dead letters; admin: tokens, erasure, history anew. */
export type Scope = (typeof SCOPES)[number];

/** Whether these scopes let their holder do what needs `needed`. */
export function allows(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.some((scope) => SCOPES.indexOf(scope) >= SCOPES.indexOf(needed));
}

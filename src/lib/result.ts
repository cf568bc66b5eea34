// The result of code that must not throw: a value, or the reason why there is none.

/** A value, or a reason to tell failures apart by. */
export type Result<T, E = string> = { ok: true; value: T } | { ok: false; reason: E };

/** A success with its value. */
export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });
/** A failure with its reason. */
export const fail = <E>(reason: E): { ok: false; reason: E } => ({ ok: false, reason });

// The order in which the states of contacts are stored, for those who keep a copy (src/store/suppressions/changes.ts).

/**
 * SQL for the number of a change: ms since the epoch by the database's own clock, but later than all changes before. It is
 * one number for all contacts of a statement: they appear together.
 */
export const CHANGED = `(SELECT max(CAST(unixepoch('subsec') * 1000 AS INTEGER), 1 + k.changed,
  1 + coalesce((SELECT max(changed) FROM contacts), 0)) FROM change_clock AS k)`;

// Messages from a process of the simulation to the command: lines of its output that begin with a mark, followed by
// JSON.

/** The beginning of these lines. */
export const MARK = "@simulation ";

/** The contents of a line. */
export interface Line {
  /** A seed that kept every promise, and how many steps its history took. */
  clean?: number;
  steps?: number;
  /** A seed that broke a promise, and the first violation. */
  failed?: number;
  violation?: string | undefined;
  /** The history in words. */
  told?: string;
}

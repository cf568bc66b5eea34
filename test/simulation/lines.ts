// What a process of the simulation tells the command: lines of its output that begin with a mark, then JSON.

export const MARK = "@simulation ";

export interface Line {
  /** A seed that kept every promise, and how many steps its history took. */
  clean?: number;
  steps?: number;
  /** A seed that did not, and the first thing that was wrong. */
  failed?: number;
  violation?: string | undefined;
  /** The history in words. */
  told?: string;
}

// A mutant breaks a promise on purpose, by a small change of the source. The simulation must find a history that
// exposes it. The change is applied while the source is loaded, never to a file.

/** A defect: in the file, `to` replaces `from`. */
export interface Mutant {
  /** The defect, in words. */
  name: string;
  /** Below src/. */
  file: string;
  /** Text that the file contains exactly once. */
  from: string;
  to: string;
}

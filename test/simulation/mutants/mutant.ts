// What a mutant is: a promise broken on purpose, by a small change of the source under which the simulation has to find a
// history that shows it. It is applied while the source is loaded, never to a file.

export interface Mutant {
  name: string;
  /** Below src/. */
  file: string;
  /** Stands in the file exactly once. */
  from: string;
  to: string;
}

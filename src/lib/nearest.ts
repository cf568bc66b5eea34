// Finds the word that a misspelt one was probably meant to be.

/** Letters that may differ. */
const MOST = 2;

/** The nearest of the words, if it differs by at most two letters and not by half of them; else null. */
export function nearestOf(word: string, words: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.min(MOST, Math.floor((word.length - 1) / 2)) + 1;
  for (const candidate of words) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const differing = distance(word.toLowerCase(), candidate.toLowerCase());
    if (differing < least) [best, least] = [candidate, differing];
  }
  return best;
}

/**
 * How many letters must be added, left out, replaced or swapped with their neighbour (optimal string alignment,
 * https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance).
 */
function distance(a: string, b: string): number {
  let [before, above]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const ways = [(above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1)];
      row.push(Math.min(...ways, swapped ? (before[j - 2] ?? 0) + 1 : Infinity));
    }
    [before, above] = [above, row];
  }
  return above[b.length] ?? 0;
}

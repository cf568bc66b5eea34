// A cache for pure functions of short texts. Senders use few words and field names and repeat them in every event, so
// the meaning of each word is computed once.

import { cappedCache } from "./capped-cache.ts";

const LONGEST = 64; // UTF-16 units; longer texts are not repeated words, so they are not cached

/**
 * Returns `compute` with a cache of up to `most` answers. A full cache is emptied. `compute` must be pure.
 * Answers for longer texts than 64 UTF-16 units are not cached.
 */
export function memoize<T>(compute: (word: string) => T, most = 1_000): (word: string) => T {
  const known = cappedCache<T>(most);
  return (word) => {
    const before = known.get(word);
    if (before !== undefined) return before;
    const answer = compute(word);
    if (word.length > LONGEST) return answer;
    known.set(word, answer);
    return answer;
  };
}

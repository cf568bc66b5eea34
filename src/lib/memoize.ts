// Senders use few words and few field names, and use them in every event, so what a word means is worked out once.

const LONGEST = 64; // UTF-16 units; longer texts are nobody's word

/** `compute`, which must be pure, with up to `most` of its answers remembered; then it begins anew. */
export function memoize<T>(compute: (word: string) => T, most = 1_000): (word: string) => T {
  const known = new Map<string, T>();
  return (word) => {
    const before = known.get(word);
    if (before !== undefined) return before;
    const answer = compute(word);
    if (word.length > LONGEST) return answer;
    if (known.size >= most) known.clear();
    known.set(word, answer);
    return answer;
  };
}

// How much of a provider's field an event keeps. Filters of pipes compute their cost from the same figures.

/**
 * The longest texts, in UTF-16 units, by kind of content. `metadata`: the length of its JSON; `tags`: how many tags.
 */
export const LONGEST = { id: 512, short: 256, words: 1024, url: 2048, metadata: 8192, tags: 32 } as const;

// Words of strangers in Markdown, so that they stay words: no markup, no links behind other texts, and above all no
// mention that rings everybody's phone.

/** What begins markup in the Markdown of Discord, Mattermost or Rocket.Chat. */
const MARKUP = /[\\`*_~|[\]<>]/g;
/** A mention: an @ at a word's beginning, or before a name that means everybody. */
const MENTION = /(?<![\w.+*-])@|@(?=all\b|channel\b|everyone\b|here\b)/gi;
/** Stands between an @ and a name, and is not seen. */
const ZERO_WIDTH_SPACE = "\u200B";

/** The text as Markdown that shows it as it is; at most twice as long. */
export function plainMarkdown(text: string): string {
  return text.replaceAll(MARKUP, "\\$&").replaceAll(MENTION, `@${ZERO_WIDTH_SPACE}`);
}

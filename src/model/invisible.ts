// Removes characters that nobody sees: soft hyphens, zero-width spaces and joiners, byte order marks, marks of direction.
// They come along when people copy an address, and they never tell two mailboxes apart.

/** Most texts have none of them, and this test costs next to nothing. */
const UNUSUAL = /[^\0-\u00ac]/;

/**
 * Format characters (Cf) and those that Unicode says are ignored where they cannot be shown
 * (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point).
 */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu;

/** The two joiners, which some scripts need within a word. */
const JOINERS = /[\u200c\u200d]+/g;
const INVISIBLE_BUT_JOINERS = /(?![\u200c\u200d])[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

const ANY_INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** Whether the text has an invisible character. */
export function hasInvisible(text: string): boolean {
  return UNUSUAL.test(text) && ANY_INVISIBLE.test(text);
}

/** The text without invisible characters. */
export function withoutInvisible(text: string): string {
  return UNUSUAL.test(text) ? text.replaceAll(INVISIBLE, "") : text;
}

/** The text without invisible characters other than joiners. */
export function withJoinersOnly(text: string): string {
  return UNUSUAL.test(text) ? text.replaceAll(INVISIBLE_BUT_JOINERS, "") : text;
}

/** The text without joiners. */
export const withoutJoiners = (text: string): string => text.replaceAll(JOINERS, "");

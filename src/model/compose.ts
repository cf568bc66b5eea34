// Unicode's composed form in linear time. Composing puts combining marks into a fixed order, which takes the square of
// the length of a run of them, so a few hundred kilobytes of marks would take minutes. No writing has long runs, and
// Unicode itself defines where to cut them.

/** Characters behind U+02FF, of which 31 in a row are rare: a test that costs next to nothing for most texts. */
const SUSPICIOUS = /[^\0-\u02ff]{31}/;
/** More combining marks in a row than the Stream-Safe Text Format allows (https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format). */
const LONG_RUN = /\p{M}{31}/u;
const MOST_MARKS = /\p{M}{30}(?=\p{M})/gu;
/** COMBINING GRAPHEME JOINER, which that format puts into long runs. Marks do not change places across it. */
const JOINER = "\u034f";

/** Whether the text has more than 30 combining marks in a row. */
export function hasLongRun(text: string): boolean {
  return text.length > 30 && SUSPICIOUS.test(text) && LONG_RUN.test(text);
}

/** The text in composed form (NFC). Runs of more than 30 combining marks are cut by a joiner. */
export function compose(text: string): string {
  const safe = hasLongRun(text) ? text.replaceAll(MOST_MARKS, `$&${JOINER}`) : text;
  return safe.normalize("NFC");
}

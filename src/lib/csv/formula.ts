// Texts that a spreadsheet would take for a formula. Senders and recipients write much of what is exported, and a formula
// can send the other cells of a sheet away (https://owasp.org/www-community/attacks/CSV_Injection). So an apostrophe
// stands before such a text in CSV, and reading the CSV takes exactly that apostrophe away again.

/**
 * How a formula begins: one of = + - @, also in their wide forms, or a tab or a line break. Spaces and quotes may stand
 * before it, because spreadsheets trim the ones and CSV readers strip the others. A text of apostrophes before a formula
 * counts as one, so that every guarded text differs from every unguarded one.
 */
const FORMULA =
  /^[\s"'\u201c\u201d\u2018\u2019`]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]|^'*[\t\r\n]/;

/** The text with an apostrophe before it if a spreadsheet might take it for a formula. */
export function guarded(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** The text that {@link guarded} made this one of. */
export function unguarded(text: string): string {
  return text.startsWith("'") && FORMULA.test(text.slice(1)) ? text.slice(1) : text;
}

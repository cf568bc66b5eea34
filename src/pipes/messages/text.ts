// Words of strangers on their way into a message that people read: on one line, of bounded length, and with masked
// addresses. What servers say often names one.

/** How a message shows addresses. */
export type Addresses = "masked" | "full";

/** How many characters of a text are read. */
const MOST_READ = 4000;

/** The text on one line, at most so many characters of it. `contact`: the address that it is probably about. */
export function tidy(
  text: string,
  { most, addresses, contact }: { most: number; addresses: Addresses; contact: string | null },
): string {
  const begun = beginningOf(text).toWellFormed();
  const shown = addresses === "masked" ? maskAll(begun, contact) : begun;
  return cut(shown.replaceAll(/[\s\p{Cc}]+/gu, " ").trim(), most);
}

/** As much as is looked through for addresses, and more than is shown; a word that is cut off may be one. */
function beginningOf(text: string): string {
  return text.length <= MOST_READ
    ? text
    : `${text.slice(0, MOST_READ).replace(/(?<![^\s<>,:;])[^\s<>,:;]+$/, "")}…`;
}

/** a***@example.com: enough to recognise an address, not enough to write to it. */
export function mask(address: string): string {
  const place = address.lastIndexOf("@");
  return place < 1 ? "***" : `${String.fromCodePoint(address.codePointAt(0) ?? 0)}***${address.slice(place)}`;
}

/** Tried from a word's beginning only: from each of its letters it would take the square of its length. */
const ADDRESS = /(?<![^\s<>,:;])[^\s<>,:;]+@[^\s<>,:;]+/g;

function maskAll(text: string, contact: string | null): string {
  const known = contact === null ? text : text.replaceAll(contact, mask(contact));
  return known.replaceAll(ADDRESS, mask);
}

/** At most so many characters (code points), the last one an ellipsis if there were more. */
export function cut(text: string, most: number): string {
  const all = Array.from(text.slice(0, 4 * most));
  return all.length > most ? `${all.slice(0, most - 1).join("")}…` : text;
}

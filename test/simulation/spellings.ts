// People write their own addresses in several ways, and ESPs report what they were given. So a report names its contact
// in one of several spellings, which the reference takes for one person.

import type { Report } from "../../src/demo/traffic/types.ts";

/** A domain that has two forms. */
export const INTERNATIONAL = { key: "xn--bcher-kva.example", unicode: "b\u00fccher.example" } as const;

const inUnicode = (address: string): string => address.replace(INTERNATIONAL.key, INTERNATIONAL.unicode);

/** How ESPs write an address. */
const SPELLINGS: readonly ((address: string) => string)[] = [
  (address) => address,
  (address) => address,
  inUnicode,
  (address) => inUnicode(address).toUpperCase(),
  (address) => `${address.slice(0, 1)}\u200b${inUnicode(address).slice(1)}`,
  (address) => `${address}.`,
  (address) => `mailto:${inUnicode(address)}`,
  (address) => `<${address}>`,
];

/** The report with another spelling of its contact: always the same, because an ESP repeats what it sent. */
export function respelled(report: Report): Report {
  const { mail, at } = report;
  const spelling = SPELLINGS[(at / 1000 + mail.id.length) % SPELLINGS.length] ?? inUnicode;
  return { ...report, mail: { ...mail, contact: spelling(mail.contact) } };
}

/** A text in lower case and without escapes of ASCII, with all spellings of addresses in it replaced by their keys. */
export function withKeys(plain: string): string {
  return plain.replaceAll("\u200b", "").replaceAll(INTERNATIONAL.unicode, INTERNATIONAL.key);
}

/** The two characters of the spellings that are not ASCII, as URLs and forms encode them. */
export function withoutPercents(text: string): string {
  return text
    .replaceAll(/%(?:25)*e2%(?:25)*80%(?:25)*8b/gi, "\u200b")
    .replaceAll(/%(?:25)*c3%(?:25)*bc/gi, "\u00fc")
    .replaceAll(/%(?:25)*c3%(?:25)*9c/gi, "\u00dc");
}

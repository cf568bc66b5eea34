// Whose report an element is that nobody could read. Its neighbours' elements must outlive an erasure, and its own
// contact's must not, so something has to be concluded from its text alone.

import { ERASED_ADDRESS, mentions } from "../model/address-search.ts";
import { addressesIn } from "../model/addresses-in.ts";
import { normalizeAddress } from "../model/address.ts";
import { holdsMore } from "../providers/kit/form.ts";
import { isObject, readJsonText } from "../providers/kit/json.ts";
import { plainName } from "../providers/kit/loose-fields.ts";
import { NAMES } from "../providers/kit/usual/names.ts";

/** Enough addresses to find another one. */
const MOST_ADDRESSES = 200;
/** A value that is an address alone, or with the name of its owner. */
const IS_ADDRESS = /^\s*[^\s<>]+\s*$|>\s*$/;
/** More values than any single report has. */
const MOST_VALUES = 10_000;

/** The names of fields that usually contain the recipient, as plain names. `destination` is what SES calls it. */
const RECIPIENTS: ReadonlySet<string> = new Set<string>([...NAMES.contact, "destination", "rcpt", "raddr"]);

/** Whether the text of an unread element, which mentions the contact, is a report about somebody else, too. */
export function isOthersReport(text: string, contact: string): boolean {
  return othersIn(text, contact).length > 0;
}

/**
 * The other contacts that the text of an unread element is about. The fields that usually contain the recipient decide.
 * If it has none, it is about the contact alone when the address is a whole value in it; else about all whom it names.
 */
export function othersIn(text: string, contact: string): string[] {
  const values = valuesOf(text);
  const recipients = values.filter(({ name }) => RECIPIENTS.has(name)).map(({ address }) => address);
  const isOther = (address: string): boolean => address !== contact && address !== ERASED_ADDRESS;
  if (recipients.length > 0) return recipients.filter(isOther);
  if (values.some(({ address }) => address === contact)) return [];
  const others: string[] = [];
  let looked = 0;
  for (const address of addressesIn(text)) {
    if ((looked += 1) > MOST_ADDRESSES) break;
    if (isOther(address) && !mentions(address, contact) && normalizeAddress(address) !== null)
      others.push(address);
  }
  return others;
}

/** The values of a JSON text or a form that are addresses, with the plain names of their fields. */
function valuesOf(text: string): { name: string; address: string }[] {
  const json = readJsonText(text, JSON.parse);
  const open: { name: string; value: unknown }[] = json.ok
    ? [{ name: "", value: json.value }]
    : fieldsOf(text).map(([name, value]) => ({ name: plainName(name), value }));
  const found: { name: string; address: string }[] = [];
  for (let at = 0; at < open.length && at < MOST_VALUES; at++) {
    const { name, value } = open[at] ?? { name: "", value: null };
    const address = typeof value === "string" && IS_ADDRESS.test(value) ? normalizeAddress(value) : null;
    if (address !== null) found.push({ name, address });
    else if (Array.isArray(value)) for (const one of value) open.push({ name, value: one });
    else if (isObject(value))
      for (const [key, one] of Object.entries(value)) open.push({ name: plainName(key), value: one });
  }
  return found;
}

/** The fields of a form; none if it has more than any report does. */
function fieldsOf(text: string): [string, string][] {
  return holdsMore(text, MOST_VALUES) ? [] : [...new URLSearchParams(text)];
}

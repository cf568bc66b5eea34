// What an erasure leaves of dead letters. Reports of others stay, and can be replayed: they are stored nowhere else.

import { settingsOf, type Config } from "../config/config.ts";
import type { Envelope } from "../model/envelope.ts";
import { mentions } from "../model/address-search.ts";
import { deadLetterOf, getDeadEnvelope, MOST_RAW, type NamingDeadLetter } from "../store/dead-letters.ts";
import { replaced } from "./cuts.ts";
import { redact } from "./redact.ts";
import { isOthersReport } from "./whose.ts";

/** The text that remains of a dead letter without the contact; null if nothing remains. */
export async function remainderOf(
  bucket: R2Bucket,
  letter: NamingDeadLetter,
  contact: string,
  config: Config,
): Promise<string | null> {
  const raw = plainTextOf(letter);
  const end = cutOff(raw, contact);
  if (!mentions(raw, contact) && end === 0) return letter.raw;
  const envelope = await getDeadEnvelope(bucket, letter.envelope);
  if (envelope !== null && (letter.element === null || raw === textOf(envelope))) {
    const settings = settingsOf(config, envelope.source);
    const left = redact(envelope, contact, settings)?.envelope ?? envelope;
    return left.body.length === 0 ? null : textOf(left);
  }
  if (!isOthersReport(raw, contact)) return null;
  const left = replaced(raw.slice(0, raw.length - end), contact);
  return mentions(left, contact) ? null : left.slice(0, MOST_RAW);
}

/** The raw text of a letter. That of a whole delivery may be base64, see src/store/dead-letters.ts. */
function plainTextOf({ element, raw }: NamingDeadLetter): string {
  const isBase64 = element === null && raw.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(raw);
  return isBase64 ? new TextDecoder().decode(Buffer.from(raw, "base64")) : raw;
}

/** How many letters at the end of a raw text that was cut may be the beginning of the address. */
function cutOff(raw: string, contact: string): number {
  if (raw.length < MOST_RAW) return 0;
  const end = raw.slice(-contact.length).toLowerCase();
  for (let length = contact.length - 1; length >= 4; length--)
    if (end.endsWith(contact.slice(0, length))) return length;
  return 0;
}

/** The text of a dead letter that contains the whole delivery. */
function textOf(envelope: Envelope): string {
  return deadLetterOf(envelope, null, "", new TextDecoder().decode(envelope.body)).raw;
}

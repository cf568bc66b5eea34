// Dead letters that are a whole delivery: given up, or of a provider whose parser failed. They may hold the reports of
// others, which are stored nowhere else, so what is left of such a letter stays to be replayed.

import { settingsOf, type Config } from "../config/config.ts";
import { bodyToJson, type Envelope } from "../model/envelope.ts";
import { getDeadEnvelope, deadLetterOf, type NamingDeadLetter } from "../store/dead-letters.ts";
import { redact } from "./redact.ts";

/** The text that is left of a dead letter without the contact; null where nothing is, or where it was one element. */
export async function remainderOf(
  bucket: R2Bucket,
  letter: NamingDeadLetter,
  contact: string,
  config: Config,
): Promise<string | null> {
  const envelope = await getDeadEnvelope(bucket, letter.envelope);
  if (envelope === null || (letter.element !== null && letter.raw !== textOf(envelope))) return null;
  const settings = settingsOf(config, envelope.source);
  const left = redact(envelope, contact, settings)?.envelope ?? envelope;
  return left.body.length === 0 ? null : textOf(left);
}

/** As a letter of the whole delivery shows it. */
function textOf(envelope: Envelope): string {
  const body = bodyToJson(envelope.body);
  return deadLetterOf(envelope, null, "", "text" in body ? body.text : body.base64).raw;
}

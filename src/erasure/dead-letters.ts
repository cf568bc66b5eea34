// Dead letters that contain a whole delivery, because it was given up or its provider's parser failed. Such a letter
// may contain reports about other contacts that are stored nowhere else, so the remainder stays and can be replayed.

import { settingsOf, type Config } from "../config/config.ts";
import { bodyToJson, type Envelope } from "../model/envelope.ts";
import { getDeadEnvelope, deadLetterOf, type NamingDeadLetter } from "../store/dead-letters.ts";
import { redact } from "./redact.ts";

/** The text that remains of a dead letter without the contact; null if nothing remains, or if it was one element. */
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

/** The text of a dead letter that contains the whole delivery. */
function textOf(envelope: Envelope): string {
  const body = bodyToJson(envelope.body);
  return deadLetterOf(envelope, null, "", "text" in body ? body.text : body.base64).raw;
}

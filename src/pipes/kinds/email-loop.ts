// What keeps pipes of kind `email` from mailing about their own mails for ever: a mail to ops@ bounces, which is an
// event, which is a mail to ops@. So no event about an address that any such pipe writes to is mailed. That holds
// whatever the provider calls the mail, and also where two pipes write to two addresses.

import { objectOf } from "../../lib/json.ts";
import { MINUTE } from "../../lib/time.ts";
import { storeOf } from "../../store/db.ts";
import { listPipes } from "../../store/pipes/pipes.ts";
import type { Attempt, Outgoing } from "./kind.ts";

/** The header of our mails. Providers that report headers report it among the metadata. */
export const ALERT_HEADER = "X-Tidings-Alert";

const KEY = "recipients of email pipes";

/** Every address that a pipe of kind `email` writes to, normalised; up to a minute old. */
export async function ownRecipients({ env, kept, now }: Attempt): Promise<ReadonlySet<string>> {
  const known = kept.get(KEY);
  if (known !== undefined && known.until > now) return known.value as ReadonlySet<string>;
  const pipes = (await listPipes(storeOf(env))).filter(({ kind }) => kind === "email");
  const value = new Set(pipes.flatMap(({ settings: { to } }) => (Array.isArray(to) ? to.map(String) : [])));
  kept.set(KEY, { value, until: now + MINUTE });
  return value;
}

/** Whether the event is about a mail that a pipe sent, as far as the address or a reported header tells. */
export function isAboutOwnMail({ contact, event }: Outgoing, recipients: ReadonlySet<string>): boolean {
  if (contact !== null && recipients.has(contact)) return true;
  return Object.keys(objectOf(event["metadata"])).some(
    (name) => name.toLowerCase() === ALERT_HEADER.toLowerCase(),
  );
}

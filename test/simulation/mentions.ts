// Reports about one contact that mention another, who is erased: in a custom id, a campaign or a message id, in several
// spellings. And deliveries in another character set, of which nothing can be read but addresses.

import type { Random } from "../../src/demo/traffic/random.ts";
import type { Mail } from "../../src/demo/traffic/types.ts";
import { INTERNATIONAL } from "./spellings.ts";
import type { Parcel, World } from "./world.ts";

/** How senders write the address of somebody else. */
const SPELLINGS = [
  (address: string): string => address,
  (address: string): string => address.toUpperCase(),
  (address: string): string => encodeURIComponent(address),
  (address: string): string => address.replace("@", "&#64;"),
  (address: string): string => address.replace("@", "=40"),
  (address: string): string => address.replace("@", "="),
  (address: string): string => address.replace(INTERNATIONAL.key, INTERNATIONAL.unicode),
] as const;

/** The fields that are the sender's own. Only home-made systems choose the ids of messages, too. */
const FIELDS = { mailjet: ["customId", "campaign"], generic: ["customId", "campaign", "id"] } as const;

type Fields = (typeof FIELDS)[keyof typeof FIELDS];

const fieldsOf = ({ dialect }: Parcel): Fields | null =>
  dialect.source === "mailjet" || dialect.source === "generic" ? FIELDS[dialect.source] : null;

/** In most worlds with erasures, mails to others mention a contact that is erased. */
export function withMentions(random: Random, world: World): World {
  const erased = world.rounds.flatMap(({ acts }) =>
    acts.flatMap((act) => (act.kind === "erase" ? [act.contact] : [])),
  );
  const [contact] = erased;
  if (!world.erasing || contact === undefined || !random.chance(0.8)) return world;
  const mails = new Map<Mail, Mail>();
  const parcels = world.parcels.map((parcel): Parcel => {
    const fields = fieldsOf(parcel);
    if (fields === null) return parcel;
    const reports = parcel.reports.map((report) => {
      const mail = mails.get(report.mail) ?? mentioning(random, report.mail, contact, fields);
      mails.set(report.mail, mail);
      return { ...report, mail, campaign: report.campaign === null ? null : mail.campaign };
    });
    const garbled = parcel.dialect.source === "mailjet" && random.chance(0.3) ? contact : null;
    return garbled === null
      ? { ...parcel, reports }
      : { ...parcel, reports: [], poison: 1, filler: 0, garbled };
  });
  return { ...world, parcels };
}

function mentioning(random: Random, mail: Mail, contact: string, fields: Fields): Mail {
  if (mail.contact === contact || !random.chance(0.5)) return mail;
  const written = random.pick(SPELLINGS)(contact);
  const field = random.pick<Fields[number]>(fields);
  const text = {
    customId: `invite:${written}`,
    campaign: `for ${written}`,
    id: `<${written}/${mail.id.slice(1)}`,
  };
  return {
    ...mail,
    [field]: field === "id" ? text.id : field === "campaign" ? text.campaign : text.customId,
  };
}

/** Whether anything in a parcel mentions somebody else than those whom its reports are about. */
export function mentionsIn({ reports, garbled }: Parcel): string {
  return JSON.stringify([garbled ?? "", reports.map(({ mail }) => [mail.customId, mail.campaign, mail.id])]);
}

/** The body of a garbled delivery: not UTF-8, and about somebody whom nobody erases. */
export function garbledBody(contact: string): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify({
    event: "open",
    email: "zoe@example.com",
    note: `Andr\u00e9, for ${contact}`,
  });
  return new Uint8Array(Buffer.from(text, "latin1"));
}

// The events that are sent: full ones, as providers post them, each different from any before, so that nobody gets by with
// recognising repeats. Pure, because both the load generator in Node and the measuring Workers make them.

/** The reports of one mail, in the order in which they come. */
export const KINDS = ["sent", "open", "click"] as const;

export interface EventPlan {
  kind: (typeof KINDS)[number] | "unsub";
  /** The mail's number; mails to the same contact have different ones. */
  mail: number;
  /** The contact's number. */
  contact: number;
  /** Unix time in seconds. */
  time: number;
}

const DOMAINS = ["gmail.com", "outlook.com", "yahoo.com", "icloud.com", "example.com"];
const AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";

export function contactOf(contact: number): string {
  return `recipient.${String(contact).padStart(8, "0")}@${DOMAINS[contact % DOMAINS.length]}`;
}

/** One element of a Mailjet group: https://dev.mailjet.com/email/guides/webhooks/#event-types */
export function mailjetJson({ kind, mail, contact, time }: EventPlan): string {
  const opened = kind === "open" || kind === "click";
  const seen = opened ? `,"ip":"203.0.113.${mail % 250}","geo":"CH","agent":"${AGENT}"` : "";
  const link = kind === "click" ? `,"url":"https://shop.example/offers/${mail % 7}"` : "";
  const list = kind === "unsub" ? ',"mj_list_id":7' : "";
  const reply = kind === "sent" ? ',"smtp_reply":"250 2.0.0 OK 1790000000 q12si123456wrw.0 - gsmtp"' : "";
  return `{"event":"${kind}","time":${time},"MessageID":${mailId(mail)},"Message_GUID":"1ab23cd4-5e6f-4a1b-9c8d-${hex(mail)}","email":"${contactOf(contact)}","mj_campaign_id":${7000 + (mail % 5)},"mj_contact_id":${contact + 1},"customcampaign":"","CustomID":"","Payload":""${seen}${link}${list}${reply}}`;
}

/** As long as real ones, above what a double holds exactly. */
function mailId(mail: number): string {
  return `194217773${String(mail).padStart(8, "0")}`;
}

function hex(mail: number): string {
  return mail.toString(16).padStart(12, "0");
}

/** One element of SendGrid's array: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event */
export function sendgridJson({ kind, mail, contact, time }: EventPlan): string {
  const event = kind === "sent" ? "delivered" : kind === "unsub" ? "unsubscribe" : kind;
  const seen =
    kind === "sent" ? ',"response":"250 OK"' : `,"useragent":"${AGENT}","ip":"203.0.113.${mail % 250}"`;
  const link = kind === "click" ? `,"url":"https://shop.example/offers/${mail % 7}"` : "";
  return `{"email":"${contactOf(contact)}","timestamp":${time},"smtp-id":"<${hex(mail)}@geopod-ismtpd-1>","event":"${event}","category":["offers"],"sg_event_id":"${hex(mail)}${event}","sg_message_id":"${hex(mail)}.filter0001.16648.5515E0B88.0"${seen}${link}}`;
}

export function array(elements: readonly string[]): string {
  return `[${elements.join(",\r\n")}]`;
}

/** When the first event of a run happened, Unix time in seconds. */
export const BEGAN = 1_790_000_000;

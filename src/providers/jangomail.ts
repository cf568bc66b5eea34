// JangoMail's Transactional Event API:
// https://support.jangomail.com/hc/en-us/articles/204153610-Transactional-Event-API
// One call per event, by GET, POST (form) or JSON. Neither the parameters' names nor the event's name are fixed: the
// customer chooses the parameters and distinguishes the events by the URL, so both are searched in all possible places.
// There is no signature and no event id. On activation JangoMail delivers the last seven days at once, so old times are
// valid.

import { fail, ok } from "../lib/result.ts";
import { sha256Hex } from "../lib/sha256.ts";
import type { EventDetails, EventType } from "../model/event.ts";
import { TOKEN_PARAMETER, verifySharedSecret } from "./kit/credentials.ts";
import { provenByHead } from "./kit/proof.ts";
import { parseElements, PING, verbatim, type ElementResult } from "./kit/elements.ts";
import { address, bounceClass, LONGEST, makeEvent, table, tags, whyNoAddress } from "./kit/fields.ts";
import { queryOf, readParameters } from "./kit/form.ts";
import { isObject, toJson, type JsonObject } from "./kit/json.ts";
import { byName, firstText, firstTime, firstValue, isEmpty, plainName, texts } from "./kit/loose-fields.ts";
import type { NamedFields } from "./kit/loose-fields.ts";
import { parameterElements } from "./kit/parameters.ts";
import type { Provider } from "./provider.ts";
import { judge } from "./kit/refusal.ts";
import { smtpOf } from "./kit/smtp.ts";

/**
 * https://support.jangomail.com/hc/en-us/articles/204153610-Transactional-Event-API : the seven tabs, and how people
 * write them in a URL. `sent` means that JangoMail sent the mail; nothing shows that the receiver accepted it.
 */
const TYPES = table<EventType>(
  {
    sent: "sent",
    open: "opened",
    opened: "opened",
    click: "clicked",
    clicked: "clicked",
    unsubscribe: "unsubscribed",
    unsubscribed: "unsubscribed",
    bounce: "bounced",
    bounced: "bounced",
    complaint: "complained",
    complained: "complained",
    block: "blocked",
    blocked: "blocked",
  },
  "type",
);

/** The documentation lists no parameters; customers usually choose these names (compared as plain names). */
const USUAL_NAMES = {
  event: ["event", "eventtype", "eventname", "type"],
  contact: ["emailaddress", "email", "recipient", "toaddress", "to"],
  message_id: ["transactionid", "messageid", "transactionalid"],
  occurred_at: ["timestamp", "eventtime", "datetime", "date", "time"],
  url: ["url", "link", "clickedurl"],
  ip: ["ipaddress", "ip"],
  user_agent: ["useragent", "browser"],
  bounce: ["bouncetype"],
  description: ["smtpresponse", "diagnostic", "diagnosticcode", "description", "reason"],
  custom_id: ["customid"],
  campaign: ["campaign", "campaignid", "campaignname", "jobid"],
  tags: ["tags", "tag"],
} as const satisfies Record<string, readonly string[]>;

type Names = Readonly<Record<keyof typeof USUAL_NAMES, readonly string[]>>;

export const jangomail: Provider = {
  id: "jangomail",
  headers: [],
  deliversByGet: true,
  ...provenByHead(verifySharedSecret),
  parse: (delivery) => {
    const names = namesFor(delivery.settings);
    const words = wordsOf(delivery.url);
    return parseElements(delivery, parameterElements(delivery), (element, index) =>
      readElement(element, { index, receivedAt: delivery.receivedAt, names, words }),
    );
  },
  elements: verbatim(parameterElements),
};

/**
 * The parameter names to read: the customer's own names (`settings.parameters`: our field -> their parameter) take
 * precedence over the usual ones.
 */
function namesFor(settings: Record<string, unknown>): Names {
  const chosen = isObject(settings["parameters"]) ? settings["parameters"] : {};
  const theirs = new Map<string, string>();
  for (const [field, name] of Object.entries(chosen)) {
    if (typeof name === "string" && name !== "") theirs.set(field, plainName(name));
  }
  const taken = new Set(theirs.values());
  const namesOf = (field: keyof Names): readonly string[] => {
    const customName = theirs.get(field);
    return customName === undefined ? USUAL_NAMES[field].filter((name) => !taken.has(name)) : [customName];
  };
  return {
    event: namesOf("event"),
    contact: namesOf("contact"),
    message_id: namesOf("message_id"),
    occurred_at: namesOf("occurred_at"),
    url: namesOf("url"),
    ip: namesOf("ip"),
    user_agent: namesOf("user_agent"),
    bounce: namesOf("bounce"),
    description: namesOf("description"),
    custom_id: namesOf("custom_id"),
    campaign: namesOf("campaign"),
    tags: namesOf("tags"),
  };
}

interface Context {
  index: number;
  receivedAt: number;
  names: Names;
  /** Words in the URL that may name the event. */
  words: readonly string[];
}

function readElement(element: JsonObject, { index, receivedAt, names, words }: Context): ElementResult {
  const fields = byName(element);
  const data = dataOf(element, names);
  if (data.every(([, value]) => isEmpty(value))) return PING; // a test call names its parameters and fills in none
  const word = eventWord([...words, ...texts(fields, names.event).map(plainName)]);
  if (word === null) return fail("the event is named neither in the URL nor in the data");
  const email = firstText(fields, names.contact, LONGEST.words);
  const contact = address(email);
  if (contact === null) return fail(whyNoAddress("email", email));
  const occurredAt = firstTime(fields, names.occurred_at);
  const { type, ...details } = meaningOf(TYPES.get(word) ?? "unknown", fields, names);
  const message_id = firstText(fields, names.message_id, LONGEST.id);
  // Without the mail's id or the time, only all the parameters together distinguish two reports.
  const whole = message_id !== null && occurredAt !== null;
  const rest = whole ? [details.url, details.ip, details.user_agent, details.description] : canonical(data);
  const distinguishing = [type === "unknown" ? word : null, ...rest];
  const core = { element: index, type, contact, message_id, occurredAt, receivedAt, distinguishing };
  return ok([makeEvent(core, details)]);
}

/** The parameters other than the event's name, which may be in the URL instead. */
function dataOf(element: JsonObject, names: Names): [string, unknown][] {
  return Object.entries(element).filter(
    ([name]) => name !== TOKEN_PARAMETER && !names.event.includes(plainName(name)),
  );
}

/** The words of a URL that may name the event: `?event=open`, else the end of the path after `/webhooks/<source>/`. */
function wordsOf(url: string): string[] {
  const query = readParameters(queryOf(url));
  const words = query.ok ? texts(byName(query.value), ["event"]) : [];
  const path = (url.split(/[?#]/, 1)[0] ?? "").split("/").filter((segment) => segment !== "");
  const route = path.indexOf("webhooks", url.startsWith("/") ? 0 : 2); // not the host
  if (route >= 0 && path.length > route + 2) words.push(path.at(-1) ?? "");
  return words.map((word) => plainName(word.slice(0, LONGEST.short)));
}

/**
 * The first word that is known, else the first; a path may also contain words that are no event
 * (`/webhooks/jangomail/v1`).
 */
function eventWord(words: readonly string[]): string | null {
  return words.find((word) => TYPES.has(word)) ?? words[0] ?? null;
}

/** All parameters in one order, independent of the order in which they arrive. */
function canonical(data: readonly [string, unknown][]): string[] {
  const told = data
    .map(([name, value]) => `${name}\u001F${typeof value === "string" ? value : toJson(value)}`)
    .sort();
  const text = told.join("\u001E");
  const plain = text.length <= LONGEST.words && text.isWellFormed() && !text.includes("\0");
  return plain ? told : [sha256Hex(text)];
}

type Details = Partial<EventDetails> & Pick<EventDetails, "url" | "ip" | "user_agent" | "description">;

/** The type by JangoMail's tab and the server's reply, and the details. The names of codes are guesses. */
function meaningOf(tab: EventType, fields: NamedFields, names: Names): { type: EventType } & Details {
  const description = firstText(fields, names.description, LONGEST.words);
  const failed = tab === "bounced" || tab === "blocked";
  const codes = {
    code: firstValue(fields, ["smtpcode", "bouncecode", "code"]),
    status: firstValue(fields, ["enhancedcode", "status"]),
  };
  const smtp = failed ? smtpOf({ ...codes, words: description }) : null;
  const bounce = tab === "bounced" ? bounceClass(firstText(fields, names.bounce)) : null;
  return {
    ...judge({ type: tab, bounce, reason: tab === "complained" ? "spam" : null }, smtp, description),
    description,
    smtp,
    campaign: firstText(fields, names.campaign),
    custom_id: firstText(fields, names.custom_id, LONGEST.id),
    tags: tags(firstValue(fields, names.tags)),
    url: firstText(fields, names.url, LONGEST.url),
    ip: firstText(fields, names.ip),
    user_agent: firstText(fields, names.user_agent, LONGEST.words),
  };
}

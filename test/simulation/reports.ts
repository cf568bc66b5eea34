// ESPs and what they report in a simulated history.

import type { EventType } from "../../src/model/event.ts";
import { DIALECTS } from "../../src/demo/traffic/dialects/index.ts";
import { EXPECTED } from "../../src/demo/traffic/mails.ts";
import { INTERNATIONAL } from "./spellings.ts";
import type { Dialect, Happening, Mail, Report } from "../../src/demo/traffic/types.ts";

/** ESPs that post to a URL; the one whose events arrive by a queue has no second credentials, URL or envelope. */
export const SENDERS = DIALECTS.filter(
  ({ credentials, settings }) => credentials !== null && settings?.["ips"] === undefined,
);
/** The source whose customers choose the parameters' names. */
export const MISTAKEN = "jangomail";
export const WITH_NAMES = SENDERS.filter(({ source }) => source === MISTAKEN);
export const DOMAINS = ["gmail.com", "outlook.com", INTERNATIONAL.key] as const;
export const START = Date.UTC(2026, 10, 21);
export const DAY = 86_400_000;

/** `at`: ms, on a whole second. */
export function reportOf(dialect: Dialect, mail: Mail, what: Happening, at: number): Report {
  return {
    mail,
    what,
    at,
    url: "https://shop.example.com/offers",
    ip: "198.51.100.7",
    agent: "Mozilla/5.0",
    expected: typeOf(dialect, what),
    campaign: dialect.tellsCampaign ? mail.campaign : null,
  };
}

function typeOf({ becomes }: Dialect, what: Happening): EventType {
  return becomes?.[what] ?? EXPECTED[what];
}

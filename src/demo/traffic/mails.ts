// Invented people, and what happens to the mails they get: most are delivered, many opened, some clicked, and a few
// bounced, blocked or reported as spam. None of these people exists, and nothing is sent to anyone.

import type { EventType } from "../../model/event.ts";
import type { Random } from "./random.ts";
import type { Dialect, Happening, Mail, Report } from "./types.ts";

const FIRST = [
  "ada",
  "bruno",
  "chioma",
  "dmitri",
  "elif",
  "farid",
  "greta",
  "hiro",
  "ines",
  "jonas",
  "kavya",
  "lucia",
] as const;
const LAST = [
  "tidewater",
  "brightpost",
  "quillfeather",
  "northletter",
  "sandpiper",
  "inkwell",
  "farsignal",
] as const;
const DOMAINS = [
  "gmail.com",
  "gmail.com",
  "gmail.com",
  "outlook.com",
  "outlook.com",
  "yahoo.com",
  "icloud.com",
  "gmx.de",
  "example.com",
  "example.org",
  "mail.example.net",
] as const;
const CAMPAIGNS = ["welcome", "autumn-sale", "weekly-digest", "receipts", "product-news"] as const;
const LINKS = [
  "/offers?utm_source=mail",
  "/account",
  "/articles/2026/how-to-fold-a-letter",
  "/unsubscribe-options",
] as const;
const AGENTS = [
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
] as const;

/** The event type that each happening must become, unless the dialect names another. */
export const EXPECTED: Readonly<Record<Happening, EventType>> = {
  queued: "queued",
  sent: "sent",
  delivered: "delivered",
  opened: "opened",
  clicked: "clicked",
  hard_bounce: "bounced",
  soft_bounce: "bounced",
  blocked: "blocked",
  dropped: "dropped",
  complained: "complained",
  unsubscribed: "unsubscribed",
  oddity: "unknown",
};

/**
 * The stories that each stream begins with, so that the smallest demo shows every kind; the first two are the examples.
 */
const FIRST_STORIES: readonly Happening[][] = [
  ["delivered", "opened", "clicked"],
  ["hard_bounce"],
  ["soft_bounce", "delivered", "opened", "opened"],
  ["blocked"],
  ["dropped"],
  ["delivered", "opened", "complained"],
  ["delivered", "opened", "clicked", "clicked", "unsubscribed"],
  ["queued", "sent", "delivered", "oddity"],
];

/** The parameters of one sender's stream of reports. */
export interface Stream {
  random: Random;
  dialect: Dialect;
  /** The number of reports. */
  count: number;
  /** ms; the mails were sent in the two days before that time. */
  now: number;
}

/**
 * The stream's reports in the order of the mails, and each mail's reports in the order of time. No two are the same.
 */
export function makeReports(stream: Stream): Report[] {
  const { random, dialect, count } = stream;
  const reports: Report[] = [];
  let previous: string | null = null;
  for (let n = 0; reports.length < count; n += 1) {
    const mail: Mail = makeMail(stream, n, previous);
    previous = mail.id;
    const story = FIRST_STORIES[n] ?? makeStory(random);
    const knownStory = story.filter((what) => dialect.knows.includes(what));
    reports.push(...tell(stream, mail, knownStory));
  }
  return reports.slice(0, count);
}

function makeMail({ random, now, dialect }: Stream, n: number, previous: string | null): Mail {
  // About one contact for every three mails; the contacts of the first stories have one mail only. No contact has two
  // sources.
  const person =
    n < FIRST_STORIES.length ? n : FIRST_STORIES.length + Math.floor(random.next() ** 2 * (n + 20) * 0.4);
  const contact = `${FIRST[person % FIRST.length]}.${LAST[person % LAST.length]}.${dialect.source}${person}@${domainOf(person)}`;
  return {
    contact,
    id: dialect.makeId(random, previous),
    campaign: random.pick(CAMPAIGNS),
    customId: `order-${random.digits(6)}`,
    // At least a day lies in between, so that all later happenings are before now.
    sentAt: Math.floor(now / 1000) * 1000 - random.between(86_400, 172_800) * 1000,
  };
}

function domainOf(person: number): string {
  return DOMAINS[(person * 7) % DOMAINS.length] ?? DOMAINS[0];
}

function makeStory(random: Random): Happening[] {
  const fate = random.next();
  if (fate < 0.03) return ["queued", "hard_bounce"];
  if (fate < 0.06) return random.chance(0.5) ? ["soft_bounce"] : ["soft_bounce", "delivered"];
  if (fate < 0.09) return ["blocked"];
  if (fate < 0.11) return ["dropped"];
  if (fate < 0.115) return ["delivered", "oddity"];
  const story: Happening[] = random.chance(0.3) ? ["queued", "sent", "delivered"] : ["delivered"];
  while (story.length < 8 && random.chance(0.45)) story.push("opened");
  if (story.includes("opened") && random.chance(0.35)) story.push("clicked");
  if (random.chance(0.02)) story.push("unsubscribed");
  if (random.chance(0.01)) story.push("complained");
  return story;
}

/**
 * Each report is some seconds to some hours after the one before, so that no two reports of a mail have the same time.
 */
function tell({ random, dialect }: Stream, mail: Mail, story: readonly Happening[]): Report[] {
  let at = mail.sentAt;
  return story.map((what) => {
    at += random.between(2, 7_200) * 1000;
    const url = `https://shop.example.com${random.pick(LINKS)}`;
    const ip = `198.51.100.${random.between(1, 254)}`;
    const expected = dialect.becomes?.[what] ?? EXPECTED[what];
    const campaign = dialect.tellsCampaign ? mail.campaign : null;
    return { mail, what, at, url, ip, agent: random.pick(AGENTS), expected, campaign };
  });
}

// The requests that are not plain deliveries: tests of the URL, bodies that cannot be read, and callers who may not post.

import { jangomailCall, arrayOf, basic, bearer, post, type Access, type Placed } from "./plan.ts";
import { jangomailTest } from "./jangomail.ts";
import { mailjetElement, mailjetTest } from "./mailjet.ts";
import type { Random } from "./random.ts";
import type { PlannedRequest, Report } from "./types.ts";

/** An event that must never turn up: whoever sends it is refused. */
const FORGED =
  '{"event":"spam","time":1795000000,"MessageID":1999999999999999999,"email":"mallory@example.com"}';
/** Outside of intranet's list. */
const OUTSIDE = "203.0.113.9";

/** `good`: Mailjet reports that come in one batch with a bad element, and by no other first delivery. */
export function planSpecials(random: Random, good: readonly Report[], access: Access, now: number): Placed[] {
  const requests = [...tests(random, access, now), ...unreadable(good, access), ...refused(access)];
  return requests.map((request) => ({ ...request, place: random.next() }));
}

function tests(random: Random, access: Access, now: number): PlannedRequest[] {
  const mailjet = basic(access.mailjet);
  const ping = mailjetTest(now);
  return [
    { ...post("mailjet", mailjet, ping), pings: 1 },
    { ...post("mailjet", mailjet, arrayOf([ping, ping])), pings: 2 },
    { ...post("mailjet", mailjet, ""), pings: 1 },
    { ...post("generic", bearer(access.genericToken), '{"event":"test"}'), pings: 1 },
    { ...post("jangomail", {}, ""), ...jangomailTest(jangomailCall(random, access)), pings: 1 },
  ];
}

function unreadable(good: readonly Report[], access: Access): PlannedRequest[] {
  const headers = basic(access.mailjet);
  const elements = good.map(mailjetElement);
  const bad = '{"event":"open","time":"yesterday","MessageID":1152921500000000001,"email":"ada@example.com"}';
  const mixed = arrayOf([...elements.slice(0, 2), bad, ...elements.slice(2)]);
  const batch = { ...post("mailjet", headers, mixed), reports: good, deadLetters: 1 };
  return [{ ...post("mailjet", headers, '[{"event":"open","time":17952'), deadLetters: 1 }, batch, batch];
}

function refused(access: Access): PlannedRequest[] {
  const wrong = { ...post("mailjet", basic("mailjet:guessed"), FORGED), status: 401 };
  const outside = post("intranet", { ...bearer(access.intranetToken), "cf-connecting-ip": OUTSIDE }, FORGED);
  return [
    wrong,
    { ...wrong, path: "/backup/webhooks/mailjet" },
    { ...wrong, headers: {} },
    { ...outside, status: 403 },
    { ...outside, status: 403 },
    {
      ...post("mailjet", basic(access.mailjet), FORGED),
      path: "/webhooks/mailjett",
      source: null,
      status: 404,
    },
  ];
}

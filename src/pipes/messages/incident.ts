// An event as PagerDuty takes it: something that begins or ends, under a key that stays the same, so that an end
// resolves the incident that its beginning opened.
// https://developer.pagerduty.com/docs/send-alert-event and https://developer.pagerduty.com/docs/events-api-v2-overview

import { sha256Hex } from "../../lib/sha256.ts";
import type { Outgoing } from "../kinds/kind.ts";
import { headlineOf, messageOf, type Severity } from "./message.ts";
import { cut, type Addresses } from "./text.ts";

const LENGTHS = { address: 320, message: 500, text: 1000 };
const MOST_SUMMARY = 1024;
const MOST_KEY = 255;

/** What the Events API v2 is sent, without the routing key. */
export interface PagerDutyEvent {
  event_action: "trigger" | "resolve";
  dedup_key: string;
  client: "Tidings";
  links?: { href: string; text: string }[];
  payload: {
    summary: string;
    /** What is affected. */
    source: string;
    severity: Severity;
    timestamp: string;
    component?: string;
    class: string;
    custom_details: Record<string, string>;
  };
}

/** Makes an event of PagerDuty. */
export function pagerDutyEvent(out: Outgoing, addresses: Addresses): PagerDutyEvent {
  const message = messageOf(out, { addresses, lengths: LENGTHS });
  const { type, details, severity, phase, key, at, link, id } = message;
  const pipe = details.find(({ name }) => name === "pipe")?.value;
  const source = out.event["source"];
  return {
    event_action: phase === "ends" ? "resolve" : "trigger",
    dedup_key: shortKey(`tidings/${key}`),
    client: "Tidings",
    ...(link === null ? {} : { links: [{ href: link, text: "More" }] }),
    payload: {
      summary: cut(headlineOf(message), MOST_SUMMARY),
      source: typeof source === "string" && source !== "" ? source : "tidings",
      severity,
      timestamp: new Date(at).toISOString(),
      ...(pipe === undefined ? {} : { component: pipe }),
      class: type,
      custom_details: Object.fromEntries([
        ["event", id],
        ...details.map(({ name, value }) => [name, value]),
      ]) as Record<string, string>,
    },
  };
}

/** A key that is too long is replaced by its hash. */
function shortKey(key: string): string {
  return key.length <= MOST_KEY ? key : `tidings/${sha256Hex(key)}`;
}

// Storage as the version before wrote it, which took each spelling of an address for a contact of its own.

import { providers } from "../../src/providers/index.ts";
import { respell, SETTLES } from "../../src/history/respell.ts";
import { withOutages } from "../../src/store/outages.ts";
import { deliver, envWith, finalState, mailjetEvent, mailjetPost, messagesOf } from "../support/support.ts";

/** Does something while addresses have the keys that they had before. */
export async function formerly<T>(work: () => Promise<T>): Promise<T> {
  const { mailjet } = providers;
  if (mailjet === undefined) throw new Error("there is no such provider");
  providers["mailjet"] = {
    ...mailjet,
    parse(delivery) {
      const parsed = mailjet.parse(delivery);
      const elements = [JSON.parse(new TextDecoder().decode(delivery.body)) as { email: string }[]].flat();
      const events = parsed.events.map((event) => {
        const contact = (elements[event.element]?.email ?? "").trim().normalize("NFC").toLowerCase();
        const identity = event.identity.map((part) => (part === event.contact ? contact : part));
        return { ...event, contact, identity };
      });
      return { ...parsed, events };
    },
  };
  try {
    return await work();
  } finally {
    providers["mailjet"] = mailjet;
  }
}

/** A Mailjet report as a queue message. */
export async function reported(...reports: Record<string, unknown>[]): Promise<Uint8Array> {
  const [message] = await messagesOf(mailjetPost(JSON.stringify(reports.map(mailjetEvent))));
  if (message === undefined) throw new Error("it was not accepted");
  return message;
}

/** Stores reports under the former keys. */
export async function storeFormerly(...reports: Record<string, unknown>[]): Promise<void> {
  const message = await reported(...reports);
  await formerly(async () => await deliver([message]));
}

/** Runs the step until it has nothing left to do; a quarter of an hour passes after the first run. */
export async function respellAll(bindings: Env = envWith()): Promise<void> {
  const now = Date.now();
  await respell(withOutages(bindings), now);
  while ((await respell(withOutages(bindings), now + SETTLES)) !== undefined);
}

/** The final state without claim keys, which hash the spelling that a report was stored under. */
export async function stateWithoutKeys(): Promise<unknown> {
  const text = JSON.stringify(await finalState());
  return JSON.parse(text.replaceAll(/"([0-9a-hjkmnp-tv-z]{18})[0-9a-hjkmnp-tv-z]{16}"/g, '"$1"'));
}

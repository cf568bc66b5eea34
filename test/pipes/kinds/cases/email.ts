// `email` in the shared suite: a binding in place of the platform's, which checks as its documentation says, and fails
// when told to. The real local one is in email.test.ts.
// https://developers.cloudflare.com/email-service/api/send-emails/workers-api/

import { email } from "../../../../src/pipes/kinds/email.ts";
import type { DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import type { RoomState, Taken } from "../../peers/rooms.ts";
import type { KindCase, PeerControl, Refusal } from "../suite.ts";

/** Rejects with this code, or with an error that has none, or never answers. */
interface Told {
  code?: string;
  error?: string;
  hang?: boolean;
}

export interface SentMail {
  to: string[];
  from: { email: string; name: string };
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
}

class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The binding, and control over it; `mails` are what it took. */
export function emailBinding(): { bound: object; control: PeerControl & { mails: () => SentMail[] } } {
  let told: Told = {};
  let mails: SentMail[] = [];
  let [requests, open] = [0, 0];
  let refused: string[] = [];
  const waiting: (() => void)[] = [];
  const send = async (mail: SentMail): Promise<{ messageId: string }> => {
    requests++;
    if (told.hang === true) {
      open++;
      // Until it is forgotten: the runtime gives up a test that waits for nothing.
      await new Promise<void>((resolve) => waiting.push(resolve));
      throw new Error("forgotten");
    }
    if (told.error !== undefined) throw new Error(told.error);
    if (told.code !== undefined) throw new Refused(told.code, `no mail for ${mail.to.join()}`);
    const code = wrongIn(mail);
    if (code !== null) {
      refused.push(code);
      throw new Refused(code, `no mail from ${mail.from.email}`);
    }
    mails.push(mail);
    return { messageId: `<${requests}@example.com>` };
  };
  return {
    bound: { send },
    control: {
      mails: () => mails,
      behave: async (behaviour) => void (told = behaviour as Told),
      tell: async (): Promise<Omit<RoomState, "flooded">> => {
        return { taken: mails.flatMap(takenOf), requests, open, refused };
      },
      forget: async () => {
        [told, mails, refused] = [{}, [], []];
        [requests, open] = [0, 0];
        for (const leave of waiting.splice(0)) leave();
      },
    },
  };
}

const MOST_BYTES = 5 * 1024 * 1024;

/** The code with which the service refuses the mail; null if it takes it. */
function wrongIn({ to, from, subject, text, html, headers, ...others }: SentMail): string | null {
  if (Object.keys(others).length > 0) return "E_VALIDATION_ERROR";
  if (!from.email.endsWith("@example.com")) return "E_SENDER_NOT_VERIFIED";
  if (to.length < 1 || to.some((one) => !/^[^\s@]+@[^\s@]+$/.test(one))) return "E_VALIDATION_ERROR";
  if (to.length > 50) return "E_TOO_MANY_RECIPIENTS";
  if (to.some((one) => one.startsWith("suppressed@"))) return "E_RECIPIENT_SUPPRESSED";
  if (subject === "" || subject.length > 998 || /[\r\n]/.test(subject)) return "E_VALIDATION_ERROR";
  if (text === "" || html === "") return "E_FIELD_MISSING";
  if (Buffer.byteLength(text) + Buffer.byteLength(html) > MOST_BYTES) return "E_CONTENT_TOO_LARGE";
  const names = Object.keys(headers);
  return names.length > 20 || names.some((name) => !/^X-[\w-]+$/.test(name)) ? "E_HEADER_NOT_ALLOWED" : null;
}

/** An item of the list is an event, whose type stands first. Of the rest there are words alone. */
function takenOf({ html, headers }: SentMail): Taken[] {
  return Array.from(html.matchAll(/<li id="([^"]*)"><b [^>]*>([\w.]+)/g), ([, id = "", type = ""]) => {
    return { id, type, attempt: headers["X-Tidings-Alert"] ?? null, order: null, text: "null" };
  });
}

const failing = (code: string, result: DeliveryResult, retryAfter?: number): Refusal => {
  return {
    when: code,
    behaviour: { code },
    result,
    status: null,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
};

const { bound, control } = emailBinding();

export const cases: readonly KindCase[] = [
  {
    name: "email",
    kind: email,
    control,
    bindings: { EMAIL: bound },
    settings: (changes = {}) => ({
      to: ["ops@example.com", "oncall@example.com"],
      from: "tidings@example.com",
      ...changes,
    }),
    wrong: {
      "a sender that nobody verified": { from: "tidings@example.org" },
      "a recipient that is suppressed": { to: "suppressed@example.net" },
    },
    secretValues: [],
    errors: [
      failing("E_RATE_LIMIT_EXCEEDED", "slow_down", 60_000),
      failing("E_DAILY_LIMIT_EXCEEDED", "slow_down", 3_600_000),
      failing("E_RECIPIENT_NOT_ALLOWED", "denied"),
      failing("E_VALIDATION_ERROR", "denied"),
      failing("E_CONTENT_TOO_LARGE", "refused"),
      failing("E_DELIVERY_FAILED", "unavailable"),
      failing("E_INTERNAL_SERVER_ERROR", "unavailable"),
      failing("E_SOMETHING_NEW", "unavailable"),
      {
        when: "an outage",
        behaviour: { error: "Network connection lost." },
        result: "unavailable",
        status: null,
      },
    ],
    hangs: [{ behaviour: { hang: true } }],
    // What people read of each is in email.test.ts.
    arrives: ({ id, type }, attempt) => ({ id, type, attempt: attempt.id, order: null, text: "null" }),
    largest: null, // what is long is cut
  },
];

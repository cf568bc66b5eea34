// `servicebus` in the shared suite, against a written peer that recomputes the tokens' signatures.

import { servicebus } from "../../../../src/pipes/kinds/servicebus.ts";
import { orderKey } from "../../../../src/pipes/transport/batches.ts";
import { attemptOf, outgoingOfSize } from "../../attempts.ts";
import { SAS_KEY } from "../../peers/known.ts";
import { answered, echoes, httpErrors, openRoom } from "../rooms.ts";
import type { KindCase } from "../suite.ts";

const FULL =
  "The maximum entity size has been reached or exceeded for Topic: 'emails'. Size of entity in bytes:1073742318";
const LARGE = "The message size exceeds the limit (262144 bytes) for ann@example.com";
const BUSY = "SubCode=50002. The request was throttled, ServerBusy";

/** Settings for a namespace: a name, or a URL. */
export const busSettings = (namespace: string): Record<string, unknown> => ({
  namespace,
  entity: "emails/events",
  key_name: "send+only",
  key: SAS_KEY,
});

/**
 * Bytes of a request with one event beyond its text: names, properties, and what is escaped of a payload's own quotes.
 */
function overhead(sessions: boolean): number {
  const { id, type, text } = outgoingOfSize(0, 2000);
  const properties = { "tidings-event": id, "tidings-type": type, "tidings-attempt": attemptOf().attempt.id };
  const session = sessions ? { SessionId: "x".repeat(32) } : {};
  const broker = { MessageId: id, Label: type, ...session };
  const request = JSON.stringify([{ Body: text, BrokerProperties: broker, UserProperties: properties }]);
  return new TextEncoder().encode(request).byteLength - 2000;
}

async function busCase(name: string, changed: Record<string, unknown>, sessions: boolean): Promise<KindCase> {
  const { url, ...control } = await openRoom("servicebus");
  return {
    name,
    kind: servicebus,
    control,
    settings: (changes = {}) => ({ ...busSettings(url), ...changed, ...changes }),
    wrong: {
      "another key": { key: "bm90IHRoZSBrZXk=" },
      "another policy": { key_name: "listen" },
      "another queue": { entity: "emails/others" },
    },
    secretValues: [SAS_KEY],
    errors: [
      ...httpErrors({ but: { 410: "denied" } }),
      answered(
        "no right",
        { status: 403, body: "<Detail>Unauthorized access. 'Send' claim(s) are required</Detail>" },
        "denied",
      ),
      answered("a full entity", { status: 403, body: `<Detail>${FULL}</Detail>` }, "slow_down"),
      answered("a message that is too large", { status: 403, body: `<Detail>${LARGE}</Detail>` }, "refused"),
      answered("throttling", { status: 503, body: BUSY }, "slow_down"),
      answered("a gateway", { status: 502 }, "unavailable"),
    ],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes([SAS_KEY]),
    arrives: (event, attempt) => ({
      id: event.id,
      type: event.type,
      attempt: attempt.id,
      order: sessions ? orderKey(event) : null,
      text: event.text,
    }),
    largest: 1_048_576 - overhead(sessions),
  };
}

export const cases: readonly KindCase[] = [
  await busCase("servicebus", {}, false),
  await busCase("servicebus (sessions)", { entity: "sessions", sessions: true }, true),
];

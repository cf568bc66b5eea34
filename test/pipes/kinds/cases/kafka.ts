// `kafka` in the shared suite: both flavours, against strict written peers.

import { kafka } from "../../../../src/pipes/kinds/kafka.ts";
import type { DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import { orderKey } from "../../../../src/pipes/transport/batches.ts";
import { KAFKA } from "../../peers/known.ts";
import { answered, echoes, httpErrors, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase } from "../suite.ts";

type Flavour = RoomCase;

const items = (codes: Readonly<Record<string, DeliveryResult>>): NonNullable<KindCase["items"]> =>
  Object.entries(codes).map(([code, result]) => ({
    when: code,
    result,
    at: (places) => ({ behaviour: { items: Object.fromEntries(places.map((place) => [place, code])) } }),
  }));

/** Confluent's v3, in a room of its own. */
export async function confluentCase(): Promise<Flavour> {
  const control = await openRoom("kafka");
  const { username, password } = KAFKA;
  const settings = { url: control.url, cluster: "lkc-1", topic: "email.events", username, password };
  return {
    name: "kafka (Confluent v3)",
    kind: kafka,
    control,
    settings: (changes = {}) => ({ ...settings, ...changes }),
    wrong: {
      "another password": { password: "wrong" },
      "no password": { username: undefined, password: undefined },
      "another topic": { topic: "others" },
      "another cluster": { cluster: "lkc-2" },
    },
    secretValues: [password],
    errors: [
      ...httpErrors(),
      answered(
        "a coded 403",
        { status: 403, body: { error_code: 40301, message: "ann@example.com" } },
        "denied",
      ),
      answered(
        "a coded 422",
        { status: 422, body: { error_code: 42206, message: "ann@example.com" } },
        "refused",
      ),
      answered("an answer for other things", { status: 200, body: { kind: "KafkaTopic" } }, "unavailable"),
    ],
    items: items({
      400: "refused",
      42206: "refused",
      413: "refused",
      429: "slow_down",
      40101: "denied",
      40301: "denied",
      40403: "denied",
      50002: "unavailable",
      50302: "unavailable",
      202: "unavailable",
    }),
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes([password]),
    arrives: (event, attempt) => ({
      id: event.id,
      type: event.type,
      attempt: attempt.id,
      order: orderKey(event),
      text: event.text,
    }),
    largest: null, // the broker says: kafka.test.ts
  };
}

/** Redpanda's HTTP Proxy, which speaks v2 and has no headers. */
export async function redpandaCase(): Promise<Flavour> {
  const { control, ...shared } = await confluentCase();
  const { token } = KAFKA;
  const settings = { flavour: "redpanda", url: `${control.url}/proxy/`, topic: "email.events", token };
  return {
    ...shared,
    name: "kafka (Redpanda, v2)",
    control,
    settings: (changes = {}) => ({ ...settings, ...changes }),
    wrong: { "another token": { token: "wrong" }, "another topic": { topic: "others" } },
    secretValues: [token],
    errors: [
      ...httpErrors(),
      answered("an unknown topic", { status: 404, body: { error_code: 40401, message: "Topic" } }, "denied"),
      answered(
        "a retriable error",
        { status: 500, body: { error_code: 50003, message: "Kafka" } },
        "unavailable",
      ),
      answered(
        "an answer without offsets",
        { status: 200, body: { offsets: [{ partition: 0 }, {}] } },
        "unavailable",
      ),
    ],
    items: items({
      1: "refused",
      10: "refused",
      87: "refused",
      89: "slow_down",
      3: "denied",
      29: "denied",
      2: "unavailable",
      7: "unavailable",
      19: "unavailable",
    }),
    echoes: echoes([token]),
    arrives: (event, attempt) => ({
      id: null,
      type: null,
      attempt: attempt.id,
      order: orderKey(event),
      text: event.text,
    }),
  };
}

export const cases: readonly KindCase[] = [await confluentCase(), await redpandaCase()];

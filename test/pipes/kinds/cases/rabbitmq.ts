// `rabbitmq` in the shared suite, against a strict written broker, which fails as its user and its queues are called.

import { rabbitmq } from "../../../../src/pipes/kinds/rabbitmq.ts";
import { BROKER_PASSWORD } from "../../peers/known.ts";
import { openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase } from "../suite.ts";

/** For each event's queue to be named by its source. */
export const BY_QUEUE = { exchange: "", routing_key: "{source}" };

export async function rabbitmqCase(): Promise<RoomCase> {
  const control = await openRoom("amqp");
  const settings = {
    host: "127.0.0.1",
    port: control.port,
    tls: false,
    vhost: "mail/eu",
    username: "tidings",
    password: BROKER_PASSWORD,
    exchange: "events",
    routing_key: "email.{source}.{type}",
  };
  const silent = { exchange: "", routing_key: "silent" };
  return {
    name: "rabbitmq",
    kind: rabbitmq,
    control,
    settings: (changes = {}) => ({ ...settings, ...changes }),
    wrong: {
      "a wrong password": { password: "wrong p@ss" },
      "an unknown virtual host": { vhost: "other" },
      "an unknown exchange": { exchange: "none" },
      "a queue that is forbidden": { exchange: "", routing_key: "forbidden" },
    },
    secretValues: [BROKER_PASSWORD, "wrong p@ss", "p@ss"],
    errors: [
      { when: "a wrong password", settings: { password: "wrong" }, result: "denied", status: 403 },
      { when: "an unknown virtual host", settings: { vhost: "other" }, result: "denied", status: 530 },
      { when: "a crowded virtual host", settings: { vhost: "crowded" }, result: "slow_down", status: 530 },
      { when: "an unknown exchange", settings: { exchange: "none" }, result: "denied", status: 404 },
      {
        when: "a forbidden one",
        settings: { exchange: "", routing_key: "forbidden" },
        result: "denied",
        status: 403,
      },
      {
        when: "a broker that stops",
        settings: { username: "stopping" },
        result: "unavailable",
        status: 320,
      },
      {
        when: "a broker with a full disk",
        settings: { username: "full", routing_key: "silent" },
        result: "slow_down",
        status: null,
      },
      { when: "a cut connection", settings: { username: "cut" }, result: "unavailable", status: null },
      {
        when: "something else than AMQP",
        settings: { username: "garbage" },
        result: "unavailable",
        status: null,
      },
      { when: "nobody there", settings: { port: 1 }, result: "unavailable", status: null },
      {
        when: "a message that is too large for it",
        settings: { exchange: "", routing_key: "small" },
        fields: { description: "x".repeat(2000) },
        result: "unavailable", // of several the broker does not say which it was: the largest is, the others are tried again
        status: 406,
      },
    ],
    items: [
      {
        when: "a full queue",
        result: "unavailable",
        at: () => ({ settings: BY_QUEUE, fields: { source: "full" } }),
      },
      {
        when: "no queue",
        result: "refused",
        at: () => ({ settings: BY_QUEUE, fields: { source: "nowhere" } }),
      },
    ],
    hangs: [{ settings: { username: "hang" } }, { settings: silent }],
    largest: 16 * 1024 * 1024,
  };
}

export const cases: readonly KindCase[] = [await rabbitmqCase()];

// `pubsub` in the shared suite, against a written peer that verifies the service account's tokens.

import type { DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import { pubsub } from "../../../../src/pipes/kinds/pubsub.ts";
import { orderKey } from "../../../../src/pipes/transport/batches.ts";
import { answered, echoes, httpErrors, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase, Refusal } from "../suite.ts";

const failing = (when: string, status: number, name: string, result: DeliveryResult): Refusal => {
  const body = { error: { code: status, message: "ann@example.com", status: name } };
  return answered(when, { status, body }, result);
};

/** A case in a room of its own, and the key file of its service account. */
export async function pubsubCase(): Promise<RoomCase & { account: string }> {
  const control = await openRoom("pubsub");
  const keyFile = async (path: string): Promise<string> => await (await fetch(control.url + path)).text();
  const [account, other] = [await keyFile("/key"), await keyFile("/other-key")];
  const { private_key } = JSON.parse(account) as { private_key: string };
  const secretValues = [private_key.split("\n")[3] ?? ""];
  return {
    name: "pubsub",
    kind: pubsub,
    control,
    account,
    settings: (changes = {}) => ({
      topic: "projects/my-project/topics/email+events",
      service_account: account,
      endpoint: control.url,
      ordering: true,
      ...changes,
    }),
    wrong: {
      "another key": { service_account: other },
      "another account": { service_account: account.replace("tidings@", "others@") },
      "another topic": { topic: "projects/my-project/topics/others" },
    },
    secretValues,
    errors: [
      ...httpErrors(),
      failing("no permission", 403, "PERMISSION_DENIED", "denied"),
      failing("no topic", 404, "NOT_FOUND", "denied"),
      failing("a revoked encryption key", 400, "FAILED_PRECONDITION", "denied"),
      failing("a message that breaks the schema", 400, "INVALID_ARGUMENT", "refused"),
      failing("an exhausted quota", 429, "RESOURCE_EXHAUSTED", "slow_down"),
      failing("a conflict", 409, "ABORTED", "unavailable"),
      failing("a cancelled request", 499, "CANCELLED", "unavailable"),
      failing("a deadline", 504, "DEADLINE_EXCEEDED", "unavailable"),
      failing("an internal error", 500, "INTERNAL", "unavailable"),
      failing("an outage", 503, "UNAVAILABLE", "unavailable"),
      answered("fewer ids than messages", { status: 200, body: '{"messageIds":["1"]}' }, "unavailable"),
    ],
    hangs: [{ behaviour: { fault: "hang" } }],
    echoes: echoes(secretValues),
    arrives: (event, attempt) => ({
      id: event.id,
      type: event.type,
      attempt: attempt.id,
      order: orderKey(event),
      text: event.text,
    }),
    largest: Math.floor((9_990_000 - 500) / 4) * 3,
  };
}

export const cases: readonly KindCase[] = [await pubsubCase()];

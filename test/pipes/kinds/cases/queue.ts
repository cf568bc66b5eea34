// `queue` in the shared suite: a binding in place of the platform's, which checks as it does, and fails when told to.
// Real local queues are in queue.test.ts.

import { queue } from "../../../../src/pipes/kinds/queue.ts";
import type { DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import type { RoomState, Taken } from "../../peers/rooms.ts";
import type { KindCase, PeerControl, Refusal } from "../suite.ts";

type Sent = { body: unknown; contentType?: string };

/** Rejects with `error` from the call numbered `from` on, or never answers. */
interface Told {
  error?: string;
  hang?: boolean;
  from?: number;
}

/** A queue's binding, and control over it; `batches` are what it took, call by call. */
export function binding(): { bound: object; control: PeerControl & { batches: () => Sent[][] } } {
  let told: Told = {};
  let batches: Sent[][] = [];
  let [requests, open] = [0, 0];
  let refused: string[] = [];
  const waiting: (() => void)[] = [];
  const sendBatch = async (messages: Iterable<Sent>): Promise<void> => {
    requests++;
    open++;
    const { error, hang, from = 1 } = told;
    if (hang === true) {
      // Until it is forgotten: the runtime gives up a test that waits for nothing.
      await new Promise<void>((resolve) => waiting.push(resolve));
      throw new Error("forgotten");
    }
    open--;
    if (error !== undefined && requests >= from) throw new Error(error);
    const batch = [...messages];
    const sizes = batch.map(({ body }) => new TextEncoder().encode(JSON.stringify(body)).byteLength + 100);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (batch.length > 100 || total > 256_000 || sizes.some((size) => size > 128_000)) {
      refused.push(`${batch.length} messages of ${total} bytes`);
      throw new Error("Queue sendBatch failed: Payload Too Large");
    }
    batches.push(batch);
  };
  const takenOf = ({ body, contentType }: Sent): Taken => {
    const { type, data } = body as { type: string; data: { id: string } };
    return { id: data.id, type, attempt: null, order: null, text: JSON.stringify(body), raw: contentType };
  };
  return {
    bound: { sendBatch },
    control: {
      batches: () => batches,
      behave: async (behaviour) => void (told = behaviour as Told),
      tell: async (): Promise<Omit<RoomState, "flooded">> => {
        return { taken: batches.flat().map(takenOf), requests, open, refused };
      },
      forget: async () => {
        [told, batches, refused] = [{}, [], []];
        [requests, open] = [0, 0];
        for (const leave of waiting.splice(0)) leave();
      },
    },
  };
}

const failing = (words: string, result: DeliveryResult): Refusal => {
  return { when: words, behaviour: { error: words }, result, status: null };
};

const { bound, control } = binding();

export const cases: readonly KindCase[] = [
  {
    name: "queue",
    kind: queue,
    control,
    bindings: { CRM_EVENTS: bound },
    settings: (changes = {}) => ({ binding: "CRM_EVENTS", ...changes }),
    wrong: { "a binding that is not there": { binding: "OTHERS" }, "a database": { binding: "DB" } },
    secretValues: [],
    errors: [
      failing("Queue sendBatch failed: Too Many Requests", "slow_down"),
      failing("Queue sendBatch failed: Payload Too Large", "refused"),
      failing("Queue sendBatch failed: Bad Request", "refused"),
      failing("Queue sendBatch failed: Not Found", "denied"),
      failing("Queue sendBatch failed: Internal Server Error", "unavailable"),
      failing("Network connection lost.", "unavailable"),
    ],
    hangs: [{ behaviour: { hang: true } }],
    arrives: ({ id, type, text }) => ({ id, type, attempt: null, order: null, text }),
    largest: 127_900,
  },
];

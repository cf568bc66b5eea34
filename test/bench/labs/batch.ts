// A batch as the platform hands it to a consumer, from messages in hand.

export interface LabBatch<Body> extends MessageBatch<Body> {
  /** Throws unless every message was acknowledged. */
  check(): void;
}

export function toBatch<Body>(queue: string, bodies: readonly Body[]): LabBatch<Body> {
  const acknowledged = new Set<number>();
  const messages = bodies.map((body, index) => ({
    id: String(index),
    timestamp: new Date(),
    attempts: 1,
    body,
    ack: () => void acknowledged.add(index),
    retry: () => undefined,
  }));
  return {
    queue,
    messages,
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll: () => messages.forEach(({ ack }) => ack()),
    retryAll: () => undefined,
    check: () => {
      if (acknowledged.size < bodies.length)
        throw new Error(`${bodies.length - acknowledged.size} of ${bodies.length} messages were not taken`);
    },
  };
}

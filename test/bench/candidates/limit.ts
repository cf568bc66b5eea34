// The least that a Worker can do: take the body and hand it to the queue. No routes, no credentials, no checks. What no
// message can hold goes to the bucket, with its name in the message, for a limit that loses deliveries would be none.

export interface LimitEnv {
  QUEUE: Pick<Queue, "send">;
  BUCKET: Pick<R2Bucket, "put">;
}

const MAX_MESSAGE = 127_000; // bytes

export default {
  async fetch(request: Request, { QUEUE, BUCKET }: LimitEnv): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.byteLength <= MAX_MESSAGE) await QUEUE.send(body, { contentType: "bytes" });
    else {
      const key = crypto.randomUUID();
      await BUCKET.put(key, body);
      await QUEUE.send(key, { contentType: "text" });
    }
    return new Response();
  },
};

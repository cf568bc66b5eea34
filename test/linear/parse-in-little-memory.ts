// Parses a body in a thread of its own, whose memory memory.test.ts bounds: a thread that needs more of it dies alone.

import { parentPort, workerData } from "node:worker_threads";
import { providers } from "../../src/providers/index.ts";

const { provider, body } = workerData as { provider: string; body: string };
const parsed = providers[provider]?.parse({
  method: "POST",
  url: `https://edge.example/webhooks/${provider}`,
  headers: new Headers(),
  body: new TextEncoder().encode(body),
  receivedAt: 1.79e12,
  settings: {},
});
const answer = parsed && {
  events: parsed.events.length,
  reasons: parsed.rejects.map(({ reason }) => reason),
  kept: parsed.rejects.map(({ raw }) => raw.length),
};
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(answer);

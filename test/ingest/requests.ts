// Senders' requests, and Tidings' answers to them.

import { capture, envWith, send } from "../support/support.ts";

/** Sends the request; returns the answer's status and text. */
export async function answerOf(request: Request, bindings: Env = envWith({ QUEUE: capture().queue })) {
  const response = await send(request, bindings);
  return { status: response.status, text: await response.text() };
}

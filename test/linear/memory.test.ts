// A body of 5 MB fits into an isolate's 128 MB, together with what is read from it, however many tiny parts it has.

import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { counted, run, type Shape } from "./shapes.ts";

const BYTES = 5_000_000;
/** MB. An isolate has 128 for all of its requests. */
const LITTLE = { maxOldGenerationSizeMb: 72, maxYoungGenerationSizeMb: 24 };

const BODIES: readonly [name: string, provider: string, shape: Shape, reason: string][] = [
  ["empty objects", "mailjet", run("{},", "[", "1]"), "more than 300000 values in one JSON"],
  ["empty arrays", "generic", run("[],", "[", "1]"), "more than 300000 values in one JSON"],
  ["numbers", "sendgrid", run("1,", "[", "1]"), "more than 300000 values in one JSON"],
  [
    "fields of one object",
    "generic",
    counted((n) => `"${n.toString(36)}":1,`, "{", '"a":1}'),
    "more than 300000 values in one JSON",
  ],
  ["XML elements", "generic", run("<b/>", "<a>", "</a>"), "more than 50000 nodes in one XML"],
  [
    "XML elements with an attribute",
    "generic",
    run("<b x='1'/>", "<a>", "</a>"),
    "more than 50000 nodes in one XML",
  ],
  ["XML attributes", "generic", counted((n) => ` a${n}=''`, "<a", "/>"), "more than 50000 nodes in one XML"],
  ["form fields", "generic", counted((n) => `${n.toString(36)}=1&`), "more than 10000 fields in one form"],
  ["parameters", "jangomail", counted((n) => `${n.toString(36)}=1&`), "more than 10000 fields in one form"],
  ["fields of a signed form", "mandrill", run("a=&"), "more than 100 fields in one form"],
  ["lines", "mailtrap", run("1\n"), "the body is not JSON"],
];

it.each(BODIES)("5 MB of %s become one dead letter, whole", async (_name, provider, shape, reason) => {
  const body = shape(BYTES);
  const worker = new Worker(fileURLToPath(new URL("./parse-in-little-memory.ts", import.meta.url).href), {
    workerData: { provider, body },
    resourceLimits: LITTLE,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const parsed = await new Promise((resolve, reject) => {
    worker.on("message", resolve).on("error", reject);
  });
  expect(parsed).toEqual({ events: 0, reasons: [reason], kept: [body.length] });
});

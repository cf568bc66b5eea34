// fauxqs in a thread of its own, loaded by Node alone: Vite would go through all of its files and warn of each.

import { parentPort } from "node:worker_threads";
import { startFauxqs } from "fauxqs";

const region = "eu-west-1";
const server = await startFauxqs({ port: 0, logger: false, defaultRegion: region });
server.createQueue("events", { region });
server.createQueue("small", { region, attributes: { MaximumMessageSize: "2048" } });
server.createQueue("events.fifo", { region, attributes: { FifoQueue: "true" } });
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a thread, not a window
parentPort?.postMessage(server.port);

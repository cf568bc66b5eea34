// Starts the real peers for `npm run test:peers`. One that cannot be had here is left out, with the reason; its tests
// are skipped then.

import { dirname } from "node:path";
import type { TestProject } from "vitest/node";
import { start } from "./rabbitmq.ts";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const authority = process.env["NODE_EXTRA_CA_CERTS"];
  const folder = authority === undefined ? null : dirname(authority);
  const rabbitmq = await start(folder);
  if (typeof rabbitmq === "string") console.warn(`skipped: RabbitMQ ${rabbitmq}`);
  project.provide(
    "peers",
    typeof rabbitmq === "string" ? {} : { rabbitmq: rabbitmq.port, rabbitmqTls: rabbitmq.tlsPort },
  );
  return async () => {
    if (typeof rabbitmq !== "string") await rabbitmq.stop();
  };
}

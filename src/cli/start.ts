// `npm start`: runs Tidings on this machine and keeps its data in .wrangler/state from one run to the next.

import { join } from "node:path";
import { banner } from "./banner.ts";
import { DEFAULT_PORT, readOptions, START_USAGE } from "./options.ts";
import { findPort, portInUse, startEdge } from "./edge.ts";
import { ensureDevVars, missingDevVars, readDevVars } from "./settings.ts";
import { lockState } from "./lock.ts";
import { beforeExit, giveUp, run, stopOnSignals } from "./shutdown.ts";
import { ROOT } from "./wrangler.ts";

await run(async () => {
  const options = readOptions("start", process.argv.slice(2));
  if (!options.ok) return await giveUp(options.reason, 2);
  if (options.value.help) return console.log(START_USAGE);
  const port = options.value.port ?? DEFAULT_PORT;
  const isFree = async (asked: number): Promise<boolean> => (await findPort(asked)) !== null;
  const lock = await lockState(join(ROOT, ".wrangler", "state"), port, isFree, Date.now());
  if (!lock.ok) return await giveUp(lock.reason);
  beforeExit(lock.value);
  if (!(await isFree(port))) return await giveUp(portInUse("npm start", port));
  stopOnSignals(() => 0);
  if (await ensureDevVars()) {
    console.log("Created .dev.vars from .dev.vars.example: credentials for this machine only.");
  }
  const missing = await missingDevVars();
  if (missing.length > 0)
    console.log(
      `.dev.vars lacks ${missing.join(" and ")}, which newer code needs: copy from .dev.vars.example.`,
    );
  console.log("Starting ...");
  // Before the banner, log lines matter only if they explain a failure, and startEdge collects those.
  let up = false;
  const log = (line: string): void => {
    if (up) console.log(line);
  };
  const edge = await startEdge({ port, state: null, log });
  if (!edge.ok) return await giveUp(edge.reason);
  up = true;
  console.log(`\n${banner(edge.value, await readDevVars(), Date.now())}`);
  console.log("Its log follows. Ctrl-C stops it.\n");
  await edge.value.ended;
  await giveUp("the Worker stopped");
});

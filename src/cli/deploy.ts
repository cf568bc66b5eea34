// `npm run deploy`: applies the database's migrations and deploys the Worker, in the order in which the code never
// meets an older schema. On the first deployment wrangler must create the database first, together with the bucket and
// the queues. At the end it makes the queues keep their messages for as long as Cloudflare allows, because that is a
// setting of the queue itself, which wrangler.toml does not know.

import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { runWrangler, spawnWrangler } from "./wrangler.ts";
import { giveUp, run } from "./shutdown.ts";
import { keepLonger, QUEUES } from "./queues.ts";

const DATABASE = "tidings"; // as wrangler.toml names it

await run(async () => {
  const rest = process.argv.slice(2); // e.g. --secrets-file .secrets
  const examples = await examplesIn(rest[rest.indexOf("--secrets-file") + 1], rest);
  if (examples.length > 0)
    return await giveUp(`put in your own values; these are still the example's: ${examples.join(", ")}`);
  const info = await runWrangler(["d1", "info", DATABASE, "--json"]);
  const isNew = !info.ok && /couldn't find/i.test(info.reason);
  if (!info.ok && !isNew) return await giveUp(info.reason);
  const migrate = async () => await step("migrations", ["d1", "migrations", "apply", DATABASE, "--remote"]);
  const deploy = async () => await step("deployment", ["deploy", ...rest]);
  for (const next of isNew ? [deploy, migrate] : [migrate, deploy]) {
    if (!(await next())) return await giveUp("stopped there; fix the reported problem and run it again");
  }
  for (const queue of QUEUES) {
    const kept = await runWrangler(keepLonger(queue));
    if (!kept.ok) console.warn(`${queue} keeps its messages no longer than before: ${kept.reason}`);
  }
});

/** The names of settings in a secrets file that still have the example's values, which are public. */
async function examplesIn(file: string | undefined, args: readonly string[]): Promise<string[]> {
  if (file === undefined || !args.includes("--secrets-file")) return [];
  const text = await readFile(file, "utf8").catch(() => ""); // wrangler reports what is wrong with the file
  return Object.entries(parseEnv(text)).flatMap(([name, value = ""]) =>
    /local-only|bG9jYWwtb25seS/.test(value) ? [name] : [],
  );
}

/** Runs wrangler with its output on the screen; returns whether it succeeded. */
async function step(name: string, args: readonly string[]): Promise<boolean> {
  console.log(`== ${name}`);
  const child = spawnWrangler(args, "inherit");
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", resolve);
  });
  return code === 0;
}

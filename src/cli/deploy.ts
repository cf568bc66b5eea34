// `npm run deploy`: the database's migrations and the Worker, in the order that never lets code meet an older schema. On
// the first deployment wrangler has to make the database first, together with the bucket and the queues.

import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { runWrangler, spawnWrangler } from "./wrangler.ts";
import { giveUp, run } from "./shutdown.ts";

const DATABASE = "tidings"; // as wrangler.toml names it

await run(async () => {
  const rest = process.argv.slice(2); // e.g. --secrets-file .secrets
  const examples = await examplesIn(rest[rest.indexOf("--secrets-file") + 1], rest);
  if (examples.length > 0)
    return await giveUp(`put your own words in, for these still are the example's: ${examples.join(", ")}`);
  const info = await runWrangler(["d1", "info", DATABASE, "--json"]);
  const isNew = !info.ok && /couldn't find/i.test(info.reason);
  if (!info.ok && !isNew) return await giveUp(info.reason);
  const migrate = async () => await step("migrations", ["d1", "migrations", "apply", DATABASE, "--remote"]);
  const deploy = async () => await step("deployment", ["deploy", ...rest]);
  for (const next of isNew ? [deploy, migrate] : [migrate, deploy]) {
    if (!(await next())) return await giveUp("stopped there; mend what it says and run it again");
  }
});

/** Settings of a secrets file that still are the example's, which everybody knows. */
async function examplesIn(file: string | undefined, args: readonly string[]): Promise<string[]> {
  if (file === undefined || !args.includes("--secrets-file")) return [];
  const text = await readFile(file, "utf8").catch(() => ""); // what is wrong with the file, wrangler says
  return Object.entries(parseEnv(text)).flatMap(([name, value = ""]) =>
    /local-only|bG9jYWwtb25seS/.test(value) ? [name] : [],
  );
}

/** Runs wrangler with its words on the screen; whether it succeeded. */
async function step(name: string, args: readonly string[]): Promise<boolean> {
  console.log(`== ${name}`);
  const child = spawnWrangler(args, "inherit");
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", resolve);
  });
  return code === 0;
}

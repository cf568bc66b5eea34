// `npm run test:docs`: every command in the README and in the pages of src/docs is run or checked, every answer
// compared, every link followed within the documentation.

import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { copyCode } from "../../src/cli/copy-code.ts";
import { findPort, startEdge, type Edge } from "../../src/cli/edge.ts";
import { beforeExit, giveUp, run, shutDown, stopOnSignals } from "../../src/cli/shutdown.ts";
import { ROOT } from "../../src/cli/wrangler.ts";
import { readPages } from "../../src/docs/site/build.ts";
import { readPage, type Page } from "../../src/docs/site/page.ts";
import { checkLinks } from "./links.ts";
import { runPage, type Report } from "./run-page.ts";

const USAGE = `npm run test:docs [-- --jobs N] [-- PAGE...]

  Runs every \`\`\`sh block of README.md and src/docs against Tidings on this machine, on a fresh state of its own, and compares
  the answers that pages show. Commands that need an account or take long are checked against their help. Follows all links.
  PAGE         only pages whose path has this in it; links of all
  --jobs N     pages at the same time (default 6)`;

const DATA = join(".wrangler", `docs-${process.pid}`);

await run(async () => {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: { jobs: { type: "string", default: "6" }, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help === true) return console.log(USAGE);
  stopOnSignals((signal) => (signal === "SIGINT" ? 130 : 143));
  const begun = Date.now();
  const pages = [await readReadme(), ...(await readPages())];
  const { links, problems } = checkLinks(pages);
  for (const problem of problems) console.log(`✗ ${problem}`);
  const wanted = pages.filter(
    ({ file }) => positionals.length === 0 || positionals.some((one) => file.includes(one)),
  );
  if (wanted.length === 0) return await giveUp(`no page has ${positionals.join(" or ")} in its path`);
  const edge = await start();
  const reports = await runAll(wanted, edge, Number(values.jobs));
  const sum = (name: Exclude<keyof Report, "problems">): number =>
    reports.reduce((all, one) => all + one[name], 0);
  const failures = problems.length + reports.reduce((all, one) => all + one.problems.length, 0);
  console.log(
    `${wanted.length} pages in ${Math.round((Date.now() - begun) / 1000)} s: ${sum("blocks")} blocks with ${sum("requests")} ` +
      `requests ran, ${sum("answers")} answers are as shown, ${sum("checked")} commands were checked against their help, ` +
      `${sum("foreign")} of other tools only read, ${links} links followed. ${failures === 0 ? "All is well." : `${failures} problems.`}`,
  );
  await shutDown(failures === 0 ? 0 : 1);
});

async function readReadme(): Promise<Page> {
  return readPage("README.md", await readFile(join(ROOT, "README.md"), "utf8"));
}

/** Starts the Worker on a fresh state, with the credentials of .dev.vars.example, which the pages use. */
async function start(): Promise<Edge> {
  const port = await findPort(0);
  if (port === null) return await giveUp("no port of this machine is free");
  await mkdir(join(ROOT, DATA), { recursive: true });
  beforeExit(async () => await rm(join(ROOT, DATA), { recursive: true, force: true }));
  const config = await copyCode(join(ROOT, DATA, "code"));
  const lines: string[] = [];
  const edge = await startEdge({
    port,
    state: DATA,
    config,
    envFile: join(ROOT, ".dev.vars.example"),
    log: (line) => void lines.push(line),
  });
  if (!edge.ok) return await giveUp(edge.reason);
  if (edge.value.problems.length > 0)
    return await giveUp(`the configuration: ${edge.value.problems.join("; ")}`);
  void edge.value.ended.then(async () => await giveUp(`the Worker stopped:\n${lines.slice(-30).join("\n")}`));
  return edge.value;
}

/** Runs the pages, a limited number at a time, and reports each as it ends. */
async function runAll(pages: readonly Page[], edge: Edge, jobs: number): Promise<Report[]> {
  const waiting = [...pages.entries()];
  const reports: Report[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [number, page] = next;
      const report = await runPage(page, {
        url: edge.url,
        folder: join(ROOT, DATA, "pages", String(number)),
      });
      reports.push(report);
      if (report.problems.length === 0) console.log(`✓ ${page.file}: ${report.blocks} blocks`);
      for (const problem of report.problems) console.log(`✗ ${problem}`);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs || 1) }, work));
  return reports;
}

// `npm run test:peers`: pipes against the real thing where it can be installed here. Apart from `npm test`, because
// what is installed and started for it takes its time. What follows `--` is vitest's.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { makeCertificate } from "./peers/certificate.ts";

const root = new URL("../..", import.meta.url).pathname;
const certificate = makeCertificate();
if (certificate === null)
  console.warn("skipped: all with TLS, because there is no openssl to make a certificate");

const tests = spawn(
  process.execPath,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    "run",
    "--config",
    "test/pipes/vitest.config.ts",
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: "inherit",
    // The runtime's loader reads this as soon as it is imported, so it has to be there before vitest is.
    env: { ...process.env, ...(certificate === null ? {} : { NODE_EXTRA_CA_CERTS: certificate.authority }) },
  },
);
tests.once("exit", (code) => {
  if (certificate !== null) rmSync(certificate.folder, { recursive: true, force: true });
  process.exitCode = code ?? 1;
});

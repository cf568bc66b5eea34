// A certificate for localhost by an authority of this run alone, for peers that speak TLS. The Workers' runtime trusts
// it if NODE_EXTRA_CA_CERTS names the authority before it starts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  folder: string;
  authority: string;
  certificate: string;
  key: string;
}

/** The files of a folder that `makeCertificate` made. */
export const certificateIn = (folder: string): Certificate => ({
  folder,
  authority: join(folder, "authority.pem"),
  certificate: join(folder, "server.pem"),
  key: join(folder, "server.key"),
});

/** Makes one in a new temporary folder; null where there is no openssl. */
export function makeCertificate(): Certificate | null {
  const folder = mkdtempSync(join(tmpdir(), "tidings-tls-"));
  const run = (command: string): boolean =>
    spawnSync("openssl", command.split(" "), { cwd: folder, stdio: "ignore" }).status === 0;
  writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  const made =
    run(
      "req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.pem -days 2 -subj /CN=tidings-tests",
    ) &&
    run("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost") &&
    run(
      "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -out server.pem -days 2 -extfile names",
    );
  return made ? certificateIn(folder) : null;
}

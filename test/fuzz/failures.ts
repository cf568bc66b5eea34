// Stores a finding as a file with its requests, byte for byte, which `--replay` sends again.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../src/cli/wrangler.ts";
import type { Finding, FuzzRequest } from "./types.ts";

const FAILURES = join(".wrangler", "fuzz", "failures");

type Stored = Omit<FuzzRequest, "body" | "pipeline"> & { body: string; pipeline: Stored[] };

/** Writes the finding; returns the file's path below the project. */
export async function keepFinding(finding: Finding, seed: number, number: number): Promise<string> {
  const file = join(FAILURES, `seed-${seed}-${number}.json`);
  await mkdir(join(ROOT, FAILURES), { recursive: true });
  const content = { what: finding.what, seed, requests: finding.requests.map(toStored) };
  await writeFile(join(ROOT, file), `${JSON.stringify(content, null, 2)}\n`);
  return file;
}

/** The requests of a failure's file. Throws if the file cannot be read. */
export async function readRequests(file: string): Promise<FuzzRequest[]> {
  const { requests } = JSON.parse(await readFile(file, "utf8")) as { requests: Stored[] };
  return requests.map(fromStored);
}

function toStored({ body, pipeline, ...rest }: FuzzRequest): Stored {
  return { ...rest, body: body.toString("base64"), pipeline: pipeline.map(toStored) };
}

function fromStored({ body, pipeline, ...rest }: Stored): FuzzRequest {
  return { ...rest, body: Buffer.from(body, "base64"), pipeline: pipeline.map(fromStored) };
}

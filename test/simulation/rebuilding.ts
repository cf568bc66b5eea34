// Loses the database, has it rebuilt, and checks what only a rebuild must keep. All else is as if it had never been lost.

import { env } from "cloudflare:workers";
import { emptyDatabase } from "./forget.ts";
import { fetchFrom, invocation, type Begun, type Simulation } from "./history.ts";
import type { Witness } from "./witness.ts";

/** Leaves an empty database with what the migrations put into a new one. `now`: ms. */
export async function loseDatabase(witness: Witness, now: number): Promise<void> {
  witness.lost = true;
  await emptyDatabase([
    env.DB.prepare("INSERT INTO jobs (name, since) VALUES ('', ?1)").bind(now),
    env.DB.prepare("INSERT INTO respelling (id) VALUES (1)"),
    env.DB.prepare("INSERT INTO counting (one, position) VALUES (1, 0)"),
  ]);
}

/** A request to the API; `fine`: answers that are no violation, beside 503. */
function calling(
  { apiToken, pipes, witness }: Simulation,
  {
    method = "POST",
    path,
    body,
    fine,
  }: { method?: string; path: string; body: unknown; fine: readonly number[] },
  name: string,
  done: (status: number) => void = () => {},
): Begun {
  const headers = { authorization: `Bearer ${apiToken}`, "content-type": "application/json" };
  const begun = invocation(
    name,
    async (bindings) => {
      const init = { method, headers, body: body === null ? null : JSON.stringify(body) };
      return await fetchFrom(new Request(`https://edge.example/v1/${path}`, init), bindings, { pipes });
    },
    (died) => {
      const { value } = begun.runner.outcome;
      if (died) return;
      if (typeof value === "number" && fine.includes(value)) done(value);
      else if (value !== 503) witness.refused.push(`${path} was answered ${String(value)}`);
    },
  );
  return begun;
}

/** A person makes a pipe. Its object works, but nobody rings its alarm, so that it passes on nothing. */
export function install(simulation: Simulation, pipe: string, name: string): Begun {
  const settings = { url: `https://${pipe}.example.com/`, batch: false };
  const body = { name: pipe, kind: "webhook", settings, filter: 'type in ["delivered","bounced"]' };
  return calling(simulation, { path: "pipes", body, fine: [201, 409] }, name, (status) => {
    if (status === 201) simulation.witness.installed.add(pipe);
  });
}

/** A person asks for a rebuild. It is refused while pipes run, as they do if the database was never lost. */
export function askRebuild(simulation: Simulation, name: string): Begun {
  return calling(simulation, { path: "storage/rebuild", body: null, fine: [200, 409] }, name);
}

/** A person deletes all pipes, for which system events about erased contacts would wait. */
export async function uninstalls(simulation: Simulation): Promise<Begun[]> {
  const { results } = await env.DB.prepare("SELECT id FROM pipes ORDER BY id").all<{ id: string }>();
  return results.map(({ id }) =>
    calling(simulation, { method: "DELETE", path: `pipes/${id}`, body: null, fine: [204] }, "uninstall"),
  );
}

/** Whether the rebuild is done, and has passed over nothing: if it has, a person asks again. */
export async function isRebuilt(): Promise<boolean> {
  const row = await env.DB.prepare("SELECT finished_at, skipped FROM rebuild").first<{
    finished_at: number | null;
    skipped: number;
  }>();
  return row !== null && row.finished_at !== null && row.skipped === 0;
}

/** All violations of what a rebuild promises beside the rest: pipes are there and rest, and it keeps no address. */
export async function checkRebuilt({ installed }: Witness): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT name, paused, filter FROM pipes").all<{
    name: string;
    paused: string | null;
    filter: string | null;
  }>();
  const wrong = [...installed].flatMap((name) => {
    const pipe = results.find((one) => one.name === name);
    if (pipe === undefined) return [`the pipe ${name} did not come back`];
    const cut = pipe.filter?.includes("received_at < timestamp(") === true;
    return [
      ...(pipe.paused === null ? [`the pipe ${name} came back and runs without its secrets`] : []),
      ...(cut ? [] : [`the pipe ${name} would pass on everything again`]),
    ];
  });
  const cursor = await env.DB.prepare("SELECT cursor FROM rebuild").first("cursor");
  return String(cursor).includes("@") ? [...wrong, `the rebuild remembers ${String(cursor)}`] : wrong;
}

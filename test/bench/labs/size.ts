// Starts a candidate in an isolate of its own, never used before, and has it take a provider's request: with the right
// credentials, so that everything is asked of it that a first webhook asks.

interface LabEnv {
  LOADER: WorkerLoader;
  CODES: Record<string, string>;
  VARS: Record<string, string>;
}

/** The first request of an isolate. */
export interface FirstRequest {
  candidate: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What a candidate needs to answer; functions cannot be passed to another isolate, so the others' code is left as it is. */
const SHIM = `
  import worker from "./worker.js";
  export default {
    async fetch(request, env, ctx) {
      const QUEUE = { send: async () => null, sendBatch: async () => null };
      const response = await worker.fetch(request, { ...env, QUEUE }, ctx);
      return new Response(await response.text(), { status: response.status });
    },
  };`;

export default {
  async fetch(request: Request, { LOADER, CODES, VARS }: LabEnv): Promise<Response> {
    const { candidate, path, headers, body } = await request.json<FirstRequest>();
    const code = CODES[candidate] ?? "";
    const worker = LOADER.get(crypto.randomUUID(), () => ({
      compatibilityDate: "2026-11-01",
      mainModule: "shim.js",
      modules: { "shim.js": SHIM, "worker.js": code },
      env: VARS,
    }));
    const bytes = new TextEncoder().encode(body);
    // As the HTTP layer hands it over: with the length that the sender declared.
    const init = {
      method: "POST",
      headers: { ...headers, "content-length": String(bytes.length) },
      body: bytes,
    };
    return await worker.getEntrypoint().fetch(`https://edge.example${path}`, init);
  },
};

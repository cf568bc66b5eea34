// Starts a candidate in an isolate of its own, never used before, and asks it something that it answers by itself: here a
// GET, which Tidings and the tutorial refuse and the limit takes for an empty body.

interface LabEnv {
  LOADER: WorkerLoader;
  CODES: Record<string, string>;
  VARS: Record<string, string>;
}

/** What the limit needs to answer; functions cannot be passed to another isolate, so the others' code is left as it is. */
const SHIM = `
  import worker from "./worker.js";
  export default {
    async fetch(request, env, ctx) {
      const QUEUE = { send: async () => null };
      await (await worker.fetch(request, { ...env, QUEUE }, ctx)).arrayBuffer();
      return new Response("started");
    },
  };`;

export default {
  async fetch(request: Request, { LOADER, CODES, VARS }: LabEnv): Promise<Response> {
    const code = CODES[await request.text()] ?? "";
    const worker = LOADER.get(crypto.randomUUID(), () => ({
      compatibilityDate: "2026-11-01",
      mainModule: "shim.js",
      modules: { "shim.js": SHIM, "worker.js": code },
      env: VARS,
    }));
    return await worker.getEntrypoint().fetch("https://edge.example/webhooks/mailjet");
  },
};

// What a pipe's object loads only when it works: all kinds and their transports, and the language of filters. By one import, so
// that there is one thing to wait for.

export { attempt } from "./attempt.ts";
export { loadPipe } from "./load.ts";
export { select } from "./select.ts";

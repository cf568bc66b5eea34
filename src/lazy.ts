// What is not loaded with the Worker, but when something first asks for it.

import { once } from "./lib/once.ts";

export const loadApp = once(async () => await import("./app.ts"));
export const loadBackground = once(async () => await import("./background.ts"));

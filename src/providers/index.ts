// Every provider Tidings understands. A new one is its file, its fixtures and a line here.

import { cloudflare } from "./cloudflare.ts";
import { generic } from "./generic.ts";
import { jangomail } from "./jangomail.ts";
import { mailjet } from "./mailjet.ts";
import type { Provider } from "./provider.ts";

export type * from "./provider.ts";

/** By id. */
export const providers: Record<string, Provider> = {
  cloudflare,
  generic,
  jangomail,
  mailjet,
};

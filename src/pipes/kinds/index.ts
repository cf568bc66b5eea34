// All kinds of pipe, by id: a new one is a file and a line.

import type { Kind } from "./kind.ts";
import { webhook } from "./webhook.ts";

const ALL: readonly Kind[] = [webhook];

export const kinds: Readonly<Record<string, Kind>> = Object.fromEntries(ALL.map((one) => [one.id, one]));

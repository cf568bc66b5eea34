// Every sender of the demo; one line each.

import type { Dialect } from "../types.ts";
import { cloudflare } from "./cloudflare.ts";
import { generic, intranet } from "./generic.ts";
import { jangomail } from "./jangomail.ts";
import { mailjet } from "./mailjet.ts";
import { sendgrid } from "./sendgrid.ts";

/** The first sends the largest share, and the examples. */
export const DIALECTS: readonly Dialect[] = [mailjet, jangomail, generic, intranet, sendgrid, cloudflare];

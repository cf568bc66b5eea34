// Every sender of the demo; one line each.

import type { Dialect } from "../types.ts";
import { ahasend } from "./ahasend.ts";
import { generic, intranet } from "./generic.ts";
import { jangomail } from "./jangomail.ts";
import { lettermint } from "./lettermint.ts";
import { mailjet } from "./mailjet.ts";
import { postal } from "./postal.ts";
import { sendgrid } from "./sendgrid.ts";
import { unisender } from "./unisender.ts";

/** The first sends the largest share, and the examples. */
export const DIALECTS: readonly Dialect[] = [
  mailjet,
  jangomail,
  generic,
  intranet,
  sendgrid,
  ahasend,
  lettermint,
  postal,
  unisender,
];

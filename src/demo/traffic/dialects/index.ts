// All senders of the demo, one line each.

import type { Dialect } from "../types.ts";
import { ahasend } from "./ahasend.ts";
import { azure } from "./azure.ts";
import { brevo } from "./brevo.ts";
import { cloudflare } from "./cloudflare.ts";
import { elasticemail } from "./elasticemail.ts";
import { generic, intranet } from "./generic.ts";
import { jangomail } from "./jangomail.ts";
import { lettermint } from "./lettermint.ts";
import { mailersend } from "./mailersend.ts";
import { mailgun } from "./mailgun.ts";
import { mailjet } from "./mailjet.ts";
import { mailtrap } from "./mailtrap.ts";
import { mandrill } from "./mandrill.ts";
import { postal } from "./postal.ts";
import { postmark } from "./postmark.ts";
import { resend } from "./resend.ts";
import { scaleway } from "./scaleway.ts";
import { sendgrid } from "./sendgrid.ts";
import { sendpulse } from "./sendpulse.ts";
import { ses } from "./ses.ts";
import { sparkpost } from "./sparkpost.ts";
import { sweego } from "./sweego.ts";
import { unisender } from "./unisender.ts";
import { zeptomail } from "./zeptomail.ts";

/** The first dialect sends the largest share, and the examples. */
export const DIALECTS: readonly Dialect[] = [
  mailjet,
  jangomail,
  generic,
  intranet,
  ahasend,
  azure,
  brevo,
  cloudflare,
  elasticemail,
  lettermint,
  mailersend,
  mailgun,
  mailtrap,
  mandrill,
  postal,
  postmark,
  resend,
  scaleway,
  sendgrid,
  sendpulse,
  ses,
  sparkpost,
  sweego,
  unisender,
  zeptomail,
];

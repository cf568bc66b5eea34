// Every provider that Tidings supports. To add one, add its file, its fixtures and a line here.

import { ahasend } from "./ahasend.ts";
import { azure } from "./azure.ts";
import { brevo } from "./brevo.ts";
import { cloudflare } from "./cloudflare.ts";
import { elasticemail } from "./elasticemail.ts";
import { generic } from "./generic/index.ts";
import { jangomail } from "./jangomail.ts";
import { lettermint } from "./lettermint.ts";
import { mailersend } from "./mailersend.ts";
import { mailgun } from "./mailgun/index.ts";
import { mailjet } from "./mailjet.ts";
import { mailtrap } from "./mailtrap.ts";
import { mandrill } from "./mandrill/index.ts";
import { postal } from "./postal.ts";
import { postmark } from "./postmark/index.ts";
import { resend } from "./resend.ts";
import { scaleway } from "./scaleway.ts";
import { sendgrid } from "./sendgrid/index.ts";
import { sendpulse } from "./sendpulse.ts";
import { ses } from "./ses/index.ts";
import { sparkpost } from "./sparkpost.ts";
import { sweego } from "./sweego.ts";
import { unisender } from "./unisender.ts";
import { zeptomail } from "./zeptomail/index.ts";
import type { Provider } from "./provider.ts";

export type * from "./provider.ts";

/** All providers by id. */
export const providers: Record<string, Provider> = {
  ahasend,
  azure,
  brevo,
  cloudflare,
  elasticemail,
  generic,
  jangomail,
  lettermint,
  mailersend,
  mailgun,
  mailjet,
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
};

/**
 * The provider with this id; undefined for any other text, including names that every object inherits ("constructor").
 */
export function providerNamed(id: string): Provider | undefined {
  return Object.hasOwn(providers, id) ? providers[id] : undefined;
}

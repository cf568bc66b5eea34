// A pipe ready to deliver: its kind found, its secrets decrypted, its settings checked, its filter compiled.

import { fail, ok, type Result } from "../lib/result.ts";
import type { PipeOptions, PipeRecord } from "../store/pipes/pipes.ts";
import { compileFilter, type Filter } from "./filter/filter.ts";
import { kindNamed } from "./kinds/index.ts";
import type { Kind } from "./kinds/kind.ts";
import { readSecrets } from "./settings.ts";
import { compileTemplate } from "./template/template.ts";
import type { Form } from "./transport/payload.ts";

/** A pipe that can deliver. */
export interface RunnablePipe {
  record: PipeRecord;
  kind: Kind;
  /** As the kind's schema returns them, secrets included. */
  settings: unknown;
  options: PipeOptions;
  /** Null passes on everything. */
  filter: Filter | null;
  form: Form;
}

/** Makes a pipe ready. Fails with a reason for people if it cannot deliver as it is. */
export async function loadPipe(env: Env, record: PipeRecord): Promise<Result<RunnablePipe>> {
  const kind = kindNamed(record.kind);
  if (kind === undefined) return fail(`there is no kind of pipe named ${record.kind} any more`);
  const secrets = await readSecrets(env, record);
  if (!secrets.ok) return secrets;
  const settings = kind.settings.safeParse({ ...record.settings, ...secrets.value });
  if (!settings.success) {
    const [issue] = settings.error.issues;
    const what = `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`;
    return fail(`its settings are not valid any more: ${what}`);
  }
  const filter = record.filter === null ? ok(null) : compileFilter(record.filter);
  if (!filter.ok) return fail(`its filter is not valid any more: ${filter.reason}`);
  const { options } = record;
  return ok({
    record,
    kind,
    options,
    settings: settings.data,
    filter: filter.value,
    form: formOf(settings.data),
  });
}

/** The payload form. Kinds that offer a choice have a setting `payload`, and with it `template`. `settings`: checked. */
export function formOf(settings: unknown): Form {
  const { payload, template } = settings as { payload?: unknown; template?: unknown };
  if (payload !== "template") return payload === "cloudevents" ? "cloudevents" : "event";
  const compiled = compileTemplate(template);
  if (!compiled.ok) throw new Error("a template was not checked");
  return compiled.value;
}

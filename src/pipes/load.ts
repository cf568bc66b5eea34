// A pipe ready to deliver: its kind found, its secrets opened, its settings checked, its filter compiled.

import { configOf } from "../config/config.ts";
import { fail, ok, type Result } from "../lib/result.ts";
import type { PipeOptions, PipeRecord } from "../store/pipes/pipes.ts";
import { compileFilter, type Filter } from "./filter/filter.ts";
import { kindNamed } from "./kinds/index.ts";
import type { Kind } from "./kinds/kind.ts";
import { PAYLOAD_FORMS, type PayloadForm } from "./transport/payload.ts";
import { decryptSecrets } from "./secrets.ts";

export interface RunnablePipe {
  record: PipeRecord;
  kind: Kind;
  /** As the kind's schema gives them, secrets included. */
  settings: unknown;
  options: PipeOptions;
  filter: Filter | null;
  form: PayloadForm;
}

/** Opens a pipe; fails with a reason for people where it cannot deliver as it is. */
export async function loadPipe(env: Env, record: PipeRecord): Promise<Result<RunnablePipe>> {
  const kind = kindNamed(record.kind);
  if (kind === undefined) return fail(`there is no kind of pipe named ${record.kind} any more`);
  const secrets =
    record.secrets === null
      ? ok({})
      : await decryptSecrets(configOf(env).pipeKeys, record.id, record.secrets);
  if (!secrets.ok) return secrets;
  const whole = { ...record.settings, ...(secrets.value as object) };
  const settings = kind.settings.safeParse(whole);
  if (!settings.success) {
    const [issue] = settings.error.issues;
    return fail(
      `its settings are not valid any more: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
    );
  }
  const filter = record.filter === null ? null : compileFilter(record.filter);
  if (filter !== null && !filter.ok) return fail(`its filter is not valid any more: ${filter.reason}`);
  const form = formOf(settings.data);
  return ok({
    record,
    kind,
    settings: settings.data,
    options: record.options,
    filter: filter === null ? null : filter.value,
    form,
  });
}

/** Kinds that offer a choice of payloads have a setting of this name. */
function formOf(settings: unknown): PayloadForm {
  const chosen = (settings as { payload?: unknown }).payload;
  return PAYLOAD_FORMS.find((form) => form === chosen) ?? "event";
}

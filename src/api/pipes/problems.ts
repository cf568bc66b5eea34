// Failures of the pipes' use-cases as problems of /v1.

import type { Result } from "../../lib/result.ts";
import type { PipeFailure, WrongSetting } from "../../pipes/failure.ts";
import { ProblemError } from "../kit/problem.ts";
import { iso } from "../views.ts";

/** The value of a result; a failure is thrown as the problem to answer with. */
export function valueOf<T>(result: Result<T, PipeFailure>): T {
  if (result.ok) return result.value;
  throw problemOf(result.reason);
}

/** The longest id that an answer repeats. */
const MOST_SHOWN = 64;

function problemOf(failure: PipeFailure): ProblemError {
  switch (failure.code) {
    case "no_pipe":
      return failure.id === null
        ? new ProblemError(404, "There is no pipe with this id.")
        : new ProblemError(404, `There is no pipe with the id ${failure.id.slice(0, MOST_SHOWN)}.`);
    case "no_event":
      return new ProblemError(404, `There is no event with the id ${failure.id.slice(0, MOST_SHOWN)}.`);
    case "no_kind":
      return new ProblemError(409, `There is no kind of pipe named ${failure.kind} any more.`);
    case "name_taken":
      return new ProblemError(409, `There is a pipe named ${failure.name} already.`);
    case "too_many_pipes":
      return new ProblemError(409, `There are ${failure.most} pipes, and no more are run.`);
    case "wrong_filter":
      return new ProblemError(400, `filter: ${failure.reason}`, [
        { parameter: "filter", reason: failure.reason },
      ]);
    case "wrong_settings":
      return wrongSettings(failure.wrong);
    case "too_many_redeliveries":
      return new ProblemError(
        409,
        `The pipe ${failure.name} has ${failure.most} redeliveries under way, and takes no more at once. Wait until some ` +
          "are done (`health.redeliveries` of the pipe counts them), or ask for a larger part at once.",
      );
    case "too_many_waiting":
      return new ProblemError(
        409,
        `Too many events wait in the pipe ${failure.name} already. Wait until some are done (\`health.waiting\` of the ` +
          "pipe counts them), or redeliver a part of the feed with `from`, which needs no place for each event.",
      );
    case "changed_meanwhile":
      return new ProblemError(
        409,
        "The pipe was changed meanwhile, or there is one of this name; read it again.",
      );
    case "already_paused":
      return new ProblemError(409, "It is paused already.");
    case "no_own_secrets":
      return new ProblemError(409, `A pipe of kind ${failure.kind} has no secrets that Tidings generates.`);
    case "too_many_secrets":
      return new ProblemError(
        409,
        "Three secrets are in use, and a fourth would take one of them from receivers that may still know no other. " +
          (failure.until === null
            ? "Name those that are needed in `settings.signing_secrets`, "
            : `The next one ends at ${iso(failure.until)}: rotate again then, `) +
          "or pass `now=true`, which ends all older ones at once.",
      );
    case "kind_lacks":
      return new ProblemError(409, `No pipe of kind ${failure.kind} can deliver here: ${failure.reason}.`);
    case "no_key":
      return new ProblemError(409, `A pipe of this kind has secrets, and ${failure.reason}.`);
    case "not_runnable":
      return new ProblemError(409, `The pipe cannot deliver: ${failure.reason}`);
  }
}

function wrongSettings(wrong: readonly WrongSetting[]): ProblemError {
  const errors = wrong.map(({ setting, reason }) => {
    return { parameter: setting === "" ? "settings" : `settings.${setting}`, reason };
  });
  const detail = errors.map(({ parameter, reason }) => `${parameter}: ${reason}`).join("; ");
  return new ProblemError(400, detail, errors);
}

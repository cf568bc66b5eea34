// `teams` in the shared suite, against a written peer.

import type { DeliveryResult } from "../../../../src/pipes/kinds/kind.ts";
import { teams } from "../../../../src/pipes/kinds/teams.ts";
import { TEAMS_HOOK } from "../../peers/known.ts";
import { answered, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase, Refusal } from "../suite.ts";
import { chatCase, said } from "./chat.ts";

const told = (status: number, code: string, result: DeliveryResult): Refusal =>
  said(`${status} ${code}`, status, { error: { code, message: "no" } }, result);

export async function teamsCase(): Promise<RoomCase> {
  const control = await openRoom("teams");
  return chatCase({
    name: "teams",
    kind: teams,
    control,
    hook: TEAMS_HOOK,
    ids: true,
    wrong: { "another signature": { url: `${control.url}${TEAMS_HOOK}X` } },
    secretValues: ["RightSignatureOfTeams"],
    errors: [
      answered("429 without a time", { status: 429, body: "" }, "slow_down", { retryAfter: 1000 }),
      {
        when: "a deleted workflow",
        settings: { url: `${control.url}/workflows/gone/triggers/manual/paths/invoke` },
        result: "gone",
        status: 404,
      },
      told(400, "WorkflowTriggerIsNotEnabled", "denied"),
      told(401, "DirectApiAuthorizationRequired", "denied"),
      told(400, "TriggerInputSchemaMismatch", "refused"),
      said("what an old connector answered", 200, "1", "unavailable"),
    ],
  });
}

export const cases: readonly KindCase[] = [await teamsCase()];

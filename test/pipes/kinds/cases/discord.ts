// `discord` in the shared suite, against a written peer.

import { discord } from "../../../../src/pipes/kinds/discord.ts";
import { DISCORD_HOOK } from "../../peers/known.ts";
import { answered, openRoom, type RoomCase } from "../rooms.ts";
import type { KindCase } from "../suite.ts";
import { chatCase, said } from "./chat.ts";

export async function discordCase(): Promise<RoomCase> {
  const control = await openRoom("discord");
  const wait = { message: "You are being rate limited.", retry_after: 3.25, global: false };
  return chatCase({
    name: "discord",
    kind: discord,
    control,
    hook: DISCORD_HOOK,
    ids: false,
    wrong: { "another token": { url: `${control.url}${DISCORD_HOOK}X` } },
    secretValues: ["Right-Token_of-Discord"],
    errors: [
      answered("429 with fractions", { status: 429, body: wait }, "slow_down", { retryAfter: 3250 }),
      answered("429 without a time", { status: 429, body: "error code: 1015" }, "slow_down", {
        retryAfter: 2000,
      }),
      {
        when: "a deleted webhook",
        settings: { url: `${control.url}/api/webhooks/1/gone` },
        result: "gone",
        status: 404,
      },
      said("a proxy's 404", 404, "<html>", "denied"),
      said("400 for one message", 400, { message: "Invalid Form Body", code: 50035 }, "refused"),
      said("a missing permission", 403, { message: "Missing Permissions", code: 50013 }, "denied"),
      said("204 of a server that is compatible", 204, "", "delivered"),
      said("200 with another object", 200, { code: 0 }, "unavailable"),
    ],
  });
}

export const cases: readonly KindCase[] = [await discordCase()];

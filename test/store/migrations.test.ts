// Migrations are frozen: a database that applied one will never apply it again, so editing it would only change
// databases that are made later. A change becomes a new migration, with a line in the list below; the failing test
// prints that line. There is no 0003: it was never merged, and its number stays free so that the order of the others is
// the order in which databases applied them.

import { expect, it } from "vitest";
import { MIGRATIONS } from "../../src/store/schema.ts";

/** The SHA-256 of each migration's bytes. */
const FROZEN: Readonly<Record<string, string>> = {
  "0001_events.sql": "4d718acd8be589d2cc746352e0cf12289693ac38a298b5470a1cc3f3fd911485",
  "0002_tokens.sql": "8952c0e5a3d8bb92385f6d29956591d1d3a291de53294501ff4607c90fcbb2ce",
  "0004_statistics.sql": "abbcdb6c528e5f60e162bd74ffd83086b2316f9a484decd8257ba8c25689cf25",
  "0005_erasure.sql": "9ff6ed6f247d3a1518f6645f2af1e4ee423b8e014a2bb33a0b29bfe3e2a3cb43",
  "0006_batches.sql": "722b37adfb12d27c967e9f16ca7967bd4f541c9aa4aff0ffa4361e5dadbc4ee7",
  "0007_pipes.sql": "ec4362783768f4ffe94e20ee061f3a50ececaa8c2ebfde230ae0e03ffc8726b0",
  "0008_jobs.sql": "2769e3ef37a121cfee674498c93f5add4a29cc8ab093a1ab71dd22839f0223c4",
  "0009_firsts.sql": "7ff8d745988e5f55d37ad736129eec59721a4f0360af0007585cd9db0aa10f97",
  "0010_erasure_mentions.sql": "60fdaf5c7bee8b5f67534c3df3d057b9599e04ec60b65f3c46e599c043812451",
  "0011_unknown_words.sql": "9b0501097234f8b3f502cc2f1b09ba2f0abdd01b3578e61f9053df98c54920e4",
  "0012_addresses.sql": "7eeec690ef6fe436f60ac9a0ffb01a2487d3df29345a40806d87d54a02f84c05",
  "0013_suppressions.sql": "31e63d2567034b185a244bf9f51976a2cc35e66753a49389c3852b450e395fb8",
  "0014_lifecycle.sql": "ebd21047fb17f3370088c822ed89a49ab12a40de4d8536b2599579e4724b91bf",
  "0015_questions.sql": "20d07c0fab67d2005ad93073d4da05377002633ecb56da30269a1dfe4c952a59",
  "0017_imports.sql": "16cd061012c43c4b7d17b194ca35fcf58a10b601a6214368cef4bdeed5e53724",
  "0018_given_up.sql": "fb14867e19ab40b32dc174fbb8cd72dd53f39637e9473b2bdc630cba7624576f",
  "0019_feed.sql": "401fe2dbae7ac946f3bad777d53efb4c36de2990a905a606a64c108b79da1028",
  "0020_operation.sql": "99e0fecb486de2bfc33359645322688bc583bd9e876ca76ea0238da3822e8b15",
  "0021_rebuild.sql": "4e8d61442d824d503fbbbbf9c5f1db36a4368a8ac5027fd262ba42fc0bef4b9f",
  "0022_storage.sql": "6e57881fcc82c4b56f07bacf89197d044d140dedab2f70dd08819e254c7f2d16",
  "0023_jurisdiction.sql": "7c30a2be7a8d987a0526cfaf1c8a98a65d2f8641065ae8d70c8ef6ea5597d3d1",
  "0024_repeats.sql": "692d93c3522190c1cc44a697eb606e95d9101b23182d6e761907643a39a18345",
  "0025_shards.sql": "f25f5120225a273d3b3fd19846bbdb4a60c85b870ab7c13759e73dad999c5765",
  "0026_slim.sql": "487eb680c352f3dc5d4c5da6fc1e289d177b1267f5c6294daf724f22ef24bdb7",
};

const TEXTS = Object.fromEntries(
  Object.entries(
    import.meta.glob("../../src/store/migrations/*.sql", { query: "?raw", import: "default", eager: true }),
  ).map(([path, text]) => [path.slice(path.lastIndexOf("/") + 1), text]),
);

async function sha256(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toString("hex");
}

it.each(Object.keys(FROZEN))("%s is unchanged since databases applied it", async (name) => {
  const text = TEXTS[name];
  expect(text, `${name} is gone: a database that applied it would not know where it stands`).toBeDefined();
  expect(
    await sha256(text ?? ""),
    `${name} was edited, but databases that applied it stay as they are: put the change into a new migration`,
  ).toBe(FROZEN[name]);
});

it("every migration is in the list, and a new one comes after all others", async () => {
  const names = Object.keys(TEXTS).toSorted();
  const missing = names.filter((name) => !Object.hasOwn(FROZEN, name));
  const lines = await Promise.all(
    missing.map(async (name) => `"${name}": "${await sha256(TEXTS[name] ?? "")}",`),
  );
  expect(lines, `add to FROZEN once it is final:\n${lines.join("\n")}`).toEqual([]);
  expect(Object.keys(FROZEN)).toEqual(names);
  expect(MIGRATIONS, "add it there, so that /healthz tells a database that lacks it").toEqual(names);
  const numbers = names.map((name) => name.slice(0, 4));
  expect(numbers).toEqual([...new Set(numbers)]);
});

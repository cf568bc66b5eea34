// Mutants of src/contact, src/model.

import type { Mutant } from "./mutant.ts";

export const CONTACT: readonly Mutant[] = [
  {
    name: "claims forget which delivery came first, so a redelivery counts as a repeat",
    file: "contact/claims.ts",
    from: "if (first !== origin) {",
    to: "{",
  },
  {
    name: "claims grant every event, repeats included",
    file: "contact/claims.ts",
    from: "if (first !== origin) {",
    to: "if (false) {",
  },
  {
    name: "a contact's state is stored only when it changes, not again after a crash",
    file: "contact/claims.ts",
    from: "(again || next.version !== state.version)",
    to: "next.version !== state.version",
  },
  {
    name: "an evicted object has forgotten its claims",
    file: "contact/contact.ts",
    from: "this.ctx.storage.kv.put(STATE, loaded.state);",
    to: "",
  },
  {
    name: "evidence from a former reading of a delivery still counts",
    file: "contact/claims.ts",
    from: "let facts = withoutOtherReadings(state.facts, origins, claims, elsewhere);",
    to: "void withoutOtherReadings; void elsewhere; let facts = state.facts;",
  },
  {
    name: "a report keeps for good the evidence of its first claim",
    file: "contact/claims.ts",
    from: "facts = retold(facts, key, evidence);",
    to: "void retold;",
  },
  {
    name: "a delivery whose row was changed by a correction is a repeat of itself",
    file: "contact/claims.ts",
    from: "if (broughtBy(first, origins) === origin) stored.push(index);",
    to: "",
  },
  {
    name: "a command's result is stored only if this call changed something, not again after a crash",
    file: "contact/send-commands.ts",
    from: "snapshot.version > 0",
    to: "answers.get(contact)?.changed.includes(true)",
  },
  {
    name: "a lift does not end known evidence that is dated later",
    file: "contact/commands.ts",
    from: "const ends = idsAfter(state.facts, now, range);",
    to: "const ends = [];",
  },
  {
    name: "the tombstone does not refuse deliveries received before it",
    file: "contact/claims.ts",
    from: "received <= erasedAt ||",
    to: "",
  },
  {
    name: "the tombstone forgets the claims from before it",
    file: "contact/contact.ts",
    from: "claims.map(([key, , at]) => [key, ERASED_ORIGIN, at]);",
    to: "claims.slice(claims.length);",
  },
  {
    name: "two reports of the same type for the same mail get the same identity",
    file: "model/event-id.ts",
    from: "JSON.stringify([provider, ...identity])",
    to: "JSON.stringify([provider, ...identity.slice(0, 3)])",
  },
  {
    name: "a delivery between soft bounces does not end their run",
    file: "model/suppression/fold.ts",
    from: "if (good.some(({ at }) => at > after && at <= evidence.at)) run = [];",
    to: "",
  },
  {
    name: "the latest event decides a message's status, not the furthest",
    file: "model/message.ts",
    from: "if (rank !== 0) return rank > 0;",
    to: "",
  },
  {
    name: "a lift also ends suppressions by later events",
    file: "model/suppression/decision.ts",
    from: "return range === undefined ? evidence.at <= at : isIn(range, evidence);",
    to: "return true;",
  },
  {
    name: "a person with an international domain is two contacts",
    file: "model/domain.ts",
    from: "const mapped = toAscii(domain) ?? toAscii(withoutJoiners(domain));",
    to: "void toAscii; const mapped = null;",
  },
  {
    name: "an invisible character makes another contact",
    file: "model/wrapped-address.ts",
    from: "return (withoutInvisible(plain.slice(0, at)) + withJoinersOnly(plain.slice(at))).trim();",
    to: "void withoutInvisible; void withJoinersOnly; void at; return plain.trim();",
  },
  {
    name: "an erasure overlooks the other form of a domain",
    file: "model/address-search.ts",
    from: "new Set([address, unicodeAddress(address)]",
    to: "new Set([address]",
  },
];

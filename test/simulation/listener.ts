// Records the evidence and the actions of the contacts' objects for the witness.

import type { Listener } from "./bindings.ts";
import type { PipeSide } from "./pipe-acts.ts";
import type { Witness } from "./witness.ts";

/** Notes what each contact's object knew and did. */
export function listenerOf(witness: Witness, pipes: PipeSide | null): Listener {
  const { known, claims: asked, erasures } = witness;
  const learn = (contact: string, id: string): void =>
    void known.set(contact, [...(known.get(contact) ?? []), id]);
  return {
    stored: async () => await pipes?.observer.look(),
    claimed: (contact, claims, granted) => {
      for (const [i, { key, origin, received, evidence }] of claims.entries()) {
        asked.push({
          contact,
          key,
          origin,
          received,
          evidence,
          granted: granted[i] === true,
          erasures: erasures.length,
        });
        if (granted[i] === true && evidence !== null) learn(contact, evidence.id);
      }
    },
    acted: (contact, orders, changed, now) => {
      for (const [i, order] of orders.entries()) {
        if (changed[i] !== true || !("by" in order)) continue; // the others are no person's
        const { kind, id } = order;
        const lifts = witness.deeds.filter((deed) => deed.contact === contact && deed.kind === "lift");
        const at = kind === "lift" ? now : Math.max(now, ...lifts.map((deed) => deed.at + 1));
        witness.deeds.push({
          contact,
          kind: kind === "lift" ? "lift" : "entry",
          id,
          at,
          known: [...(known.get(contact) ?? [])],
        });
        if (kind !== "lift") learn(contact, id);
      }
    },
    erased: (contact, { id, at }) => {
      if (erasures.findLast((one) => one.contact === contact)?.id === id) return; // a repeated request
      const [own, others] = [true, false].map((is) =>
        witness.deeds.filter((deed) => (deed.contact === contact) === is),
      );
      erasures.push({ contact, id, at, deeds: own ?? [] });
      witness.deeds = others ?? [];
      known.delete(contact);
    },
  };
}

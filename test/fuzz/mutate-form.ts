// Mutations of form bodies and queries: odd values, repeated names, very many fields, broken escapes.

import type { Random } from "../../src/demo/traffic/random.ts";
import { hostileText } from "./mutate-json.ts";

/** The form with one to three changes. */
export function mutateForm(form: string, random: Random): string {
  let changed = form;
  for (let left = random.between(1, 3); left > 0; left -= 1) changed = changeOnce(changed, random);
  return changed;
}

function changeOnce(form: string, random: Random): string {
  const fields = [...new URLSearchParams(form)];
  const at = random.between(0, Math.max(0, fields.length - 1));
  const [name, value] = fields[at] ?? ["event", "open"];
  switch (random.between(0, 6)) {
    case 0:
      return encode(fields.toSpliced(at, 1, [name, hostileText(random)]));
    case 1:
      return encode(fields.toSpliced(at, 1));
    case 2:
      return encode([...fields, [name, value], [name, hostileText(random)]]);
    case 3:
      return encode([...fields, ["__proto__", "1"], ["__proto__[x]", "1"], ["constructor", "2"]]);
    case 4:
      return `${form}&${Array.from({ length: random.between(500, 4000) }, (_, i) => `f${i}=${i}`).join("&")}`;
    case 5:
      return `${form}&%=%&%zz=%ff&a=%u1234&=&&;;${"%".repeat(300)}`;
    default:
      return encode(fields.map(([key, old]) => [random.chance(0.3) ? key.toUpperCase() : key, old]));
  }
}

function encode(fields: [string, string][]): string {
  return new URLSearchParams(
    fields.map(([name, value]): [string, string] => [name, value.toWellFormed()]),
  ).toString();
}

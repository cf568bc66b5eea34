// The planned requests: the request at an index depends only on the seed and the index, so that a run can be repeated
// at any speed, and a single request without those before it.

import { randomFrom, type Random } from "../../src/demo/traffic/random.ts";
import { providers } from "../../src/providers/index.ts";
import { namesOf, samples, verifyCases, type Names, type Sample, type VerifySample } from "./corpus.ts";
import { draw } from "./draw.ts";
import { apiCall } from "./kinds/api.ts";
import { largeBody, oddBody } from "./kinds/bodies.ts";
import { troubled, varied } from "./kinds/connections.ts";
import { delivery, nearlyProven, unproven } from "./kinds/deliveries.ts";
import { oddFraming } from "./kinds/framing.ts";
import { pipeCall } from "./kinds/pipes.ts";
import { oddHeaders, oddMethod, oddPath } from "./kinds/protocol.ts";
import type { FuzzRequest } from "./types.ts";

interface Material {
  /** Samples by provider, so that all providers are drawn equally often. */
  samples: Sample[][];
  verify: [provider: string, VerifySample][];
  names: Names;
}

/** Reads the fixtures; the returned function makes the request at an index. */
export function makePlan(seed: number): (place: number) => FuzzRequest {
  const all = samples();
  const material: Material = {
    samples: [...Map.groupBy(all, ({ provider }) => provider).values()],
    verify: Object.keys(providers).flatMap((provider) =>
      verifyCases(provider).map((one): [string, VerifySample] => [provider, one]),
    ),
    names: namesOf(all),
  };
  return (place) => {
    const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(place + 1, 0x85ebca6b));
    const made = requestFrom(material, random);
    if (!random.chance(0.12) || made.body.length > 1_000_000) return varied(made, random);
    return troubled(made, [requestFrom(material, random), requestFrom(material, random)], random);
  };
}

type Make = (material: Material, random: Random) => FuzzRequest;

const sampleFrom = (material: Material, random: Random): Sample =>
  draw(random, draw(random, material.samples));

/** Kinds of requests, and how often each is drawn. */
const KINDS: readonly (readonly [share: number, make: Make])[] = [
  [42, (material, random) => delivery(sampleFrom(material, random), random)],
  [14, (material, random) => oddBody(sampleFrom(material, random), random)],
  [1, (material, random) => largeBody(sampleFrom(material, random), random)],
  [6, ({ verify }, random) => nearlyProven(...draw(random, verify), random)],
  [3, (material, random) => unproven(sampleFrom(material, random), random)],
  [16, ({ names }, random) => apiCall(names, random)],
  [18, ({ names }, random) => pipeCall(names, random)],
  [6, (_, random) => oddPath(random)],
  [4, (_, random) => oddMethod(random)],
  [5, (_, random) => oddHeaders(random)],
  [3, (_, random) => oddFraming(random)],
];
const ALL_SHARES = KINDS.reduce((sum, [share]) => sum + share, 0);

function requestFrom(material: Material, random: Random): FuzzRequest {
  let left = random.next() * ALL_SHARES;
  const kind = KINDS.find(([share]) => (left -= share) < 0) ?? KINDS[0];
  if (kind === undefined) throw new Error("there are no kinds of requests");
  return kind[1](material, random);
}

// Reads where a source finds its handles: `custom_id_from` and `campaign_from` of its table. A mistake is reported and
// makes only its own setting ineffective, because a source must not be closed for a campaign's name: reading history
// anew fills in what is missed meanwhile.

import { readPlace, type HandlePlaces, type Place } from "../providers/kit/handles.ts";
import type { Report } from "./report.ts";

const FORMS =
  "must be metadata.<key>, tag, tag:<prefix>, header.<name>, campaign or custom_id, or a list of these in order";

/** Null if neither of the two settings names a place. `setting`: the path of the source's table. */
export function readHandlePlaces(
  table: Readonly<Record<string, unknown>>,
  setting: string,
  report: Report,
): HandlePlaces | null {
  const campaign = placesOf(table["campaign_from"], `${setting}.campaign_from`, report);
  const custom_id = placesOf(table["custom_id_from"], `${setting}.custom_id_from`, report);
  return campaign.length + custom_id.length === 0 ? null : { campaign, custom_id };
}

const MOST_PLACES = 10;

function placesOf(value: unknown, setting: string, report: Report): readonly Place[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const places = list.map((item) => (typeof item === "string" ? readPlace(item) : null));
  const sound = places.filter((place) => place !== null);
  if (sound.length === places.length && sound.length > 0 && sound.length <= MOST_PLACES) return sound;
  report(setting, sound.length > MOST_PLACES ? `names more than ${MOST_PLACES} places` : FORMS);
  return [];
}

// Where a pipe stands after a page, with one feed and with several.

import { describe, expect, it } from "vitest";
import { moveCursor } from "../../../src/pipes/round/advance.ts";
import { eventRow } from "../../../src/pipes/rows.ts";
import { sampleEvent } from "../../../src/pipes/sample.ts";
import { newState, type State } from "../../../src/pipes/state.ts";
import { BEGINNING, moveBehind, positionAfter, seqsOfFeed } from "../../../src/store/feed-position.ts";

const second = seqsOfFeed(1).beginning;
const begun = newState("p", { events: positionAfter(10), notices: BEGINNING });

/** The state after a page of the events with these seqs, of which some are not done. */
function after(state: State, seqs: readonly number[], undone: readonly number[] = []): State {
  const rows = seqs.map((seq) => eventRow({ ...sampleEvent(0), id: `e${seq}`, seq }));
  const page = { rows, left: rows, selection: { passed: [], failed: [] } };
  return moveCursor(state, "events", page, new Set(undone));
}

describe("a page that is delivered", () => {
  it("moves the position in its feed alone", () => {
    const { positions } = after(begun, [second + 1, second + 2]);
    expect(positions.events).toEqual(moveBehind(positionAfter(10), { seq: second + 2 }));
    expect(after(begun, [11, 12]).positions.events).toEqual(positionAfter(12));
  });

  it("and left half-way is noted with its feed, until it is done; with one feed nothing is noted", () => {
    const half = after(begun, [second + 1, second + 2, second + 3], [second + 2]);
    expect(half).toMatchObject({ ahead: [`e${second + 3}`], unfinished: { events: 1 } });
    expect(half.positions.events).toEqual(moveBehind(positionAfter(10), { seq: second + 1 }));
    expect(after(half, [second + 2, second + 3])).not.toHaveProperty("unfinished");
    expect(after(begun, [11, 12, 13], [12])).toEqual({
      ...begun,
      positions: { events: positionAfter(11), notices: BEGINNING },
      ahead: ["e13"],
      filtered: 1,
    });
  });
});

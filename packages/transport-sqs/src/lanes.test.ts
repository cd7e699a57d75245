import { describe, expect, it } from "vitest";
import { createLanes } from "./lanes.ts";

interface Item {
  readonly lane: string;
  readonly name: string;
}

const anItem = (name: string): Item => ({ name, lane: name.slice(0, 1) });
const namesOf = (items: readonly Item[] | undefined) => items?.map(({ name }) => name);

function createFilled(...names: readonly string[]) {
  const lanes = createLanes<Item>();
  lanes.add(names.map(anItem));
  return lanes;
}

describe("createLanes", () => {
  it("gives items in the order of their arrival, those of one lane together", () => {
    const lanes = createFilled("a1", "b1", "a2", "c1");

    expect(namesOf(lanes.take(3))).toEqual(["a1", "b1", "a2"]);
    expect(namesOf(lanes.take(3))).toEqual(["c1"]);
    expect(lanes.take(3)).toBeUndefined();
  });

  it("keeps what follows in a lane until the call with the lane has ended", () => {
    const lanes = createFilled("a1", "a2", "b1");
    const first = lanes.take(1) ?? [];

    expect(namesOf(lanes.take(9))).toEqual(["b1"]);
    expect(lanes.size).toBe(1);
    lanes.free(first);

    expect(namesOf(lanes.take(9))).toEqual(["a2"]);
  });

  it("drops what waits in a lane, or all of it", () => {
    const lanes = createFilled("a1", "b1", "a2", "c1");

    expect(namesOf(lanes.drop("a"))).toEqual(["a1", "a2"]);
    expect(namesOf(lanes.dropAll())).toEqual(["b1", "c1"]);
    expect(lanes.size).toBe(0);
  });
});

import type { Records } from "@stackyard/core";
import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { TurnPlace, TurnRecord } from "./decide-turn.ts";
import { listTurns } from "./list-turns.ts";
import { takeTurn } from "./take-turn.ts";

const place = (incarnation: string): TurnPlace => ({ incarnation, state: "REVIEW", entry: 1, pending: ["turn"] });
const PLACES = new Map([
  ["shop-1", place("i1")],
  ["shop-2", place("i2")],
]);
const holder = { stack: "shop-1", incarnation: "i1", createdAt: 1, entry: 1, states: ["REVIEW"] };
const held: TurnRecord = { version: 1, holder, waiting: [] };
const { incarnation: _, ...nameless } = holder;

/** Values that are not a turn, each with `shop-1` as its holder. */
const DAMAGED: readonly (readonly [name: string, value: unknown])[] = [
  ["of a newer version", { ...held, version: 2 }],
  ["without those that wait", { version: 1, holder }],
  ["whose holder lacks its incarnation", { ...held, holder: nameless }],
  ["whose holder has no list of states", { ...held, holder: { ...holder, states: "REVIEW-2" } }],
  ["whose waiting release lacks its task", { ...held, waiting: [holder] }],
  ["that is a text", "held"],
];

async function createBench(value: unknown) {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  const put = (name: string, written: unknown) =>
    records.put({ key: `promotion/turns/${name}`, value: written, expected: "absent", now: clock.now() });
  await put("shop%2Fprod", value);
  await put("shop-test", held);
  return { clock, records };
}

const list = (records: Records) => listTurns({ records, clock: createFakeClock(), findPlaces: async () => PLACES });

const OTHER = { name: "shop-test", holder: { stack: "shop-1" }, waiting: [] };
const problem = "The record is damaged, or was written by another version.";

describe.each(DAMAGED)("the record of a turn %s", (_name, value) => {
  it("is listed with its name, and so are the other turns", async () => {
    const { records } = await createBench(value);

    expect(await list(records)).toEqual([OTHER, { name: "shop/prod", waiting: [], problem }]);
  });

  it("is given to no other release, and stays unchanged", async () => {
    const { clock, records } = await createBench(value);
    const yard = { findPositions: async () => [...PLACES].map(([stackId, each]) => ({ stackId, ...each })) };
    const waiter = { stack: "shop-2", incarnation: "i2", createdAt: 2, entry: 1, task: "turn" };
    const request = { name: "shop/prod", machine: "shop-release", waiter, states: ["REVIEW"], mayTake: true };

    await expect(takeTurn({ clock, records, yard }, request)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: `The record "promotion/turns/shop%2Fprod" cannot be read. ${problem}`,
    });
    expect((await records.get("promotion/turns/shop%2Fprod", clock.now()))?.value).toEqual(value);
  });
});

it("lists a turn whose row the store cannot read", async () => {
  const { records } = await createBench(held);
  const damaged: Records = {
    ...records,
    async list(prefix, page) {
      const { items } = await records.list(prefix, page);
      const id = "promotion/turns/shop%2Fprod";
      return { items: items.filter(({ key }) => key !== id), unreadable: [{ id, reason: "Unexpected end of JSON" }] };
    },
  };

  expect(await list(damaged)).toEqual([OTHER, { name: "shop/prod", waiting: [], problem: "Unexpected end of JSON" }]);
});

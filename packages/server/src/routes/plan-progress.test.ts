import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import type { DeployRow } from "@stackyard/promotion/deploy";
import { describe, expect, it } from "vitest";
import { openPlanProgress } from "./plan-progress.ts";

const PAGES = 50;
const toRow = (number: number): DeployRow => ({
  stack: `t${number}`,
  wave: 0,
  try: 1,
  state: number % 100 === 7 ? "failed" : "done",
  at: 0,
});
const toEntries = (first: number, count = 200) =>
  Array.from({ length: count }, (_, index) => ({ task: "tenants", stack: `t${first + index}` }));

/** The progress of a plan of 10,000 stacks, and the pages of rows that are read. */
async function openProgress(plan = "d1") {
  const read: number[] = [];
  const tallies = Array.from({ length: PAGES }, () => [{ done: 198, failed: 2 }]);
  const get: Records["get"] = async (key) => {
    const number = Number(/\/rows\/(\d+)$/.exec(key)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) return { key, version: 1, value: { plan, tallies } };
    read.push(number);
    return { key, version: 1, value: Array.from({ length: 200 }, (_, index) => toRow(number * 200 + index)) };
  };
  const head = { digest: "d1", release: { id: "shop-2", machine: "release" }, tasks: [{ task: "tenants" }] };
  const records = { ...createMemoryStore().records, get };
  return { read, progress: await openPlanProgress({ records, clock: { now: () => 0 }, head, incarnation: "i1" }) };
}

describe("the progress of a plan", () => {
  it("is read from the page of rows with the number of the plan's page", async () => {
    const { read, progress } = await openProgress();

    await progress.load(toEntries(6_000), 30);

    expect(read).toEqual([30]);
    expect(progress.find({ task: "tenants", stack: "t6007" })).toEqual({
      state: "failed",
      since: "1970-01-01T00:00:00.000Z",
    });
    expect(progress.find({ task: "tenants", stack: "t6000" })?.state).toBe("done");
    expect(progress.find({ task: "other", stack: "t6000" })).toBeUndefined();
  });

  it("is read from pages near it where stacks were added or removed since, and no page twice", async () => {
    const { read, progress } = await openProgress();

    await progress.load(toEntries(6_150), 30);
    await progress.load(toEntries(6_350), 31);

    expect(read).toEqual([30, 29, 31, 32]);
  });

  it("is searched on all pages for a stack without a row, once", async () => {
    const { read, progress } = await openProgress();

    await progress.load([...toEntries(0, 2), { task: "tenants", stack: "new" }], 0);
    await progress.load([{ task: "tenants", stack: "new" }], 0);

    expect(read).toHaveLength(PAGES);
    expect(progress.find({ task: "tenants", stack: "new" })).toBeUndefined();
  });

  it("is not that of another plan", async () => {
    const { read, progress } = await openProgress("d2");

    await progress.load(toEntries(0), 0);

    expect(read).toEqual([]);
    expect(progress.find({ task: "tenants", stack: "t7" })).toBeUndefined();
  });
});

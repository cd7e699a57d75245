import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { expect, it } from "vitest";
import type { PlanEntry } from "./plan-entry.ts";
import { storePlan } from "./plan-records.ts";
import { findPlannedTasks } from "./planned-tasks.ts";

const STACKS = 10_000;
const clock = { now: () => 1_000 };
const idOf = (index: number) => `tenant-${String(index).padStart(5, "0")}.eu-central-1.example.org`;

const entryOf = (stack: string, task: string): PlanEntry => ({
  task,
  stack,
  incarnation: "01JD7Z3N8K9QWERTY0000000AB",
  revision: "4f".repeat(32),
  wave: "all",
  does: "move",
  from: { api: "sha256:".padEnd(71, "a"), web: "1.41.0" },
  to: { api: "sha256:".padEnd(71, "b"), web: "1.42.0" },
  show: {},
  tasks: [`${task.toUpperCase()}/network`, `${task.toUpperCase()}/service`],
  end: "LIVE",
  isWhole: true,
});

/** The plan of two tasks for all stacks, in a store that counts what is read of it. */
async function planAll(stacks = STACKS) {
  const { records } = createMemoryStore();
  const ids = Array.from({ length: stacks }, (_, index) => idOf(index));
  const entries = ["canary", "tenants"].flatMap((task) => ids.map((id) => entryOf(id, task)));
  const release = { id: "shop-2", machine: "release" };
  const { digest } = await storePlan({ records, clock }, { version: 1, release, tasks: [], entries });
  const reads: string[] = [];
  const counted: Records = {
    ...records,
    async get(key, now) {
      reads.push(key);
      return records.get(key, now);
    },
  };
  const state = { plan: digest, release: { stackId: "shop-2", incarnation: "e1", task: "tenants" } };
  return { deps: { records: counted, clock }, state, reads };
}

const rowsFrom = (first: number) => Array.from({ length: 100 }, (_, index) => ({ stack: idOf(first + index) }));

it("reads the records of a plan for 10,000 stacks, not one for each stack: each once, and none after the last that it needs", async () => {
  const { deps, state, reads } = await planAll();
  const rows = rowsFrom(STACKS - 100);

  const found = await findPlannedTasks(deps, state, rows);

  expect([...found]).toEqual(rows.map(({ stack }) => [stack, ["TENANTS/network", "TENANTS/service"]]));
  // Its head, and 50 records for each of its two tasks.
  expect(new Set(reads).size).toBe(101);
  expect(reads).toHaveLength(101);

  reads.length = 0;
  const first = { ...state, release: { ...state.release, task: "canary" } };
  expect((await findPlannedTasks(deps, first, rowsFrom(0))).size).toBe(100);
  expect(reads).toHaveLength(2);
});

it.each([
  ["without a plan", {}, rowsFrom(0)],
  ["without rows", { plan: "d".repeat(64) }, []],
])("reads nothing %s", async (_, plan, rows) => {
  const { deps, state, reads } = await planAll(1);

  expect((await findPlannedTasks(deps, { release: state.release, ...plan }, rows)).size).toBe(0);
  expect(reads).toEqual([]);
});

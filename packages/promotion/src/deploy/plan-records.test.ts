import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { expect, it } from "vitest";
import type { PlanEntry } from "./plan-entry.ts";
import { findPlan, type PlanContent, storePlan } from "./plan-records.ts";

const entry: PlanEntry = {
  task: "tenants",
  stack: "t",
  incarnation: "i1",
  revision: "r1",
  wave: "all",
  does: "move",
  from: { api: "1" },
  to: { api: "2" },
  show: {},
  tasks: [],
  end: "LIVE",
  isWhole: true,
};
const content: PlanContent = {
  version: 1,
  release: { id: "shop-2", machine: "shop-release" },
  tasks: [],
  entries: Array.from({ length: 450 }, (_, index) => ({ ...entry, stack: `t${index}` })),
};

it("finds a plan with all its entries, and fails when a part is gone: that part would not be shown, nor sent to", async () => {
  const { records } = createMemoryStore();
  const deps = { records, clock: { now: () => 1_000 } };
  const { digest } = await storePlan(deps, content);

  expect((await findPlan(deps, digest))?.entries).toEqual(content.entries);

  const { items } = await records.list("promotion/plans/", { limit: 10, now: 1_000 });
  const page = items.find(({ key }) => key.endsWith("/1"));
  await records.remove(page?.key ?? "", page?.version ?? 0);
  await expect(findPlan(deps, digest)).rejects.toMatchObject({
    code: "STORE_CORRUPT",
    message: `The record "${page?.key}" is gone, a part of the plan. Make another plan.`,
  });
});

it("stores a plan while others write its records", async () => {
  const { records } = createMemoryStore();
  const seen = new Set<string>();
  const contested: Records = {
    ...records,
    async put(input) {
      const isFirst = !seen.has(input.key);
      seen.add(input.key);
      if (isFirst) await records.put({ ...input, value: "of another worker" });
      return records.put(input);
    },
  };
  const deps = { records: contested, clock: { now: () => 1_000 } };

  const { digest } = await storePlan(deps, content);

  expect((await findPlan(deps, digest))?.entries).toEqual(content.entries);
});

import { SimFault } from "@stackyard/aws-sim";
import type { Records } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createCostServices } from "./cost-service.ts";
import { ACCOUNT, createServiceBench } from "./testing/aws-bench.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const MACHINE = `version: 2
metadata: { cost_actual: { type: number } }
events: { OPENED: {}, QUIET: {}, COST: { metadata: [cost_actual] } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE:
    on:
      COST:
        - { when: metadata.cost_actual > 50.0, action: advance, state: GONE }
        - { action: no-op }
      QUIET: ASLEEP
  ASLEEP: { on: { OPENED: LIVE } }
  GONE: { terminal: true }
`;
const LIMITED = () => Promise.reject(new SimFault("LimitExceededException", 400, "Rate exceeded"));
const tags = { "stackyard:yard": "blue", "stackyard:machine": "preview" };

async function open(options: { readonly maxPages?: number } = {}) {
  const create = () =>
    createCostServices({ costs: { account: ACCOUNT, ...options } }, { environment: { YARD_NAME: "blue" } });
  const [service] = create();
  if (service === undefined) throw new Error("The service is missing.");
  const bench = createServiceBench({ source: MACHINE, service });
  for (const stackId of ["pr-7", "a#b", "asleep"]) await bench.send(stackId, "OPENED");
  await bench.settle();
  await bench.send("asleep", "QUIET");
  await bench.settle();
  const toDay = (at: number) => new Date(at).toISOString().slice(0, 10);
  return {
    ...bench,
    service,
    add: (stack: string, usd: number, daysAgo = 1, other: object = {}) =>
      bench.sim.costExplorer.add({
        account: ACCOUNT,
        day: toDay(bench.clock.now() - daysAgo * DAY),
        usd,
        tags: { ...tags, "stackyard:stack": stack, ...other },
      }),
    /** As a server does: a tick only when it is due. */
    async turn(records: Records = bench.deps.records) {
      const deps = { ...bench.deps, records };
      const dueAt = (await service.dueAt?.(deps)) ?? Number.POSITIVE_INFINITY;
      if (dueAt <= bench.clock.now()) await service.tick?.(deps, Number.POSITIVE_INFINITY);
      await bench.settle();
    },
    costOf: async (stackId: string) => (await bench.findStack(stackId))?.metadata["cost_actual"],
  };
}

describe("the service of costs", () => {
  it("is off without the option", () => {
    expect(createCostServices({}, { environment: {} })).toEqual([]);
  });

  it("sends stacks what they have cost in 30 days, once a day", async () => {
    const bench = await open();
    bench.add("pr-7", 1.204, 30);
    bench.add("pr-7", 2);
    bench.add("pr-7", 100, 31);
    bench.add("pr-7", 100, 0);
    bench.add("pr-7", 100, 1, { "stackyard:yard": "green" });
    bench.add("a-b", 3);
    bench.add("gone", 4);
    bench.add("asleep", 5);

    for (let minutes = 0; minutes < 5; minutes++) {
      await bench.turn();
      await bench.advance(MINUTE);
    }

    expect([await bench.costOf("pr-7"), await bench.costOf("a#b"), await bench.costOf("asleep")]).toEqual([
      3.2,
      3,
      undefined,
    ]);
    expect(bench.sim.calls).toHaveLength(1);
    await bench.advance(DAY);
    await bench.turn();
    expect(bench.sim.calls).toHaveLength(2);
    const { items } = await bench.store.queries.listHistory({ stackId: "asleep" }, { limit: 10 });
    expect(items.map(({ event }) => event)).not.toContain("COST");
  });

  it("lets the machine stop a stack that is too expensive", async () => {
    const bench = await open();
    bench.add("pr-7", 50.01);

    await bench.turn();

    expect(await bench.stateOf("pr-7")).toBeUndefined();
  });

  it("buys no more pages than allowed, and shows that not all were sent", async () => {
    const bench = await open({ maxPages: 1 });
    bench.sim.costExplorer.setPage(1);
    bench.add("a-b", 1);
    bench.add("pr-7", 2);

    await bench.turn();

    expect([await bench.costOf("a#b"), await bench.costOf("pr-7")]).toEqual([1, undefined]);
    expect(bench.sim.calls).toHaveLength(1);
    await expect(bench.turn()).rejects.toThrow(/more than the option maxPages/);
  });

  it.each([
    ["denied", /ce:GetCostAndUsage/],
    ["throttled", /LimitExceededException/],
  ])("shows a call that was %s at once, and repeats it after an hour", async (how, message) => {
    const bench = await open();
    bench.add("pr-7", 2);
    if (how === "denied") bench.denied.add(ACCOUNT);
    else bench.sim.once("CostExplorer.GetCostAndUsage", LIMITED);

    await expect(bench.turn()).rejects.toThrow(message);
    const { items } = await bench.deps.records.list("notices/log/", { limit: 10, now: bench.clock.now() });
    expect(items.map(({ value }) => value)).toMatchObject(how === "denied" ? [{ kind: "costs-denied" }] : []);
    await bench.advance(59 * MINUTE);
    await expect(bench.turn()).rejects.toThrow(message);
    bench.denied.clear();
    await bench.advance(MINUTE);
    await bench.turn();

    expect(await bench.costOf("pr-7")).toBe(2);
  });

  it("does not repeat a search on the same day after a page was bought", async () => {
    const bench = await open();
    bench.sim.costExplorer.setPage(1);
    bench.add("pr-7", 2);
    bench.add("a-b", 1);
    bench.sim.once("CostExplorer.GetCostAndUsage", (proceed) => {
      bench.sim.once("CostExplorer.GetCostAndUsage", LIMITED);
      return proceed();
    });

    await expect(bench.turn()).rejects.toThrow(/LimitExceededException/);
    for (let hours = 0; hours < 5; hours++) {
      await bench.advance(60 * MINUTE);
      await expect(bench.turn()).rejects.toThrow(/LimitExceededException/);
    }

    expect(bench.sim.calls).toHaveLength(1);
  });

  it("buys no page twice and sends all once, wherever a process dies", async () => {
    for (let deadAt = 1; deadAt <= 4; deadAt++) {
      const bench = await open();
      bench.add("pr-7", 2);
      let calls = 0;
      const records: Records = {
        ...bench.deps.records,
        async put(input) {
          calls += 1;
          if (calls === deadAt) throw new Error("died");
          return bench.deps.records.put(input);
        },
      };

      await bench.turn(records).catch(() => undefined);
      for (let minutes = 0; minutes < 15; minutes++) {
        await bench.advance(MINUTE);
        await bench.turn().catch(() => undefined);
      }

      expect(bench.sim.calls).toHaveLength(1);
      const { items } = await bench.store.queries.listHistory({ stackId: "pr-7" }, { limit: 10 });
      // What was bought but not stored is lost until the next day.
      expect(items.filter(({ event }) => event === "COST")).toHaveLength(deadAt === 2 ? 0 : 1);
    }
  });
});

import type { Store } from "@stackyard/core";
import { measureLiveHeap, withManyStacks } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { aReleaseYard, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";
import { aTargetStack } from "../testing/a-target-stack.ts";
import { type CallCost, countStatements, meterCalls } from "../testing/meter-calls.ts";

// The figures of docs/performance.md in seconds come from `npm run bench -- --promotion`. Here they are counts, bytes and
// ratios, which do not depend on the machine.

const MINUTE = 60_000;
const plan = { executor: "deploy", config: { op: "plan", of: ["tenants"] } };

/** Plans so many tenants, and returns what the call has cost. */
async function playPlan(tenants: number, config: object = {}): Promise<CallCost & { readonly status: string }> {
  const { costs, ...meter } = meterCalls();
  const tasks = { plan, tenants: { executor: "deploy", config: { ...TO_TENANTS, ...config } } };
  const bench = aReleaseYard({ ...meter, release: toReleaseMachine({ tasks, go: ["plan"] }) });
  await bench.addTenants(tenants);
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  const [cost, ...others] = costs;
  if (cost === undefined || others.length > 0) throw new Error(`The plan took ${costs.length} calls.`);
  return { ...cost, status: await bench.taskOf("1.42.0", "plan") };
}

/** The least of several measurements: others use the machine, too. */
async function least(measure: () => Promise<number>): Promise<number> {
  return Math.min(await measure(), await measure(), await measure());
}

/** Milliseconds of CPU of a loop that takes about 10 ms on the machine of docs/performance.md. */
async function measureLoop(): Promise<number> {
  const stack = { ...aTargetStack(), tasks: Array.from({ length: 5 }, (_, index) => ({ name: `t${index}` })) };
  const begun = process.cpuUsage();
  for (let turn = 0; turn < 1_500; turn += 1) JSON.parse(JSON.stringify(stack));
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1_000;
}

describe("the plan of 400 tenants", () => {
  it("takes the statements of a plan of one, and those of the pages of its stacks", async () => {
    const one = await playPlan(1);
    const all = await playPlan(400);

    expect([one.status, all.status]).toEqual(["DONE", "DONE"]);
    expect(all.statements.get("queries.listStacks")).toBe(1);
    // 100 stacks are loaded at a time, and 200 entries are kept in a record.
    expect(countStatements(all)).toBeLessThanOrEqual(countStatements(one) + 3 + 2);
    expect(countStatements(all)).toBeLessThanOrEqual(20);
  });

  it("takes CPU in proportion to its stacks: 2 s are 200 times the loop", { timeout: 60_000 }, async () => {
    const cpu = (tenants: number) => least(async () => (await playPlan(tenants)).cpuMs);
    const loop = await least(measureLoop);

    const [some, all] = [await cpu(100), await cpu(400)];

    expect(all / loop).toBeLessThan(60);
    expect(all / some).toBeLessThan(8);
  });
});

/** What the polls of a minute cost in which nothing arrives. */
async function playPolls(onTheirWay: number): Promise<readonly CallCost[]> {
  const { costs, ...meter } = meterCalls();
  const bench = aReleaseYard({ ...meter, config: { concurrency: onTheirWay } });
  await bench.addTenants(60);
  bench.pace.buildMs = 30 * MINUTE;
  await bench.start("1.42.0");
  await bench.yard.advance(10_000);
  expect(await bench.tallyOf("1.42.0")).toBe(`sent ${onTheirWay}, waiting ${60 - onTheirWay}`);
  costs.length = 0;
  await bench.yard.advance(MINUTE);
  return costs;
}

describe("a poll", () => {
  it("takes the same statements with 50 on their way as with one, and writes nothing", async () => {
    const [few, many] = [await playPolls(1), await playPolls(50)];

    expect(few.length).toBeGreaterThan(20);
    expect(many.map(countStatements)).toEqual(few.map(countStatements));
    expect(Math.max(...many.map(countStatements))).toBeLessThanOrEqual(4);
    expect(many.flatMap(({ statements }) => [...statements.keys()])).not.toContain("records.put");
  });

  it("takes little CPU with 50 on their way: 20 ms are twice the loop", async () => {
    const loop = await least(measureLoop);
    const each = (await playPolls(50)).map(({ cpuMs }) => cpuMs).toSorted((a, b) => a - b);

    expect((each[Math.floor(each.length / 2)] ?? 0) / loop).toBeLessThan(1);
  });
});

const MANY = 10_000;
const MIB = 2 ** 20;

describe("10,000 stacks", () => {
  it("are selected in few MiB, and their rows are kept by 200 in a record", { timeout: 120_000 }, async () => {
    const heaps: number[] = [];
    const sizes = new Map<string, number>();
    const wrapStore = (store: Store): Store => {
      const many = withManyStacks(store, {
        machine: "tenant",
        count: MANY,
        toStack: (stack, index) => ({ ...stack, id: `t${index}`, incarnation: `open-${index}` }),
        onPage: (start) => void (start % 2_500 === 0 && heaps.push(measureLiveHeap())),
      });
      const put: Store["records"]["put"] = (input) => {
        sizes.set(input.key, Buffer.byteLength(JSON.stringify(input.value)));
        return store.records.put(input);
      };
      return { ...many, records: { ...many.records, put } };
    };
    const { costs, ...meter } = meterCalls();
    const bench = aReleaseYard({ ...meter, wrapStore: (store) => meter.wrapStore(wrapStore(store)) });
    await bench.addTenants(1);
    const before = measureLiveHeap();
    await bench.start("1.42.0");
    await bench.yard.advance(1_000);

    const pages = [...sizes].filter(([key]) => key.includes("/rows/"));
    expect(pages).toHaveLength(50);
    expect((await bench.rowsOf("1.42.0")).length).toBe(MANY);
    expect(Math.max(...pages.map(([, size]) => size))).toBeLessThan(200 * 1_024);
    expect((Math.max(...heaps) - before) / MIB).toBeLessThan(32);
    // 20 pages of stacks are listed, and each stack is loaded once: those that are only listed are gone.
    const [begun] = costs;
    expect(begun?.statements.get("queries.listStacks")).toBe(20);
    expect(begun?.statements.get("load")).toBeLessThanOrEqual(120);
  });
});

describe("2,000 stacks under a freeze", () => {
  it("are examined in a statement for each 100, and nothing is written while it lasts", {
    timeout: 120_000,
  }, async () => {
    const { costs, ...meter } = meterCalls();
    const held = { kind: "closed", code: "FROZEN", message: "winter" } as const;
    const bench = aReleaseYard({ ...meter, createHolds: () => ({ examine: async () => held }) });
    await bench.addTenants(2_000);
    await bench.start("1.42.0");
    await bench.yard.advance(2 * MINUTE);
    costs.length = 0;

    await bench.yard.advance(10_000);

    expect(await bench.tallyOf("1.42.0")).toBe("waiting FROZEN 2000");
    expect(costs.length).toBeGreaterThan(0);
    expect(Math.max(...costs.map((cost) => cost.statements.get("load") ?? 0))).toBeLessThanOrEqual(2_000 / 100 + 10);
    expect(costs.flatMap(({ statements }) => [...statements.keys()])).not.toContain("records.put");
  });
});

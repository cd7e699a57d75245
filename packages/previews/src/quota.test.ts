import { type ExecutorContext, type Records, StackyardError } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { createExecutorContext, runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createQuotaExecutor, findCapacity } from "./quota.ts";
import { createQuotaService } from "./quota-service.ts";
import { createPreviewsBench } from "./testing/previews-bench.ts";

const OPTIONS = { quotas: { "team-*": 5, "usd/*": 100, "team-small": 1 } };

const toMachine = (config: string): string => `version: 2
metadata:
  team: { type: string }
  cost: { type: number }
events: [OPENED, CLOSED, SLEEP, BUSY]
states:
  INIT: { on: { OPENED: WAIT } }
  WAIT: { tasks: [slot], on: { NEXT: LIVE, CLOSED: GONE } }
  LIVE: { on: { CLOSED: GONE, OPENED: WAIT, SLEEP: ASLEEP, BUSY: BUSY } }
  BUSY: { on: { CLOSED: GONE } }
  ASLEEP: { tasks: [return], on: { NEXT: no-op, OPENED: WAIT, CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true }
tasks:
  slot: { executor: quota, config: ${config} }
  return: { executor: quota, config: { release: true } }
`;

function createBench(config: string) {
  const executors = [createQuotaExecutor(OPTIONS)];
  return createPreviewsBench({ source: toMachine(config), executors, services: [createQuotaService(OPTIONS)] });
}

async function open(bench: ReturnType<typeof createBench>, ...ids: readonly string[]) {
  for (const id of ids) {
    await bench.send(id, "OPENED", { team: "a", cost: 40 });
    await bench.advance(1_000);
  }
}

async function reasonOf({ store }: ReturnType<typeof createBench>, stackId: string) {
  const [attempt] = await store.queries.listAttempts(stackId);
  return attempt?.progressMessage;
}

const SLOT = `{ holds: [{ key: "team-\${metadata.team}" }] }`;

describe("the executor quota", () => {
  it("lets the sixth preview of five wait, names the holders, and starts it when one is removed", async () => {
    const bench = createBench(SLOT);
    await open(bench, "pr-1", "pr-2", "pr-3", "pr-4", "pr-5", "pr-6");

    expect(await bench.stateOf("pr-5")).toBe("LIVE");
    expect(await bench.stateOf("pr-6")).toBe("WAIT");
    expect(await reasonOf(bench, "pr-6")).toBe(
      'The quota "team-a" has 5, and 5 are in use by pr-1, pr-2, pr-3, pr-4, pr-5. This stack needs 1.',
    );

    await bench.send("pr-3", "CLOSED");
    await bench.pass(2);

    expect(await bench.stateOf("pr-6")).toBe("LIVE");
    expect(await bench.findViolations()).toEqual([]);
  });

  it("serves first who came first", async () => {
    const bench = createBench(`{ holds: [{ key: "usd/a", weight: "\${metadata.cost}" }] }`);
    await open(bench, "pr-1", "pr-2");
    await bench.send("pr-3", "OPENED", { cost: 60 });
    await bench.advance(1_000);
    await bench.send("pr-4", "OPENED", { cost: 10 });
    await bench.pass(2);

    // 20 are left: enough for pr-4, but pr-3 came before it.
    expect([await bench.stateOf("pr-3"), await bench.stateOf("pr-4")]).toEqual(["WAIT", "WAIT"]);
    expect(await reasonOf(bench, "pr-4")).toContain("Stacks that wait before it: 1.");

    await bench.send("pr-1", "CLOSED");
    await bench.pass(3);

    expect([await bench.stateOf("pr-3"), await bench.stateOf("pr-4")]).toEqual(["LIVE", "WAIT"]);
  });

  it("keeps what a stack holds when it asks again, and returns it with release", async () => {
    const bench = createBench(`{ holds: [{ key: team-small }], onFull: refuse }`);
    await open(bench, "pr-1");
    await open(bench, "pr-1");

    expect(await bench.stateOf("pr-1")).toBe("LIVE");

    await bench.send("pr-1", "SLEEP");
    await open(bench, "pr-2");

    expect(await bench.stateOf("pr-2")).toBe("LIVE");
    expect((await bench.store.records.list("quotas/", { limit: 10, now: 0 })).items).toHaveLength(1);
  });

  it("ends the place in the line of an attempt that is cancelled", async () => {
    const bench = createBench(`{ holds: [{ key: team-small }, { key: team-a }] }`);
    await open(bench, "pr-1", "pr-2", "pr-3");

    await bench.send("pr-2", "CLOSED");
    await bench.send("pr-1", "CLOSED");
    await bench.pass(2);

    expect(await bench.stateOf("pr-3")).toBe("LIVE");
    const { items } = await bench.store.records.list("quotas/", { limit: 10, now: bench.clock.now() });
    expect(items.map(({ value }) => value)).toEqual(
      ["team-a", "team-small"].map((key) =>
        expect.objectContaining({ key, holders: [expect.objectContaining({ stack: "pr-3" })], waiting: [] }),
      ),
    );
  });

  it("refuses with QUOTA_FULL, and returns what it had taken before", async () => {
    const bench = createBench(`{ holds: [{ key: team-small }, { key: team-a }], onFull: refuse }`);
    await open(bench, "pr-1", "pr-2");

    expect((await bench.findStack("pr-2"))?.tasks).toMatchObject([{ status: "ERROR", errorCode: "QUOTA_FULL" }]);
    const { items } = await bench.store.records.list("quotas/team-a", { limit: 1, now: bench.clock.now() });
    expect(items[0]?.value).toMatchObject({ holders: [{ stack: "pr-1" }] });
  });

  it("sends the event to the oldest holder, and after ten minutes to the next one", async () => {
    const bench = createBench(`{ holds: [{ key: usd/a, weight: 40 }], onFull: evict, evictEvent: SLEEP }`);
    await open(bench, "pr-1", "pr-2");
    // The oldest does not leave: in BUSY it has no SLEEP.
    await bench.send("pr-1", "BUSY");
    await open(bench, "pr-3");

    await bench.pass(9);
    expect(await bench.stateOf("pr-2")).toBe("LIVE");
    await bench.pass(3);

    expect(await bench.stateOf("pr-2")).toBe("ASLEEP");
    expect(await bench.stateOf("pr-3")).toBe("LIVE");
    const sent = [...(await bench.listHistory("pr-1")), ...(await bench.listHistory("pr-2"))];
    expect(new Set(sent.filter(({ event }) => event === "SLEEP").map(({ eventId }) => eventId)).size).toBe(2);
    expect(await bench.stateOf("pr-1")).toBe("BUSY");
  });

  it.each([
    [{ holds: [{ key: "ci" }] }, "QUOTA_UNKNOWN"],
    [{ holds: [{ key: "usd/a", weight: 101 }] }, "QUOTA_FULL"],
    [
      {
        holds: [
          { key: "usd/a", weight: 60 },
          { key: "usd/a", weight: 60 },
        ],
      },
      "QUOTA_FULL",
    ],
    [{}, "CONFIG_INVALID"],
    [{ holds: [{ key: "ci" }], release: true }, "CONFIG_INVALID"],
    [{ holds: [{ key: "ci" }], onFull: "evict" }, "CONFIG_INVALID"],
    [{ holds: [{ key: "a b" }] }, "CONFIG_INVALID"],
  ])("fails at once for %j: %s", async (config, code) => {
    expect((await runExecutor(createQuotaExecutor(OPTIONS), config)).step).toMatchObject({
      kind: "failed",
      code,
      retryable: false,
    });
  });

  it("needs a store", async () => {
    const records: Records = new Proxy({} as Records, {
      get: () => () => {
        throw new StackyardError("CONFIG_INVALID", "This runner has no store.");
      },
    });
    const context = createExecutorContext({ records });

    const { step } = await runExecutor(createQuotaExecutor(OPTIONS), { holds: [{ key: "team-a" }] }, { context });

    expect(step).toMatchObject({ code: "QUOTA_NEEDS_STORE" });
  });

  it("polls less often the longer it waits", async () => {
    const executor = createQuotaExecutor({ quotas: { one: 1 } });
    const first: ExecutorContext = createExecutorContext({ idempotencyKey: "other" });
    await executor.start({ ...first, stackId: "s0" }, { holds: [{ key: "one" }] } as never);
    const context = createExecutorContext({ records: first.records });

    const run = runExecutor(executor, { holds: [{ key: "one" }] }, { context, cancelAfterMs: 3_600_000 });

    expect((await run).step).toMatchObject({ code: "QUOTA_CANCELLED" });
    expect((await run).steps.length).toBeLessThan(100);
    expect((await run).steps[0]).toMatchObject({ kind: "running", pollAfterMs: 5_000 });
  });

  it("warns of configs whose keys contradict each other", () => {
    const { problems } = parseMachine(toMachine("{ holds: [{ key: a }], evictEvent: SLEEP }"), {
      name: "preview",
      executors: new Map([["quota", createQuotaExecutor(OPTIONS)]]),
    });

    expect(problems).toMatchObject([{ code: "quota-config", severity: "warning" }]);
  });
});

describe("findCapacity", () => {
  it.each([
    ["team-small", 1],
    ["team-x", 5],
    ["usd/team-x", 100],
    ["toString", undefined],
  ])("of %s is %s", (key, capacity) => {
    expect(findCapacity(OPTIONS.quotas, key)).toBe(capacity);
  });
});

import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/executor.ts";
import type { Store } from "../ports/store.ts";
import type { DueKind } from "../ports/work-queue.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { createScriptedExecutor } from "../testing/run-executor.ts";
import { aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { createEngine } from "./engine.ts";

const MINUTE_MS = 60_000;
const SOURCE = `
version: 2
events: [OPENED, MERGED]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [db], after: [{ in: 30m, event: MERGED }], on: { MERGED: GONE, NEXT: GONE } }
  GONE: {}
tasks:
  db: { executor: work, config: {}, timeout: 10m }
`;

/** A stack in BUILD, whose task is not claimed. */
async function createBench(wrap: (store: Store) => Store = (store) => store) {
  const memory = createMemoryStore();
  const store = wrap(memory);
  const clock = createFakeClock();
  const start = clock.now();
  const { executor } = createScriptedExecutor("work");
  const executors = new Map([["work", executor]]);
  const locator = createTrialLocator(executors, { app: SOURCE });
  const engine = createEngine(
    { store, locator, executors, clock, ids: countingIds(), logger: silentLogger },
    { everyRunnerClaims: false },
  );
  const message = { stackId: "pr-1", event: "OPENED", machine: "app" };
  await engine.handle([{ event: aQueuedEvent("e1", { stackId: "pr-1", message }), deliveries: 1 }]);
  const takeBy = (kind: DueKind, afterMs: number) =>
    memory.takeDue({ kinds: [kind], now: start + afterMs, limit: 10, leaseMs: MINUTE_MS });
  return {
    memory,
    clock,
    engine,
    takeBy,
    async claim() {
      const [attempt] = await memory.queries.listAttempts("pr-1");
      const attemptId = attempt?.attemptId ?? "";
      const input = { attemptId, owner: "w1", leaseMs: MINUTE_MS, exclusiveKeys: [], now: clock.now() };
      return memory.claim(input);
    },
    async find() {
      const [{ stack } = {}] = await memory.load(["pr-1"]);
      return [stack?.state, ...(stack?.tasks.map(({ status }) => status) ?? [])].join(" ");
    },
  };
}

describe("due work that was taken before its time", () => {
  it("ends an attempt when its deadline has come", async () => {
    const { engine, takeBy, clock, find } = await createBench();
    const items = await takeBy("deadline", 11 * MINUTE_MS);

    await clock.advance(10 * MINUTE_MS);
    const outcomes = await engine.processDue(items);

    expect([items.length, outcomes, await find()]).toEqual([1, [{ kind: "done" }], "BUILD ERROR"]);
  });

  it("leaves an attempt alone whose deadline has moved meanwhile, because a runner has claimed it", async () => {
    const { engine, takeBy, claim, clock, find } = await createBench();
    const items = await takeBy("deadline", 11 * MINUTE_MS);
    await clock.advance(9 * MINUTE_MS);
    await claim();

    await clock.advance(MINUTE_MS);
    await engine.processDue(items);

    expect(await find()).toBe("BUILD PENDING");
    expect(await takeBy("deadline", 19 * MINUTE_MS)).toMatchObject([{ kind: "deadline" }]);
  });

  it("fires a timer when it is due, not before, and once", async () => {
    const { engine, takeBy, clock, find, memory } = await createBench();
    const items = await takeBy("timer", 31 * MINUTE_MS);
    await clock.advance(29 * MINUTE_MS);
    await engine.processDue(items);
    const before = await find();

    await clock.advance(MINUTE_MS);
    await engine.processDue([...items, ...items]);
    await engine.processDue(items);

    const { items: lines } = await memory.queries.listHistory({ stackId: "pr-1" }, { limit: 50 });
    expect([before, await find()]).toEqual(["BUILD PENDING", "GONE"]);
    expect(lines.filter(({ event }) => event === "MERGED")).toHaveLength(1);
  });

  it("requests redelivery of what could not be read, and applies the rest", async () => {
    const { engine, takeBy, clock, find } = await createBench((store) => ({
      ...store,
      findAttempt: () => Promise.reject(new Error("the store is away")),
    }));
    const items = [...(await takeBy("deadline", 31 * MINUTE_MS)), ...(await takeBy("timer", 31 * MINUTE_MS))];

    await clock.advance(30 * MINUTE_MS);
    const outcomes = await engine.processDue(items);

    expect(outcomes).toEqual([{ kind: "retry", reason: "the store is away" }, { kind: "done" }]);
    expect(await find()).toBe("GONE");
  });

  it("reads once for all items whether the yard was away", async () => {
    let reads = 0;
    const { engine, takeBy, clock } = await createBench((store) => {
      const { get } = store.records;
      const counted = (...input: Parameters<typeof get>) => {
        reads += Number(input[0] === "yard/watched");
        return get(...input);
      };
      return { ...store, records: { ...store.records, get: counted } };
    });
    const [item] = await takeBy("deadline", 11 * MINUTE_MS);
    const items = item === undefined ? [] : [item, { ...item }, { ...item }];
    await clock.advance(10 * MINUTE_MS);

    await engine.processDue(items);

    expect([items.length, reads]).toEqual([3, 1]);
  });

  it("ignores kinds of work that are not for an engine", async () => {
    const { engine, takeBy, find } = await createBench();

    const outcomes = await engine.processDue(await takeBy("task", MINUTE_MS));

    expect([outcomes, await find()]).toEqual([[{ kind: "done" }], "BUILD PENDING"]);
  });
});

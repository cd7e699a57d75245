import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/executor.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { createScriptedExecutor } from "../testing/run-executor.ts";
import { aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { createYard } from "./yard.ts";
import { createYardWatch, loadAbsences } from "./yard-absences.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SOURCE = `
version: 2
events: [GO]
states:
  INIT: { on: { GO: WORK } }
  WORK: { tasks: [work] }
tasks:
  work: { executor: work, config: {}, timeout: 3h }
`;

function createBench() {
  const clock = createFakeClock();
  const { records } = createMemoryStore();
  const start = clock.now();
  const watch = () => createYardWatch(records, clock)();
  return {
    clock,
    records,
    watch,
    async watchFor(minutes: number) {
      for (let minute = 0; minute < minutes; minute += 1) {
        await clock.advance(MINUTE);
        await watch();
      }
    },
    async list() {
      const absences = await loadAbsences(records, clock.now());
      return absences.map(({ from, until }) => [(from - start) / MINUTE, (until - start) / MINUTE]);
    },
  };
}

describe("the absences of a yard", () => {
  it("are not recorded where a schedule looks each minute, or misses one", async () => {
    const { watch, watchFor, clock, list } = createBench();
    await watch();
    await watchFor(5);
    await clock.advance(2 * MINUTE);
    await watch();

    expect(await list()).toEqual([]);
  });

  it("are known before and after the first look of a process that is new", async () => {
    const { watch, watchFor, clock, list } = createBench();
    await watch();
    await watchFor(5);
    await clock.advance(3 * HOUR);
    const before = await list();
    await watch();
    await watchFor(5);

    expect([before, await list()]).toEqual([[[6, 185]], [[6, 185]]]);
  });

  it("are the newest 64", async () => {
    const { watch, clock, list } = createBench();
    for (let night = 0; night < 70; night += 1) {
      await watch();
      await clock.advance(HOUR);
    }

    expect((await list()).length).toBe(64);
  });

  it("are not those that a clock has made that was ahead", async () => {
    const ahead = createBench();
    await ahead.watch();
    await ahead.clock.advance(30 * 24 * HOUR);
    await ahead.watch();
    const clock = createFakeClock();
    await createYardWatch(ahead.records, clock)();
    await clock.advance(MINUTE);

    expect(await loadAbsences(ahead.records, clock.now())).toEqual([]);
  });

  it("cost one write in half a minute", async () => {
    const { records, clock } = createBench();
    const written: number[] = [];
    const counted = {
      ...records,
      put(input: Parameters<typeof records.put>[0]) {
        written.push(input.now);
        return records.put(input);
      },
    };
    const watch = createYardWatch(counted, clock);
    for (let second = 0; second < 60; second += 1) {
      await watch();
      await clock.advance(1_000);
    }

    expect(written.length).toBe(2);
  });
});

describe("a yard whose processes are new at each look, as functions are", () => {
  /** A stack whose task has run until its limit of three hours. */
  async function beginWork() {
    const clock = createFakeClock();
    const store = createMemoryStore();
    const { executor } = createScriptedExecutor("work");
    const executors = new Map([["work", executor]]);
    const locator = createTrialLocator(executors, { app: SOURCE });
    const deps = { store, clock, ids: countingIds(), logger: silentLogger, executors, locator };
    const look = () => createYard(deps, { roles: ["engine"] }).sweep();
    const message = { stackId: "web", event: "GO", machine: "app" };
    const { engine } = createYard(deps, { roles: ["engine"] });
    await engine.handle([{ event: aQueuedEvent("e1", { stackId: "web", message }), deliveries: 1 }]);
    const [attempt] = await store.queries.listAttempts("web");
    await store.claim({
      attemptId: attempt?.attemptId ?? "",
      owner: "w1",
      leaseMs: MINUTE,
      exclusiveKeys: [],
      now: clock.now(),
    });
    const find = async () => (await store.load(["web"]))[0]?.stack?.tasks[0]?.status;
    return {
      clock,
      look,
      find,
      async lookFor(minutes: number) {
        for (let minute = 0; minute < minutes; minute += 1) {
          await look();
          await clock.advance(MINUTE);
        }
      },
    };
  }

  it("ends work at its limit", async () => {
    const { look, find, lookFor } = await beginWork();
    await lookFor(180);
    const before = await find();
    await look();

    expect([before, await find()]).toEqual(["PENDING", "ERROR"]);
  });

  it.each([1, 2, 179])(
    "gives work whose limit passes in an absence what was left of it, of 3h after %i min",
    async (minutes) => {
      const { clock, find, lookFor } = await beginWork();
      await lookFor(minutes);
      await clock.advance(5 * HOUR);
      await lookFor(180 - minutes - 1);
      const before = await find();
      await lookFor(3);

      expect([before, await find()]).toEqual(["PENDING", "ERROR"]);
    },
  );
});

import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { joinRegistry, listProcesses, loadLiveProcesses } from "./yard-health.ts";

const START = Date.UTC(2026, 0, 1);
const facts = {
  id: "01A",
  roles: ["worker"],
  version: "0.1.0",
  host: "blue",
  pid: 7,
  executors: ["terraform"],
  capacity: 8,
  running: 0,
  draining: false,
} as const;

function createBench() {
  const clock = createFakeClock(START);
  const logger = createRecordingLogger();
  const { records } = createMemoryStore();
  return {
    clock,
    logger,
    records,
    join: (describe: () => typeof facts = () => facts, over = records) =>
      joinRegistry({ records: over, clock, logger, describe }),
    list: async () => (await listProcesses(records, { limit: 100, now: clock.now() })).items,
  };
}

describe("the list of a yard's processes", () => {
  it("shows a process from its start until it leaves", async () => {
    const { clock, join, list } = createBench();

    const entry = join();
    await settlePromises();
    const joined = await list();
    await clock.advance(600_000);
    const later = await list();
    await entry.leave();

    expect(joined).toEqual([{ ...facts, startedAt: START, seenAt: START, gone: false }]);
    expect(later).toEqual([{ ...facts, startedAt: START, seenAt: START + 600_000, gone: false }]);
    expect([await list(), clock.nextWakeAt()]).toEqual([[], undefined]);
  });

  it("lists a process that has died as gone for 10 minutes, and not among the live ones", async () => {
    const { clock, join, list, records } = createBench();
    let dead = false;
    const put: typeof records.put = (input) => (dead ? Promise.reject(new Error("gone")) : records.put(input));
    join(() => facts, { ...records, put });
    await settlePromises();

    dead = true;
    await clock.advance(19_999);
    const still = [await list(), await loadLiveProcesses(records, clock.now())];
    await clock.advance(1);
    const gone = [await list(), await loadLiveProcesses(records, clock.now())];
    await clock.advance(580_000);

    expect(still.map((listed) => listed.map(({ gone: isGone }) => isGone))).toEqual([[false], [false]]);
    expect(gone).toEqual([[{ ...facts, startedAt: START, seenAt: START, gone: true }], []]);
    expect(await list()).toEqual([]);
  });

  it("comes back by itself after its entry was lost", async () => {
    const { clock, join, list, records, logger } = createBench();
    join();
    await settlePromises();
    const written = await records.get("processes/01A", clock.now());

    await records.remove("processes/01A", written?.version ?? 0);
    await clock.advance(15_000);

    expect(await list()).toMatchObject([{ id: "01A", seenAt: START + 15_000 }]);
    expect(logger.list("warn")).toEqual([]);
  });

  it("continues after failed writes, and logs them", async () => {
    const { clock, join, list, records, logger } = createBench();
    let failures = 2;
    const put: typeof records.put = (input) => {
      failures -= 1;
      return failures < 0 ? records.put(input) : Promise.reject(new Error("no connection"));
    };

    const entry = join(() => facts, { ...records, put });
    await clock.advance(30_000);

    expect(await list()).toMatchObject([{ seenAt: START + 30_000 }]);
    expect(logger.list("warn")).toHaveLength(2);
    await entry.leave();
  });

  // Reported: temporalio/documentation#2050
  it("says by how much the clock of a process is ahead, in the list and once in the log of each other process", async () => {
    const { clock, join, list, logger, records } = createBench();
    const fast = { ...clock, now: () => clock.now() + 3_600_000 };
    const other = { ...facts, id: "01B", host: "green" };
    const theirs = createRecordingLogger();
    joinRegistry({ records, clock: fast, logger: theirs, describe: () => other });
    await settlePromises();

    join();
    await clock.advance(180_000);

    expect((await list()).map(({ id, gone, aheadMs }) => ({ id, gone, aheadMs }))).toEqual([
      { id: "01A", gone: false, aheadMs: undefined },
      { id: "01B", gone: false, aheadMs: 3_600_000 },
    ]);
    expect(logger.lines).toEqual([
      {
        level: "warn",
        message: expect.stringContaining("ahead of this one's"),
        fields: { process: "01B", host: "green", aheadSeconds: 3_600 },
      },
    ]);
    expect(theirs.lines).toEqual([]);
  });

  it("takes clocks that differ by a few seconds for the same", async () => {
    const { clock, join, list, logger, records } = createBench();
    const fast = { ...clock, now: () => clock.now() + 9_000 };
    joinRegistry({ records, clock: fast, logger, describe: () => ({ ...facts, id: "01B" }) });

    join();
    await settlePromises();

    expect((await list()).map(({ aheadMs }) => aheadMs)).toEqual([undefined, undefined]);
    expect(logger.lines).toEqual([]);
  });

  it("writes changes at once on request", async () => {
    const { join, list } = createBench();
    let running = 0;
    const entry = join(() => ({ ...facts, running }) as never);
    await settlePromises();

    running = 3;
    await entry.beat();

    expect(await list()).toMatchObject([{ running: 3 }]);
  });

  it("reads entries of newer versions, and ignores invalid ones", async () => {
    const { clock, list, records } = createBench();
    const put = (key: string, value: unknown) =>
      records.put({ key: `processes/${key}`, value, expected: "absent", now: clock.now() });
    await put("1", { id: "1", version: "9.0.0", host: "h", startedAt: 1, seenAt: 2, roles: ["engine", "x"], mood: 1 });
    await put("2", { id: 2 });
    await put("3", "none");
    await put("4", null);

    expect(await list()).toEqual([
      {
        id: "1",
        version: "9.0.0",
        host: "h",
        startedAt: 1,
        seenAt: 2,
        roles: ["engine"],
        executors: [],
        capacity: 0,
        running: 0,
        draining: false,
        gone: true,
      },
    ]);
  });
});

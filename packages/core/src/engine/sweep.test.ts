// Read on demand by the sweep: a fake clock waits for promises, not for files.
import "../access/audit-seal.ts";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { Store } from "../ports/store.ts";
import { countingIds, createFakeClock } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { anAuditEntry } from "../testing/store-conformance/store-builders.ts";
import type { Engine } from "./engine.ts";
import { startSweep } from "./sweep.ts";
import { DEFAULT_RETENTION } from "./yard.ts";

interface BenchInput {
  readonly store?: Partial<Store>;
  readonly sweep?: Engine["sweep"];
  readonly owner?: string;
  /** Whether the clock is known to have run for a day. */
  readonly steady?: boolean;
}

const HOUR = 3_600_000;

async function noteSteady({ records }: Store, now: number): Promise<void> {
  const value = { seenAt: now, steadySince: now - 24 * HOUR };
  await records.put({ key: "yard/clock", value, expected: "absent", now });
}

function createBench({ store: replaced = {}, sweep = async () => 0, owner = "p1", steady = true }: BenchInput = {}) {
  const clock = createFakeClock();
  const logger = createRecordingLogger();
  const start = clock.now();
  const sweptAt: number[] = [];
  const prunedAt: number[] = [];
  const noted: unknown[] = [];
  const store: Store = {
    ...createMemoryStore(),
    prune: async (_retention, now) => {
      prunedAt.push(now - start);
      return false;
    },
    ...replaced,
  };
  const engine = {
    sweepRevised: async () => 0,
    sweepMistimed: async () => undefined,
    noteCorrected: async (attempts: unknown) => void noted.push(attempts),
    sweep() {
      sweptAt.push(clock.now() - start);
      return sweep();
    },
  };
  if (steady) void noteSteady(store, start);
  const subscription = startSweep({ engine, store, clock, logger, owner, ids: countingIds() }, DEFAULT_RETENTION);
  return { clock, logger, sweptAt, prunedAt, noted, subscription };
}

describe("a clock that has jumped by days", () => {
  const DAY = 24 * HOUR;
  const startAfter = async (ms: number, jumpedBefore?: number) => {
    const { records } = createMemoryStore();
    const now = createFakeClock().now();
    const jumped = jumpedBefore === undefined ? {} : { jumpedAt: now - jumpedBefore };
    const value = { seenAt: now - ms, steadySince: 0, ...jumped };
    await records.put({ key: "yard/clock", value, expected: "absent", now });
    return createBench({ store: { records }, steady: false });
  };

  it("holds what is due for ten minutes, with a warning, without looking more often than each second", async () => {
    const { clock, logger, sweptAt, subscription } = await startAfter(5 * DAY);
    await clock.advance(599_000);
    const held = [...sweptAt];

    await clock.advance(2_000);

    expect([held, sweptAt[0]]).toEqual([[], 600_000]);
    expect(logger.lines.filter(({ message }) => message.includes("Timers wait for 10 minutes"))).toHaveLength(1);
    await subscription.stop();
  });

  it("continues to hold when the process starts again, and ends when the clock is set back", async () => {
    const again = await startAfter(1_000, 200_000);
    const setBack = await startAfter(-5 * DAY, -5 * DAY);

    await again.clock.advance(500_000);
    await setBack.clock.advance(1_000);

    expect([again.sweptAt[0], setBack.sweptAt[0]]).toEqual([400_000, 0]);
    await Promise.all([again.subscription.stop(), setBack.subscription.stop()]);
  });

  it("holds nothing after a pause of hours, nor in a new yard", async () => {
    const paused = await startAfter(20 * HOUR);
    const fresh = createBench({ steady: false });

    await paused.clock.advance(1_000);
    await fresh.clock.advance(1_000);

    expect([paused.sweptAt[0], fresh.sweptAt[0]]).toEqual([0, 0]);
    await Promise.all([paused.subscription.stop(), fresh.subscription.stop()]);
  });
});

describe("the sweep", () => {
  it("looks each second where nothing is known to be due", async () => {
    const { clock, sweptAt, subscription } = createBench();

    await clock.advance(3_000);

    expect(sweptAt).toEqual([0, 1_000, 2_000, 3_000]);
    await subscription.stop();
  });

  it("wakes when the next thing is due", async () => {
    const clock = createFakeClock();
    const {
      sweptAt,
      subscription,
      clock: own,
    } = createBench({
      store: { nextDueAt: async () => clock.now() + 250 },
    });

    await own.advance(300);

    expect(sweptAt).toEqual([0, 250, 260, 270, 280, 290, 300]);
    await subscription.stop();
  });

  it("continues at once while there is work", async () => {
    const left = [256, 256, 3];
    const { clock, sweptAt, subscription } = createBench({ sweep: async () => left.shift() ?? 0 });

    await clock.advance(0);

    expect(sweptAt).toEqual([0, 0, 0, 0]);
    await subscription.stop();
  });

  it("prunes at the start and every ten minutes, and continues while more is left", async () => {
    const left = [true, false];
    const at: number[] = [];
    const clock = createFakeClock();
    const bench = createBench({
      store: {
        prune: async (_retention, now) => {
          at.push(now - clock.now());
          return left.shift() ?? false;
        },
      },
    });

    await bench.clock.advance(601_000);

    expect(at).toEqual([0, 1_000, 601_000]);
    await bench.subscription.stop();
  });

  it("writes the attempts that the store has corrected into the history, also while nothing is removed", async () => {
    const corrected = [{ stackId: "s", attemptId: "s/1" }];
    const { clock, noted, subscription } = createBench({
      store: { correctAttempts: async () => corrected },
      steady: false,
    });

    await clock.advance(0);

    expect(noted).toEqual([corrected]);
    await subscription.stop();
  });

  it("prunes nothing by a clock that has jumped, and says so once", async () => {
    const { records } = createMemoryStore();
    const value = { seenAt: Date.UTC(2024, 0), steadySince: 0 };
    await records.put({ key: "yard/clock", value, expected: "absent", now: value.seenAt });
    const { clock, logger, prunedAt, subscription } = createBench({ store: { records }, steady: false });

    await clock.advance(2 * HOUR);

    expect(prunedAt).toEqual([]);
    expect(logger.lines.filter(({ message }) => message.includes("nothing is removed"))).toMatchObject([
      { message: expect.stringContaining("The clock has jumped by more than a day.") },
    ]);
    await subscription.stop();
  });

  it("prunes nothing before the clock has run for a day", async () => {
    const { records } = createMemoryStore();
    const first = createBench({ store: { records }, steady: false });
    await first.clock.advance(HOUR);
    await first.subscription.stop();
    expect(first.prunedAt).toEqual([]);
    const { value } = (await records.get("yard/clock", 0)) ?? {};
    expect(value).toMatchObject({ steadySince: first.clock.now() - HOUR });
  });

  it("seals the audit log each second, in one process of several", async () => {
    const { records } = createMemoryStore();
    const [first, second] = ["p1", "p2"].map((owner) => createBench({ owner, store: { records } }));
    const clock = createFakeClock();
    for (let index = 1; index <= 300; index += 1) {
      const entry = anAuditEntry(`01${String(index).padStart(4, "0")}`);
      await records.put({ key: `audit/pending/${entry.id}`, value: entry, expected: "absent", now: clock.now() });
    }

    await first?.clock.advance(1_000);
    await second?.clock.advance(1_000);

    const { items } = await records.list("audit/log/", { limit: 1_000, now: clock.now() });
    expect(items.length).toBe(300);
    expect((await records.list("audit/pending/", { limit: 1, now: clock.now() })).items).toEqual([]);
    await Promise.all([first?.subscription.stop(), second?.subscription.stop()]);
  });

  it("prunes in one process of several, and in another one when that is gone", async () => {
    const { records } = createMemoryStore();
    const [first, second] = ["p1", "p2"].map((owner) => createBench({ owner, store: { records } }));
    await first?.clock.advance(0);
    await second?.clock.advance(0);

    await first?.clock.advance(600_000);
    await first?.subscription.stop();
    await second?.clock.advance(1_200_000);

    expect([first?.prunedAt, second?.prunedAt]).toEqual([[0, 600_000], [1_200_000]]);
    await second?.subscription.stop();
  });

  it.each([
    ["sweep", "process due work; the next sweep retries.", { sweep: () => Promise.reject(new Error("no disk")) }],
    ["pruning", "prune; the next sweep retries.", { store: { prune: () => Promise.reject(new Error("no disk")) } }],
    ["look", "read the next due time.", { store: { nextDueAt: () => Promise.reject(new Error("no disk")) } }],
  ])("tries again a second after a failed %s", async (_what, failure, input) => {
    const { clock, logger, sweptAt, subscription } = createBench(input);

    await clock.advance(2_000);

    expect(sweptAt).toEqual([0, 1_000, 2_000]);
    expect(logger.list("error")).toEqual(Array.from({ length: 3 }, () => `The sweep could not ${failure}`));
    await subscription.stop();
  });

  it("ends its sleep when it is stopped, after what is under way", async () => {
    let end = (_worked: number) => {};
    const { clock, sweptAt, subscription } = createBench({
      sweep: () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    });
    await clock.advance(0);
    let stopped = false;

    const stop = subscription.stop().then(() => {
      stopped = true;
    });
    await clock.advance(5_000);
    const early = stopped;
    end(1);
    await stop;

    expect(early).toBe(false);
    expect(sweptAt).toEqual([0]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });
});

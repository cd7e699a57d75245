import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { failed, silentLogger } from "../ports/executor.ts";
import { countingIds } from "../testing/fake-clock.ts";
import { createScriptedExecutor } from "../testing/run-executor.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { createEngine, publishMessages } from "./engine.ts";
import { createPlanner } from "./plans/planner.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const T = Date.UTC(2026, 0, 1);
const AHEAD = T + 30 * DAY;

const machine = (after: string, more = "") => `
version: 2
events: [GO, NOTE, END, LATER]
states:
  INIT: { on: { GO: LIVE } }
  LIVE: { ${more} after: [${after}], on: { NOTE: no-op, END: GONE, TIMEOUT: GONE } }
  GONE: { terminal: true }
`;

/** A yard whose clock a test sets. */
function createBench(source: string) {
  const store = createMemoryStore();
  let now = T;
  const clock = { now: () => now, sleep: async () => undefined };
  const { executor } = createScriptedExecutor("work", () => failed({ code: "X", message: "no", retryable: true }));
  const executors = new Map([["work", executor]]);
  const locator = createTrialLocator(executors, { app: source });
  const ids = countingIds();
  const engine = createEngine({ store, locator, executors, clock, ids, logger: silentLogger });
  const list = async () => (await store.queries.listHistory({ stackId: "s" }, { limit: 100 })).items;

  async function work(): Promise<void> {
    const due = await store.takeDue({ kinds: ["event"], now, limit: 100, leaseMs: MINUTE });
    const deliveries = due.flatMap((item) =>
      item.kind === "event" ? [{ event: item.event, deliveries: 1, storeReceipt: item.receipt }] : [],
    );
    await engine.handle(deliveries);
    while ((await engine.sweep()) > 0);
  }

  return {
    store,
    engine,
    planner: createPlanner({ store, locator, executors, clock, ids }),
    async at(instant: number, ...events: readonly (string | { readonly event: string; readonly metadata: object })[]) {
      now = instant;
      const messages = events.map((event) => (typeof event === "string" ? { event } : event));
      await publishMessages(
        { store, clock, ids },
        messages.map((message) => ({ ...message, stackId: "s", machine: "app" })),
      );
      await work();
    },
    async find() {
      return (await store.load(["s"]))[0]?.stack;
    },
    list,
    async outcomes() {
      return (await list()).map(({ event, outcome }) => `${event} ${outcome}`);
    },
  };
}

describe("a clock that was behind, and is set forward", () => {
  it("misses no occurrence that it skips by seconds (quantum-core#395)", async () => {
    const bench = createBench(machine('{ cron: "* * * * *", zone: UTC, event: NOTE }'));
    await bench.at(T + MINUTE - 3_000, "GO");

    await bench.at(T + MINUTE + 12_000);

    expect(await bench.outcomes()).toEqual(["GO applied", "NOTE applied"]);
  });

  it("has one occurrence for all that were skipped (node-schedule#431)", async () => {
    const bench = createBench(machine('{ cron: "*/5 * * * *", zone: UTC, event: NOTE }'));
    await bench.at(T, "GO");

    await bench.at(T + 61 * MINUTE);
    const after = await bench.outcomes();
    await bench.at(T + 65 * MINUTE);

    expect(after).toEqual(["GO applied", "NOTE applied"]);
    expect(await bench.outcomes()).toEqual([...after, "NOTE applied"]);
  });
});

describe("a clock that was ahead, and is right again", () => {
  // glpi-agent#674, duplicati#2904, sidekiq-scheduler#283, systemd#6036, systemd#16347, dbader/schedule PR 323
  it("leaves no schedule silent: it is armed for its next occurrence, with a line in the history", async () => {
    const bench = createBench(machine('{ cron: "* * * * *", zone: UTC, event: NOTE }'));
    await bench.at(AHEAD, "GO");

    await bench.at(T);
    await bench.engine.sweepMistimed();
    const armed = (await bench.find())?.timers[0]?.dueAt;
    await bench.at(T + MINUTE);

    expect(armed).toBe(T + MINUTE);
    expect(await bench.outcomes()).toEqual(["GO applied", "CLOCK_CORRECTED ignored", "NOTE applied"]);
    expect((await bench.list())[1]?.notes).toEqual([
      'The timer of "NOTE" is due at 2026-01-01T00:01:00.000Z instead of 2026-01-31T00:01:00.000Z.',
    ]);
  });

  // systemd#13513, arbos PR 650
  it.each([
    ["in", machine("{ in: 1h, event: END }")],
    ["timeout", machine("", "timeout: 1h,")],
  ])("lets %s wait its time from now on", async (_, source) => {
    const bench = createBench(source);
    await bench.at(AHEAD, "GO");

    await bench.at(T);
    await bench.engine.sweepMistimed();

    expect(await bench.find()).toMatchObject({ enteredAt: T, updatedAt: T, timers: [{ dueAt: T + 60 * MINUTE }] });
    await bench.at(T + 61 * MINUTE);
    expect(await bench.find()).toBeUndefined();
  });

  it.each([
    [2, "gocron#438"],
    [8, "quartznet#1508"],
    [12, "quartznet#1490"],
  ])("continues each minute after it was set back by %d hours (%s)", async (hours) => {
    const bench = createBench(machine('{ cron: "* * * * *", zone: UTC, event: NOTE }'));
    await bench.at(T + hours * 60 * MINUTE, "GO");

    await bench.at(T);
    await bench.engine.sweepMistimed();
    for (const minute of [1, 2, 3]) await bench.at(T + minute * MINUTE);

    expect((await bench.outcomes()).slice(2)).toEqual(["NOTE applied", "NOTE applied", "NOTE applied"]);
  });

  it("corrects a stack with the next event, too, before it is decided", async () => {
    const bench = createBench(machine('{ cron: "0 * * * *", zone: UTC, event: NOTE }'));
    await bench.at(AHEAD, "GO");

    await bench.at(T + MINUTE, "NOTE");

    expect(await bench.outcomes()).toEqual(["GO applied", "CLOCK_CORRECTED ignored", "NOTE applied"]);
    expect((await bench.find())?.timers[0]?.dueAt).toBe(T + 60 * MINUTE);
  });

  it("replays its history to the same stack", async () => {
    const bench = createBench(machine('{ in: 1h, event: NOTE }, { cron: "0 0 * * *", zone: UTC, event: NOTE }'));
    await bench.at(AHEAD, "GO");
    await bench.at(T);
    await bench.engine.sweepMistimed();
    await bench.at(T + 61 * MINUTE);

    const last = (await bench.list()).at(-1);
    const found = await bench.planner.findStackAt({ stackId: "s", position: last?.position ?? 0 });

    expect(last).toMatchObject({ event: "NOTE", outcome: "applied" });
    expect([found?.incomplete, found?.stack?.timers]).toEqual([undefined, (await bench.find())?.timers]);
  });

  it("leaves alone what a right clock has armed, and instants of metadata", async () => {
    const until = "$" + "{metadata.until}";
    const bench = createBench(machine(`{ in: 40d, event: END }, { at: "${until}", event: NOTE }`));
    await bench.at(T, { event: "GO", metadata: { until: new Date(T + 60 * DAY).toISOString() } });
    await bench.at(AHEAD, "NOTE");

    await bench.at(T + DAY);
    await bench.engine.sweepMistimed();

    expect((await bench.find())?.timers.map(({ dueAt }) => dueAt)).toEqual([T + 40 * DAY, T + 60 * DAY]);
  });

  it("tolerates clocks that differ by minutes", async () => {
    const bench = createBench(machine('{ cron: "* * * * *", zone: UTC, event: NOTE }'));
    await bench.at(T + 4 * MINUTE, "GO");

    await bench.at(T);
    await bench.engine.sweepMistimed();

    expect(await bench.outcomes()).toEqual(["GO applied"]);
  });

  // An occurrence that has fired by the wrong clock comes again by the right one, and has the same id.
  it("continues with a schedule whose occurrence was applied while the clock was ahead", async () => {
    const bench = createBench(machine('{ cron: "0 0 * * *", zone: UTC, event: NOTE }'));
    await bench.at(T + MINUTE, "GO");
    await bench.at(T + DAY + MINUTE);
    await bench.at(T + 2 * MINUTE);
    await bench.engine.sweepMistimed();
    const armed = (await bench.find())?.timers[0]?.dueAt;

    await bench.at(T + DAY + MINUTE);

    expect(armed).toBe(T + DAY);
    expect((await bench.find())?.timers[0]?.dueAt).toBe(T + 2 * DAY);
  });

  it("has a line about the attempts that a worker with such a clock has begun, once", async () => {
    const bench = createBench(
      machine("", "tasks: [work],").replace("events:", "tasks: { work: { executor: work, config: {} } }\nevents:"),
    );
    const { store, engine } = bench;
    await bench.at(T, "GO");
    const [open] = await store.queries.listAttempts("s");
    const claim = { attemptId: open?.attemptId ?? "", owner: "w", leaseMs: MINUTE, exclusiveKeys: [] };
    await store.claim({ ...claim, now: AHEAD });

    const corrected = await store.correctAttempts(T);
    await engine.noteCorrected(corrected);
    await engine.noteCorrected(await store.correctAttempts(T));
    const other = await store.correctAttempts(T);
    await engine.noteCorrected([{ stackId: "gone", attemptId: "gone/1" }]);

    expect(other).toEqual([]);
    expect(await bench.outcomes()).toEqual(["GO applied", "CLOCK_CORRECTED ignored"]);
    expect((await bench.list())[1]).toMatchObject({
      code: "CLOCK_CORRECTED",
      to: "LIVE",
      notes: [
        `The attempt ${claim.attemptId} ends at 2026-01-01T01:00:00.000Z at the latest instead of 2026-01-31T01:00:00.000Z.`,
      ],
    });
    const { items } = await store.queries.listHistory({ stackId: "gone" }, { limit: 10 });
    expect(items[0]?.notes).toEqual(["The lease of the attempt gone/1 has ended."]);
    const last = (await bench.list()).at(-1);
    expect((await bench.planner.findStackAt({ stackId: "s", position: last?.position ?? 0 }))?.stack).toEqual(
      await bench.find(),
    );
  });

  it("decides parked events again in time", async () => {
    const bench = createBench(machine("{ in: 1h, event: END }"));
    await bench.at(AHEAD, "GO", "LATER");

    await bench.at(T);
    await bench.engine.sweepMistimed();

    const [loaded] = await bench.store.load(["s"]);
    expect(loaded?.parked).toMatchObject([{ parkedAt: T, nextTryAt: T + 30_000 }]);
  });
});

import { describe, expect, it } from "vitest";
import { failed, type Step, succeeded } from "../ports/executor.ts";
import type { ScriptedCall } from "../testing/run-executor.ts";
import { createTrial, type Trial } from "../testing/trial.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const opened = { id: "e1", stackId: "pr-1", event: "OPENED", machine: "app" };
const quota = failed({ code: "QUOTA", message: "no room", retryable: true });
const waits: Step = { kind: "running", progress: {}, pollAfterMs: 24 * HOUR_MS, message: "waits" };

function machineOf(states: string, tasks: string): string {
  return `
version: 2
events: [OPENED, PUSHED, MERGED]
states:
  INIT: { on: { OPENED: BUILD } }
${states}
tasks:
${tasks}
`;
}

const listTaskStatuses = async ({ yard }: Trial, id = "pr-1") =>
  (await yard.findStack(id))?.tasks.map(({ name, status, detail }) => [name, detail ?? status].join(" "));

describe("a task that is tried again", () => {
  const source = machineOf(
    "  BUILD: { tasks: [db], on: { FAILED: BROKEN, NEXT: LIVE } }\n  BROKEN: { on: { PUSHED: BUILD } }\n  LIVE: {}",
    "  db: { executor: work, config: {}, retry: { attempts: 4, backoff: { from: 10s, to: 1m } } }",
  );

  async function timesOf(seed: number): Promise<readonly number[]> {
    const times: number[] = [];
    let now = () => 0;
    const script = () => {
      times.push(now());
      return quota;
    };
    const { yard } = createTrial({ source, script, seed });
    now = yard.clock.now;
    await yard.publish(opened);
    await yard.advance(5 * MINUTE_MS);
    expect(await yard.findStack("pr-1")).toMatchObject({ state: "BROKEN" });
    return times.map((time) => time - (times[0] ?? 0));
  }

  it("waits a random time within the bound of each attempt, and eventually fails", async () => {
    const [first = 0, second = 0, third = 0, fourth = 0, ...more] = await timesOf(7);

    expect([first, more]).toEqual([0, []]);
    expect(second).toBeLessThanOrEqual(10_000);
    expect(third - second).toBeLessThanOrEqual(20_000);
    expect(fourth - third).toBeLessThanOrEqual(40_000);
  });

  it("waits for the same times in a repeated simulation, and for others with another seed", async () => {
    expect(await timesOf(7)).toEqual(await timesOf(7));
    expect(await timesOf(7)).not.toEqual(await timesOf(8));
  });

  it("is tried as often over crashes", async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const numbers = new Set<number>();
      const script = ({ attempt }: ScriptedCall) => {
        numbers.add(attempt);
        return quota;
      };
      const { yard } = createTrial({ source, script, seed, crashRate: 0.1, leaseMs: 5_000 });
      await yard.publish(opened);

      await yard.advance(HOUR_MS);

      expect((await yard.findStack("pr-1"))?.state).toBe("BROKEN");
      expect([...numbers]).toEqual([1, 2, 3, 4]);
      expect(await yard.findViolations()).toEqual([]);
    }
  });
});

describe("time in a state", () => {
  it("fires the timeout before what comes after, which it may drop", async () => {
    const both =
      "  BUILD: { tasks: [db], timeout: 10m, after: [{ in: 10m, event: MERGED }], on: { TIMEOUT: LATE, MERGED: GONE } }";
    const source = machineOf(`${both}\n  LATE: {}\n  GONE: {}`, "  db: { executor: work, config: {} }");
    const { yard, listOutcomes } = createTrial({ source, script: () => waits });
    await yard.publish(opened);

    await yard.advance(11 * MINUTE_MS);

    expect(await listOutcomes("pr-1")).toEqual(["OPENED applied", "TIMEOUT applied"]);
    expect(await yard.findStack("pr-1")).toMatchObject({ state: "LATE", timers: [] });
  });

  it("parks an event that is refused when it is due, and gives it up after an hour", async () => {
    const guarded = 'MERGED: [{ when: "has(metadata.ready)", action: advance, state: GONE }]';
    const source = machineOf(
      `  BUILD: { after: [{ in: 5m, event: MERGED }], on: { ${guarded} } }\n  GONE: {}`,
      "  none: { executor: work, config: {} }",
    );
    const { yard, listOutcomes, listParked, listDeadLetters } = createTrial({ source });
    await yard.publish(opened);

    await yard.advance(2 * HOUR_MS);

    expect(await listOutcomes("pr-1")).toEqual([
      "OPENED applied",
      "MERGED parked EVENT_NOT_HANDLED",
      "MERGED dead-lettered EVENT_NOT_HANDLED",
    ]);
    expect([(await listParked("pr-1")).length, (await listDeadLetters()).length]).toEqual([0, 1]);
    expect((await yard.findStack("pr-1"))?.timers).toMatchObject([
      { event: "MERGED", refused: { givenUpAt: expect.any(Number) } },
    ]);
  });

  it("ends an overdue attempt before it checks the deadline of the state", async () => {
    const state =
      "  BUILD: { tasks: [db], timeout: 10m, on: { FAILED: BROKEN, TIMEOUT: LATE } }\n  BROKEN: {}\n  LATE: {}";
    const source = machineOf(state, "  db: { executor: work, config: {}, timeout: 10m }");
    const { yard, listOutcomes } = createTrial({ source, script: () => waits });
    await yard.publish(opened);

    await yard.advance(11 * MINUTE_MS);

    expect((await listOutcomes("pr-1")).slice(0, 2)).toEqual(["OPENED applied", "TASK_TIMED_OUT applied"]);
    expect((await yard.findStack("pr-1"))?.state).toBe("BROKEN");
  });
});

describe("an exclusive key", () => {
  it("lets one stack after the other work, in the order of dispatch", async () => {
    const source = machineOf(
      "  BUILD: { tasks: [db], on: { NEXT: LIVE } }\n  LIVE: {}",
      `  db: { executor: work, config: {}, exclusive: "'shared'" }`,
    );
    const polls = new Map<string, number>();
    const script = ({ stackId }: ScriptedCall): Step => {
      const count = (polls.get(stackId) ?? 0) + 1;
      polls.set(stackId, count);
      return count === 2 ? succeeded({}) : { ...waits, pollAfterMs: 10_000 };
    };
    const trial = createTrial({ source, script, workers: 1 });
    for (const stackId of ["a", "b", "c"]) {
      await trial.yard.publish({ ...opened, id: stackId, stackId });
      await trial.yard.settle();
    }

    const waiting = (await trial.yard.store.queries.listAttempts("c"))[0];
    await trial.yard.advance(15_000);
    const states = await Promise.all(["a", "b", "c"].map(async (id) => (await trial.yard.findStack(id))?.state));
    await trial.yard.advance(60_000);

    expect(waiting).toMatchObject({ status: "queued", queuedFor: { key: "key:shared", place: 2 } });
    expect(states).toEqual(["LIVE", "BUILD", "BUILD"]);
    expect((await trial.yard.findStack("c"))?.state).toBe("LIVE");
  });
});

describe("a revision that a stack keeps", () => {
  const source = machineOf("  BUILD: { on: { PUSHED: LIVE } }\n  LIVE: {}", "  db: { executor: work, config: {} }");
  const newer = source.replace("PUSHED: LIVE", "PUSHED: LIVE, MERGED: LIVE");
  const merged = { id: "m1", stackId: "pr-1", event: "MERGED" };

  it("refuses what only a newer one handles, until the stack is upgraded", async () => {
    const { yard, locator, listOutcomes, listParked } = createTrial({ source });
    await yard.publish(opened);
    await yard.settle();
    locator.write("app", newer);
    await yard.publish(merged);
    await yard.advance(10_000);
    expect(await listParked("pr-1")).toEqual(["m1 EVENT_NOT_HANDLED tried 1"]);

    await yard.publish({ id: "u1", stackId: "pr-1", event: "UPGRADE_STACK" });
    await yard.settle();

    expect(await listOutcomes("pr-1")).toEqual([
      "OPENED applied",
      "MERGED parked EVENT_NOT_HANDLED",
      "UPGRADE_STACK applied",
      "MERGED applied",
    ]);
    expect(await listParked("pr-1")).toEqual([]);
  });

  it("stays where the machine is gone, and new stacks take the newest", async () => {
    const { yard, locator } = createTrial({ source });
    await yard.publish(opened);
    await yard.settle();
    locator.write("app", newer);
    await yard.publish({ ...opened, id: "n1", stackId: "pr-2" }, { ...merged, stackId: "pr-2" });
    await yard.settle();
    locator.write("app", undefined);

    await yard.publish({ id: "p1", stackId: "pr-1", event: "PUSHED" });
    await yard.settle();

    expect((await yard.findStack("pr-1"))?.state).toBe("LIVE");
    expect((await yard.findStack("pr-2"))?.state).toBe("LIVE");
  });
});

describe("the tasks of a state that waits for what was left", () => {
  it("begin when the last run of earlier states has ended", async () => {
    const source = machineOf(
      "  BUILD: { tasks: [db], on: { PUSHED: NEXT-ONE } }\n  NEXT-ONE: { leaving: cancel, tasks: [app], on: { NEXT: LIVE } }\n  LIVE: {}",
      "  db: { executor: work, config: {} }\n  app: { executor: work, config: {} }",
    );
    const trial = createTrial({ source, script: ({ task }) => (task === "db" ? waits : undefined) });
    await trial.yard.publish(opened);
    await trial.yard.settle();
    await trial.yard.publish({ id: "p1", stackId: "pr-1", event: "PUSHED" });
    await trial.yard.settle();

    const before = await listTaskStatuses(trial);
    await trial.yard.advance(10 * MINUTE_MS);

    expect(before).toEqual(["app WAITING"]);
    expect((await trial.yard.findStack("pr-1"))?.state).toBe("LIVE");
  });
});

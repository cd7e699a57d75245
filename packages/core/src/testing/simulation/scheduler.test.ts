import { describe, expect, it } from "vitest";
import { createScheduler, type Life, type Scheduler } from "./scheduler.ts";
import type { Fault } from "./simulation-plan.ts";

interface Stage {
  readonly scheduler: Scheduler;
  readonly incarnation: Life;
  readonly done: string[];
  /** Enters a call that notes that it was done, and how it was answered. */
  call(key: string, inMs?: number): void;
  runToEnd(): Promise<readonly string[]>;
}

function createStage(faults: Readonly<Record<string, Fault>> = {}, skewMs = 0): Stage {
  const done: string[] = [];
  const chance = { findFault: (key: string) => faults[key], findWork: () => undefined };
  const scheduler = createScheduler({ startAt: 0, endAt: 1_000_000, chance, onStep: () => undefined });
  const note = (what: string) => done.push(`${scheduler.now()} ${what}`);
  const incarnation: Life = {
    node: 0,
    skewMs,
    frozenUntil: 0,
    isOver: false,
    crash(downMs) {
      scheduler.discard(incarnation);
      note(`down for ${downMs}`);
    },
  };
  return {
    scheduler,
    incarnation,
    done,
    call(key, inMs = 0) {
      const act = () => note(key);
      void scheduler.enter({ key, incarnation, inMs, describe: () => "", act }).then(
        () => note(`${key} answers`),
        () => note(`${key} fails`),
      );
    },
    async runToEnd() {
      while (await scheduler.step());
      return done;
    },
  };
}

describe("the scheduler", () => {
  it("does one call after the other in their order, and lets what follows from each happen first", async () => {
    const { call, runToEnd } = createStage();
    call("a");
    call("b");

    expect(await runToEnd()).toEqual(["0 a", "0 a answers", "0 b", "0 b answers"]);
  });

  it("lets time pass when nothing else is left", async () => {
    const { call, runToEnd, scheduler } = createStage();
    call("later", 50);
    call("now");

    expect(await runToEnd()).toEqual(["0 now", "0 now answers", "50 later", "50 later answers"]);
    expect([scheduler.now(), scheduler.steps()]).toEqual([50, 2]);
  });

  it.each([
    ["dies before a call", { kind: "crash", when: "before", downMs: 9 }, ["0 down for 9"]],
    ["dies after a call", { kind: "crash", when: "after", downMs: 9 }, ["0 a", "0 down for 9"]],
    ["is refused", { kind: "fail", when: "before" }, ["0 a fails", "0 b", "0 b answers"]],
    ["is refused what has happened", { kind: "fail", when: "after" }, ["0 a", "0 a fails", "0 b", "0 b answers"]],
    ["calls late", { kind: "delay", when: "before", ms: 5 }, ["0 b", "0 b answers", "5 a", "5 a answers"]],
    ["hears late", { kind: "delay", when: "after", ms: 5 }, ["0 a", "0 b", "0 b answers", "5 a answers"]],
    ["comes later", { kind: "yield", steps: 2 }, ["0 b", "0 b answers", "0 a", "0 a answers"]],
  ] as const)("knows a process that %s", async (_what, fault, expected) => {
    const { call, runToEnd } = createStage({ a: fault });
    call("a");
    call("b");

    expect(await runToEnd()).toEqual(expected);
  });

  it("accepts nothing from a discarded incarnation, whatever still runs in it", async () => {
    const { scheduler, incarnation, done, call, runToEnd } = createStage();
    call("a");
    scheduler.discard(incarnation);
    call("b");
    void scheduler.sleep("sleep", incarnation, 10).then(() => done.push("slept"));
    void scheduler.idle("events", "idle", incarnation, 10).then(() => done.push("looks"));

    expect(await runToEnd()).toEqual([]);
  });

  it("does nothing for a process that stands still", async () => {
    const { call, incarnation, runToEnd } = createStage();
    incarnation.frozenUntil = 30;
    call("a");

    expect(await runToEnd()).toEqual(["30 a", "30 a answers"]);
  });

  it("ends a sleep at its time, or when its signal comes", async () => {
    const { scheduler, incarnation, done, runToEnd } = createStage();
    const cut = new AbortController();
    const over = AbortSignal.abort();
    void scheduler.sleep("long", incarnation, 100, cut.signal).then(() => done.push(`${scheduler.now()} cut`));
    void scheduler.sleep("short", incarnation, 10).then(() => {
      done.push(`${scheduler.now()} slept`);
      cut.abort();
    });
    await scheduler.sleep("none", incarnation, 10, over);
    await scheduler.sleep("none", incarnation, 0);

    expect(await runToEnd()).toEqual(["10 slept", "10 cut"]);
    expect(scheduler.now()).toBe(10);
  });

  it("counts whole milliseconds", async () => {
    const { scheduler, incarnation, runToEnd } = createStage();
    void scheduler.sleep("third", incarnation, 5_000 / 3);
    await runToEnd();

    expect(scheduler.now()).toBe(1_667);
  });

  it("stops at the end of time", async () => {
    const { call, runToEnd } = createStage();
    call("never", 2_000_000);

    expect(await runToEnd()).toEqual([]);
  });
});

describe("a process that looks for work", () => {
  async function lookFor(options: {
    readonly dueAt?: number;
    readonly always?: boolean;
    readonly fault?: Fault;
    readonly skewMs?: number;
  }): Promise<readonly string[]> {
    const { scheduler, incarnation, done, call, runToEnd } = createStage(
      options.fault === undefined ? {} : { idle: options.fault },
      options.skewMs,
    );
    void scheduler.idle("events", "idle", incarnation, 1_000).then(() => done.push(`${scheduler.now()} looks`));
    call("busy");
    scheduler.noteDue("events", options.dueAt, options.always);
    return (await runToEnd()).filter((line) => !line.endsWith("answers"));
  }

  it.each([
    ["sleeps without due work", {}, ["0 busy"]],
    ["is woken when there is some, after those that are busy", { dueAt: 0 }, ["0 busy", "0 looks"]],
    ["sleeps until there is some", { dueAt: 70 }, ["0 busy", "70 looks"]],
    ["polls at once when it is in a hurry", { dueAt: 0, fault: { kind: "hurry" } as const }, ["0 looks", "0 busy"]],
    [
      "may miss the signal",
      { dueAt: 0, fault: { kind: "delay", when: "before", ms: 5_000 } as const },
      ["0 busy", "5000 looks"],
    ],
    ["goes by its own clock", { dueAt: 70, skewMs: 20 }, ["0 busy", "50 looks"]],
    ["does not poll when polling is off", { always: true }, ["0 busy", "0 looks"]],
  ])("%s", async (_what, options, expected) => {
    expect(await lookFor(options)).toEqual(expected);
  });

  it("has no signals when it sweeps", async () => {
    const { scheduler, incarnation, done, runToEnd } = createStage();
    void scheduler.idle("sweep", "idle", incarnation, 1_000).then(() => done.push(`${scheduler.now()} sweeps`));
    scheduler.noteDue("sweep", 3);

    expect(await runToEnd()).toEqual(["1000 sweeps"]);
  });
});

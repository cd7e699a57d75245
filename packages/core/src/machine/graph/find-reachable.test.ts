import { describe, expect, it } from "vitest";
import { aMachineV2, aStack } from "../../testing/builders.ts";
import type { TaskState } from "../stack.ts";
import { findReachable, findReachableOnSuccess } from "./find-reachable.ts";

const done = (name: string): TaskState => ({ name, status: "SATISFIED" });
const failed = (name: string): TaskState => ({ name, status: "ERROR" });

const machine = aMachineV2({
  INIT: { on: { OPENED: ["BUILD"] } },
  BUILD: { tasks: ["build"], on: { NEXT: ["CHECK", "LIVE"], FAILED: ["CLEANUP"] } },
  CHECK: { tasks: ["check"], on: { NEXT: ["LIVE"] } },
  LIVE: { on: { PUSHED: ["BUILD"], CLOSED: ["GONE"] } },
  CLEANUP: { tasks: ["clean"], on: { NEXT: ["BROKEN"] } },
  BROKEN: { on: { PUSHED: ["BUILD"] } },
  GONE: { tasks: ["remove"], terminal: true },
});

describe("findReachable", () => {
  it("follows results of tasks to the states that wait for an event, and not through states that are left at once", () => {
    expect(findReachable(machine, aStack({ state: "BUILD", tasks: ["build"] }))).toEqual({
      states: ["LIVE", "CLEANUP", "BROKEN"],
      removal: false,
    });
  });

  it("finds nothing where only an event from outside leads on", () => {
    const none = { states: [], removal: false };

    expect(findReachable(machine, aStack({ state: "BROKEN" }))).toEqual(none);
    expect(findReachable(machine, aStack({ state: "LIVE" }))).toEqual(none);
    expect(findReachable(machine, aStack())).toEqual(none);
    expect(findReachable(machine, aStack({ state: "LOST" }))).toEqual(none);
  });

  it("knows that a failed task holds NEXT back, that FAILED has fired, and that a satisfied state has advanced", () => {
    const none = { states: [], removal: false };

    expect(findReachable(machine, aStack({ state: "CHECK", tasks: [failed("check")] }))).toEqual(none);
    expect(findReachable(machine, aStack({ state: "BUILD", tasks: [failed("build")] }))).toEqual(none);
    expect(findReachable(machine, aStack({ state: "BUILD", tasks: [done("build")] }))).toEqual(none);
  });

  it("counts on a late success of an attempt that ran out of time and is still open", () => {
    const run = {
      attemptId: "a",
      entry: 1,
      task: "check",
      attempt: 1,
      dispatchedAt: 0,
      cancelling: "timed-out",
    } as const;
    const stack = aStack({ state: "CHECK", tasks: [failed("check")], entry: 1, runs: [run], failed: true });

    expect(findReachable(machine, stack).states).toEqual(["LIVE"]);
    expect(findReachable(machine, { ...stack, runs: [{ ...run, abandoned: true }] }).states).toEqual([]);
  });

  it("expects FAILED and not NEXT while another task still runs after a failure", () => {
    const two = aMachineV2({
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["a", "b"], on: { NEXT: ["LIVE"], FAILED: ["BROKEN"] } },
      LIVE: {},
      BROKEN: {},
    });

    expect(findReachable(two, aStack({ state: "BUILD", tasks: [failed("a"), "b"] })).states).toEqual(["BROKEN"]);
  });

  it("does not take FAILED for the engine's where a machine of the first version declares it", () => {
    const declared = aMachineV2(
      { INIT: {}, BUILD: { tasks: ["a"], on: { FAILED: ["BROKEN"] } }, BROKEN: {} },
      { version: 1, events: ["FAILED"] },
    );

    expect(findReachable(declared, aStack({ state: "BUILD", tasks: ["a"] })).states).toEqual([]);
  });

  it("follows timers that are armed, those of later states, and a state's timeout", () => {
    const timed = aMachineV2({
      INIT: {},
      LIVE: { on: { SLEEP: ["ASLEEP"], TIMEOUT: ["LATE"] }, after: [{ inMs: 1, event: "SLEEP" }], timeoutMs: 5 },
      ASLEEP: { on: { TIMEOUT: ["GONE"] }, timeoutMs: 5 },
      LATE: {},
      GONE: { terminal: true },
    });
    const timer = { id: "1/after/0", event: "SLEEP", dueAt: 9 };

    expect(findReachable(timed, aStack({ state: "LIVE", timers: [timer] }))).toEqual({
      states: ["ASLEEP", "GONE"],
      removal: true,
    });
    expect(findReachable(timed, aStack({ state: "LIVE" })).states).toEqual([]);
  });

  it("follows events that reactions raise, in the state that is entered, also in a circle", () => {
    const raising = aMachineV2({
      INIT: {},
      LIVE: { on: { NIGHT: [{ to: "CHECK", raise: "BEGIN" }] }, after: [{ inMs: 1, event: "NIGHT" }] },
      CHECK: { on: { BEGIN: [{ raise: "AGAIN" }], AGAIN: [{ to: "DONE", raise: "BEGIN" }] } },
      DONE: { on: { BEGIN: [{ to: "CHECK", raise: "BEGIN" }] } },
    });
    const timer = { id: "1/after/0", event: "NIGHT", dueAt: 9 };

    expect(findReachable(raising, aStack({ state: "LIVE", timers: [timer] })).states).toEqual(["CHECK", "DONE"]);
  });

  it("does not take the wait before a task's next attempt for an event of the machine", () => {
    const retry = { id: "1/retry/build", event: "TASK_RETRY_DUE", dueAt: 9, task: "build" };
    const tasks: TaskState[] = [{ name: "build", status: "PENDING", detail: "RETRYING" }];

    expect(findReachable(machine, aStack({ state: "BUILD", tasks, timers: [retry] })).states).toContain("LIVE");
  });

  it("lets parked events come wherever they are handled", () => {
    expect(findReachable(machine, aStack({ state: "CLEANUP", tasks: ["clean"] }), ["CLOSED", "PUSHED"])).toEqual({
      states: ["BROKEN", "BUILD", "LIVE", "CLEANUP", "GONE"],
      removal: true,
    });
  });

  it("counts no reaction behind one without a condition", () => {
    const two = aMachineV2({
      INIT: {},
      BUILD: { tasks: ["a"], on: { NEXT: [{ to: "LIVE" }, { to: "NEVER" }] } },
      LIVE: {},
      NEVER: {},
    });

    expect(findReachable(two, aStack({ state: "BUILD", tasks: ["a"] })).states).toEqual(["LIVE"]);
  });

  it("reports that a stack in a terminal state ends with its tasks, unless one has failed", () => {
    expect(findReachable(machine, aStack({ state: "GONE", tasks: ["remove"] })).removal).toBe(true);
    expect(findReachable(machine, aStack({ state: "GONE", tasks: [failed("remove")] })).removal).toBe(false);
  });

  it("waits for runs of earlier states before NEXT although all tasks are skipped", () => {
    const run = { attemptId: "a", entry: 0, task: "old", attempt: 1, dispatchedAt: 0 };
    const tasks: TaskState[] = [{ name: "build", status: "SATISFIED", detail: "SKIPPED" }];
    const held = aStack({ state: "BUILD", tasks, entry: 1, runs: [run], awaitsRuns: true });

    expect(findReachable(machine, held).states).toContain("LIVE");
  });
});

describe("findReachableOnSuccess", () => {
  it("leaves out what only a failure or a timeout leads to", () => {
    expect(findReachableOnSuccess(machine, "BUILD")).toEqual({ states: ["LIVE"], removal: false });
    expect(findReachableOnSuccess(machine, "CLEANUP").states).toEqual(["BROKEN"]);
    expect(findReachableOnSuccess(machine, "GONE").removal).toBe(true);
    expect(findReachableOnSuccess(machine, "LOST")).toEqual({ states: [], removal: false });
  });
});

import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack } from "../../testing/builders.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { StackEvent } from "../event-message.ts";
import type { OpenRun } from "../stack.ts";
import { decide } from "./decide.ts";

const machine = aMachine({
  INIT: { on: { OPENED: ["BUILD"] } },
  BUILD: { tasks: ["network", "db"], on: { NEXT: ["LIVE"], AGAIN: ["BUILD"], LEAVE: ["LIVE"] } },
  LIVE: { on: { AGAIN: ["BUILD"] } },
});
const opened = play(machine, anEvent("OPENED"));

const idOf = (task: string, { entry = 1, attempt = 1 } = {}) => `pr-12/event-1/${entry}/${task}/${attempt}`;
const done = (task: string, event: Partial<StackEvent> = {}) =>
  anEvent("TASK_COMPLETED", { task: { name: task }, ...event });
const failed = (task: string, event: Partial<StackEvent> = {}) =>
  anEvent("TASK_ERROR", { task: { name: task }, ...event });
const timedOut = (dispatchId: string) => anEvent("TASK_TIMED_OUT", { origin: "engine", dispatchId, at: 9_000 });
const cancelled = (dispatchId: string) => anEvent("TASK_CANCELLED", { origin: "worker", dispatchId });
const pending = (name: string) => ({ name, status: "PENDING" });
const satisfied = (name: string) => ({ name, status: "SATISFIED" });
const error = (name: string, errorMessage: string) => ({ name, status: "ERROR", errorMessage });
const stale = (reason: string, closes?: string) => {
  return { kind: "ignored", code: "RESULT_STALE", reason, ...(closes === undefined ? {} : { closes }) };
};
const decideOn = (stack: typeof opened, event: StackEvent) => toApplied(decide(machine, stack, event));

describe("TASK_COMPLETED", () => {
  it("sets the status and ends the run that it names", () => {
    const { stack, closes, cancels, dispatches } = decideOn(opened, done("db", { dispatchId: idOf("db"), at: 7_000 }));

    expect(stack).toEqual({
      ...opened,
      tasks: [pending("network"), satisfied("db")],
      runs: opened.runs.filter(({ task }) => task === "network"),
      updatedAt: 7_000,
    });
    expect([closes, cancels, dispatches]).toEqual([[idOf("db")], [], []]);
  });

  it("counts by name like one that names its attempt", () => {
    expect(decideOn(opened, done("db"))).toEqual(decideOn(opened, done("db", { dispatchId: idOf("db") })));
  });

  it("goes by the attempt when the name says something else", () => {
    const { stack } = decideOn(opened, done("other", { dispatchId: idOf("db") }));

    expect(stack.tasks).toEqual([pending("network"), satisfied("db")]);
  });

  it("fires NEXT when all tasks have succeeded", () => {
    const { stack } = decideOn(decideOn(opened, done("db")).stack, done("network", { at: 8_000 }));

    expect([stack.state, stack.previousState, stack.runs, stack.automaticEntries]).toEqual([
      "LIVE",
      "BUILD",
      [],
      [8_000],
    ]);
  });

  it("makes a failed task succeed late, by name, and takes its message and code away", () => {
    const event = failed("db", { description: "quota", code: "QUOTA" });
    const { stack } = decideOn(decideOn(opened, event).stack, done("db"));

    expect(stack.tasks).toEqual([pending("network"), satisfied("db")]);
  });

  it("changes nothing when its attempt has ended already", () => {
    const { stack } = decideOn(opened, failed("db"));

    expect(decide(machine, stack, done("db", { dispatchId: idOf("db") }))).toEqual(
      stale("The attempt has ended already."),
    );
    expect(decide(machine, stack, done("db", { dispatchId: "garbage" }))).toEqual(
      stale("The attempt has ended already."),
    );
  });

  it("only ends a run of an earlier entry that it names", () => {
    const again = play(machine, anEvent("OPENED"), anEvent("AGAIN"));

    const decision = decide(machine, again, done("db", { dispatchId: idOf("db") }));

    expect(decision).toEqual(stale('Task "db" was left before this answer came.', idOf("db")));
  });

  it("is refused by name when the state has no such task, and ends the oldest open run of that name", () => {
    const left = play(machine, anEvent("OPENED"), anEvent("AGAIN"), anEvent("LEAVE"));
    const refusal = { kind: "rejected", code: "TASK_NOT_CURRENT", reason: '"LIVE" has no task "db".' };

    expect(decide(machine, left, done("db"))).toEqual({ ...refusal, closes: idOf("db") });
    expect(decide(machine, { ...left, runs: [] }, done("db"))).toEqual(refusal);
  });

  it("goes by name to the run of the present entry, not to one that was left", () => {
    const again = play(machine, anEvent("OPENED"), anEvent("AGAIN"));

    expect(decideOn(again, done("db")).closes).toEqual([idOf("db", { entry: 2 })]);
  });

  it("is taken by name for a stack that was taken over and has no runs", () => {
    const taken = aStack({ state: "BUILD", life: "0", tasks: ["network", "db"] });

    const { stack, closes } = decideOn(taken, done("db"));

    expect([stack.tasks, closes]).toEqual([[pending("network"), satisfied("db")], []]);
  });

  it("is refused for a task that has no name", () => {
    const { task, ...event } = done("db");

    expect(decide(machine, opened, event)).toEqual({
      kind: "rejected",
      code: "TASK_NOT_CURRENT",
      reason: '"BUILD" has no task "".',
    });
  });
});

describe("TASK_ERROR", () => {
  it("keeps the message with the task, also when the task had succeeded", () => {
    const { stack } = decideOn(decideOn(opened, done("db")).stack, failed("db", { description: "quota" }));

    expect(stack.tasks).toEqual([pending("network"), error("db", "quota")]);
    expect(stack.failed).toBeUndefined();
  });

  it("has no message when the worker gave none", () => {
    expect(decideOn(opened, failed("db")).stack.tasks).toEqual([pending("network"), { name: "db", status: "ERROR" }]);
  });
});

describe("answers of several attempts", () => {
  const late = decideOn(opened, timedOut(idOf("db"))).stack;
  const retried = decideOn(late, anEvent("RETRY_FAILED_TASKS")).stack;
  const second = { dispatchId: idOf("db", { attempt: 2 }) };

  it("let the first count while the second is not answered", () => {
    const { stack, closes } = decideOn(retried, done("db", { dispatchId: idOf("db") }));

    expect(stack.tasks).toEqual([pending("network"), satisfied("db")]);
    expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual([idOf("network"), second.dispatchId]);
    expect(closes).toEqual([idOf("db")]);
  });

  it("make the first stale when the second was answered before", () => {
    const { stack } = decideOn(retried, failed("db", { ...second, description: "no" }));

    expect(stack.tasks).toEqual([pending("network"), error("db", "no")]);
    expect(decide(machine, stack, done("db", { dispatchId: idOf("db") }))).toEqual(
      stale('A later attempt of task "db" was answered before.', idOf("db")),
    );
  });

  it("go by name to the newest", () => {
    expect(decideOn(retried, done("db")).closes).toEqual([second.dispatchId]);
  });

  it("leave a task that waits for a newer attempt alone when an older one times out", () => {
    const open = { ...late.runs[1], cancelling: undefined } as unknown as OpenRun;
    const both = { ...retried, runs: retried.runs.map((run) => (run.attemptId === idOf("db") ? open : run)) };

    const { stack, cancels } = decideOn(both, timedOut(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), pending("db")]);
    expect(cancels).toEqual([{ attemptId: idOf("db"), withinMs: 300_000, why: "timed-out" }]);
  });
});

describe("answers beside open runs of the same name in earlier entries", () => {
  const again = play(machine, anEvent("OPENED"), anEvent("AGAIN"));

  it("count by name when the present run has been answered, and leave the earlier run open", () => {
    const { stack } = decideOn(decideOn(again, failed("db", { description: "no" })).stack, done("db"));

    expect(stack.tasks).toEqual([pending("network"), satisfied("db")]);
    expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual([
      idOf("network"),
      idOf("db"),
      idOf("network", { entry: 2 }),
    ]);
  });

  it("are overtaken by a later attempt of their own task and entry only", () => {
    const first = idOf("db", { entry: 2 });
    const late = decideOn(decideOn(opened, timedOut(idOf("db"))).stack, anEvent("RETRY_FAILED_TASKS")).stack;
    const entered = decideOn(late, anEvent("AGAIN")).stack;
    const retried = decideOn(decideOn(entered, timedOut(first)).stack, anEvent("RETRY_FAILED_TASKS")).stack;
    const answered = decideOn(retried, failed("db", { dispatchId: idOf("db", { entry: 2, attempt: 2 }) })).stack;

    expect(decide(machine, answered, done("db", { dispatchId: first }))).toEqual(
      stale('A later attempt of task "db" was answered before.', first),
    );
  });

  it("are not overtaken by the attempts of another task", () => {
    const both = [timedOut(idOf("db")), timedOut(idOf("network")), anEvent("RETRY_FAILED_TASKS")];
    const retried = both.reduce((stack, event) => decideOn(stack, event).stack, opened);
    const second = idOf("db", { attempt: 2 });
    const answered = decideOn(retried, failed("db", { dispatchId: second })).stack;

    expect(decide(machine, answered, done("db", { dispatchId: idOf("db") }))).toEqual(
      stale('A later attempt of task "db" was answered before.', idOf("db")),
    );
  });
});

describe("TASK_TIMED_OUT", () => {
  it("fails the task and asks the attempt to stop, which stays open", () => {
    const { stack, cancels, closes } = decideOn(opened, timedOut(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), error("db", "timed out after 24h")]);
    expect(stack.runs.map(({ task, cancelling }) => [task, cancelling])).toEqual([
      ["network", undefined],
      ["db", "timed-out"],
    ]);
    expect(cancels).toEqual([{ attemptId: idOf("db"), withinMs: 300_000, why: "timed-out" }]);
    expect(closes).toEqual([]);
  });

  it("tells no length when the revision has no such task", () => {
    const changed = { ...machine, tasks: new Map() };

    const { stack } = toApplied(decide(changed, opened, timedOut(idOf("db"))));

    expect(stack.tasks).toEqual([pending("network"), error("db", "timed out")]);
  });

  it("fails no task when its run was left, but still asks it to stop", () => {
    const left = play(machine, anEvent("OPENED"), anEvent("AGAIN"));

    const { stack, cancels } = decideOn(left, timedOut(idOf("db")));

    expect(stack.tasks).toEqual(left.tasks);
    expect(stack.runs.filter(({ cancelling }) => cancelling).map(({ attemptId }) => attemptId)).toEqual([idOf("db")]);
    expect(cancels).toEqual([{ attemptId: idOf("db"), withinMs: 300_000, why: "timed-out" }]);
  });

  it("fails no task that has succeeded by another attempt", () => {
    const taken = { ...opened, tasks: [...opened.tasks.slice(0, 1), { name: "db", status: "SATISFIED" as const }] };

    expect(decideOn(taken, timedOut(idOf("db"))).stack.tasks).toEqual([pending("network"), satisfied("db")]);
  });

  it("changes nothing for an attempt that has ended or is being cancelled", () => {
    const { stack } = decideOn(opened, timedOut(idOf("db")));

    expect(decide(machine, opened, timedOut("other"))).toEqual(stale("The attempt has ended already."));
    expect(decide(machine, stack, timedOut(idOf("db")))).toEqual(stale("The attempt is being cancelled already."));
  });
});

describe("TASK_CANCELLED", () => {
  it("fails the task that waits for it", () => {
    const asked = decideOn(opened, anEvent("CANCEL_TASK", { task: { name: "db" } })).stack;

    const { stack, closes } = decideOn(asked, cancelled(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), error("db", "cancelled")]);
    expect(stack.runs.map(({ task }) => task)).toEqual(["network"]);
    expect(closes).toEqual([idOf("db")]);
  });

  it("only ends the attempt after a time-out", () => {
    const { stack, closes } = decideOn(decideOn(opened, timedOut(idOf("db"))).stack, cancelled(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), error("db", "timed out after 24h")]);
    expect(stack.runs.map(({ task }) => task)).toEqual(["network"]);
    expect(closes).toEqual([idOf("db")]);
  });

  it("leaves a task that was retried after the time-out pending", () => {
    const retried = decideOn(decideOn(opened, timedOut(idOf("db"))).stack, anEvent("RETRY_FAILED_TASKS")).stack;

    const { stack, closes } = decideOn(retried, cancelled(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), pending("db")]);
    expect(closes).toEqual([idOf("db")]);
  });

  it("only ends a run that was left", () => {
    const left = play(machine, anEvent("OPENED"), anEvent("AGAIN"));

    expect(decide(machine, left, cancelled(idOf("db")))).toEqual(
      stale('Task "db" was left before this answer came.', idOf("db")),
    );
  });

  it("leaves a task alone that has failed by name before", () => {
    const event = anEvent("TASK_CANCELLED", { task: { name: "db" }, origin: "worker" });
    const { stack } = decideOn(opened, failed("db", { description: "quota" }));

    expect(decideOn(stack, event).stack.tasks).toEqual([pending("network"), error("db", "quota")]);
  });
});

describe("what a worker has settled", () => {
  const tooLarge = { text: "a".repeat(70_000) };
  const reason = "The stack's metadata would be larger than 65536 bytes.";

  it("fails its task instead of being refused for its metadata", () => {
    const event = done("db", { dispatchId: idOf("db"), origin: "worker", metadata: tooLarge });

    const { stack } = decideOn(opened, event);

    expect(stack.tasks).toEqual([pending("network"), { ...error("db", reason), errorCode: "OUTPUT_INVALID" }]);
    expect(stack.metadata).toEqual({});
  });

  it("keeps its own message when it has failed anyway", () => {
    const { stack } = decideOn(opened, failed("db", { origin: "worker", metadata: [], description: "quota" }));

    expect(stack.tasks).toEqual([pending("network"), error("db", "quota")]);
  });

  it("is refused when it comes from outside, and its run stays open", () => {
    const decision = decide(machine, opened, done("db", { dispatchId: idOf("db"), metadata: tooLarge }));

    expect(decision).toEqual({ kind: "rejected", code: "METADATA_TOO_LARGE", reason });
  });
});

import { describe, expect, it } from "vitest";
import {
  aMachine,
  aMachineV2,
  anEvent,
  anExpression,
  aStack,
  play,
  retrying,
  type StateSketch,
  toApplied,
} from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { defined } from "../json.ts";
import type { Machine, RetryPolicy, Task } from "../machine.ts";
import type { Stack, TaskRun } from "../stack.ts";
import { decide } from "./decide.ts";
import { type Failure, maxBackoffMs, mayRetry } from "./task-results.ts";

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
const stale = (reason: string, endedAttempt?: string) => {
  return { kind: "ignored", code: "RESULT_STALE", reason, ...defined({ endedAttempt }) };
};
const decideOn = (stack: typeof opened, event: StackEvent) => toApplied(decide(machine, stack, event));

describe("TASK_COMPLETED", () => {
  it("sets the status and ends the run that it names", () => {
    const { stack, endedAttempts, cancels, dispatches } = decideOn(
      opened,
      done("db", { dispatchId: idOf("db"), at: 7_000 }),
    );

    expect(stack).toEqual({
      ...opened,
      tasks: [pending("network"), satisfied("db")],
      runs: opened.runs.filter(({ task }) => task === "network"),
      updatedAt: 7_000,
    });
    expect([endedAttempts, cancels, dispatches]).toEqual([[idOf("db")], [], []]);
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
      stale("The attempt has already ended."),
    );
    expect(decide(machine, stack, done("db", { dispatchId: "garbage" }))).toEqual(
      stale("The attempt has already ended."),
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

    expect(decide(machine, left, done("db"))).toEqual({ ...refusal, endedAttempt: idOf("db") });
    expect(decide(machine, { ...left, runs: [] }, done("db"))).toEqual(refusal);
  });

  it("goes by name to the run of the present entry, not to one that was left", () => {
    const again = play(machine, anEvent("OPENED"), anEvent("AGAIN"));

    expect(decideOn(again, done("db")).endedAttempts).toEqual([idOf("db", { entry: 2 })]);
  });

  it("is taken by name for a stack that was taken over and has no runs", () => {
    const taken = aStack({ state: "BUILD", incarnation: "0", tasks: ["network", "db"] });

    const { stack, endedAttempts } = decideOn(taken, done("db"));

    expect([stack.tasks, endedAttempts]).toEqual([[pending("network"), satisfied("db")], []]);
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
    const { stack, endedAttempts } = decideOn(retried, done("db", { dispatchId: idOf("db") }));

    expect(stack.tasks).toEqual([pending("network"), satisfied("db")]);
    expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual([idOf("network"), second.dispatchId]);
    expect(endedAttempts).toEqual([idOf("db")]);
  });

  it("make the first stale when the second was answered before", () => {
    const { stack } = decideOn(retried, failed("db", { ...second, description: "no" }));

    expect(stack.tasks).toEqual([pending("network"), error("db", "no")]);
    expect(decide(machine, stack, done("db", { dispatchId: idOf("db") }))).toEqual(
      stale('A later attempt of task "db" has already ended.', idOf("db")),
    );
  });

  it("go by name to the newest", () => {
    expect(decideOn(retried, done("db")).endedAttempts).toEqual([second.dispatchId]);
  });

  it("leave a task that waits for a newer attempt alone when an older one times out", () => {
    const open = { ...late.runs[1], cancelling: undefined } as unknown as TaskRun;
    const both = { ...retried, runs: retried.runs.map((run) => (run.attemptId === idOf("db") ? open : run)) };

    const { stack, cancels } = decideOn(both, timedOut(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), pending("db")]);
    expect(cancels).toEqual([{ attemptId: idOf("db"), withinMs: 300_000, why: "timed-out" }]);
  });
});

describe("results while runs of the same name are open in earlier entries", () => {
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
      stale('A later attempt of task "db" has already ended.', first),
    );
  });

  it("are not overtaken by the attempts of another task", () => {
    const both = [timedOut(idOf("db")), timedOut(idOf("network")), anEvent("RETRY_FAILED_TASKS")];
    const retried = both.reduce((stack, event) => decideOn(stack, event).stack, opened);
    const second = idOf("db", { attempt: 2 });
    const answered = decideOn(retried, failed("db", { dispatchId: second })).stack;

    expect(decide(machine, answered, done("db", { dispatchId: idOf("db") }))).toEqual(
      stale('A later attempt of task "db" has already ended.', idOf("db")),
    );
  });
});

describe("TASK_TIMED_OUT", () => {
  it("fails the task and asks the attempt to stop, which stays open", () => {
    const { stack, cancels, endedAttempts } = decideOn(opened, timedOut(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), error("db", "timed out after 24h")]);
    expect(stack.runs.map(({ task, cancelling }) => [task, cancelling])).toEqual([
      ["network", undefined],
      ["db", "timed-out"],
    ]);
    expect(cancels).toEqual([{ attemptId: idOf("db"), withinMs: 300_000, why: "timed-out" }]);
    expect(endedAttempts).toEqual([]);
  });

  it("omits the length when the revision has no such task", () => {
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

    expect(decide(machine, opened, timedOut("other"))).toEqual(stale("The attempt has already ended."));
    expect(decide(machine, stack, timedOut(idOf("db")))).toEqual(stale("The attempt is already being cancelled."));
  });
});

describe("TASK_CANCELLED", () => {
  it("fails the task that waits for it", () => {
    const asked = decideOn(opened, anEvent("CANCEL_TASK", { task: { name: "db" } })).stack;

    const { stack, endedAttempts } = decideOn(asked, cancelled(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), { ...error("db", "cancelled"), errorCode: "TASK_CANCELLED" }]);
    expect(stack.runs.map(({ task }) => task)).toEqual(["network"]);
    expect(endedAttempts).toEqual([idOf("db")]);
  });

  it("only ends the attempt after a timeout", () => {
    const { stack, endedAttempts } = decideOn(decideOn(opened, timedOut(idOf("db"))).stack, cancelled(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), error("db", "timed out after 24h")]);
    expect(stack.runs.map(({ task }) => task)).toEqual(["network"]);
    expect(endedAttempts).toEqual([idOf("db")]);
  });

  it("leaves a task that was retried after the timeout pending", () => {
    const retried = decideOn(decideOn(opened, timedOut(idOf("db"))).stack, anEvent("RETRY_FAILED_TASKS")).stack;

    const { stack, endedAttempts } = decideOn(retried, cancelled(idOf("db")));

    expect(stack.tasks).toEqual([pending("network"), pending("db")]);
    expect(endedAttempts).toEqual([idOf("db")]);
  });

  it("leaves it pending also where it comes as an error", () => {
    const retried = decideOn(decideOn(opened, timedOut(idOf("db"))).stack, anEvent("RETRY_FAILED_TASKS")).stack;

    const { stack, endedAttempts } = decideOn(retried, failed("db", { dispatchId: idOf("db") }));

    expect(stack.tasks).toEqual([pending("network"), pending("db")]);
    expect(endedAttempts).toEqual([idOf("db")]);
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

describe("the result of an attempt", () => {
  const tooLarge = { text: "a".repeat(70_000) };
  const reason = "The stack's metadata would be larger than 65536 bytes.";

  it.each(["worker", "external"] as const)(
    "fails its task instead of being refused for its metadata, from %s",
    (origin) => {
      const event = done("db", { dispatchId: idOf("db"), origin, metadata: tooLarge });

      const { stack } = decideOn(opened, event);

      expect(stack.tasks).toEqual([pending("network"), { ...error("db", reason), errorCode: "OUTPUT_INVALID" }]);
      expect(stack.metadata).toEqual({});
    },
  );

  it("keeps its own message when it has failed anyway", () => {
    const { stack } = decideOn(opened, failed("db", { origin: "worker", metadata: [], description: "quota" }));

    expect(stack.tasks).toEqual([pending("network"), error("db", "quota")]);
  });
});

describe("the answer of an attempt", () => {
  const states: Readonly<Record<string, StateSketch>> = {
    INIT: { on: { GO: ["BUILD"] } },
    BUILD: { leaving: "abandon", tasks: ["a", "b", "c"], on: { NEXT: [], AGAIN: ["BUILD"] } },
  };

  const machine = aMachineV2(states, {
    tasks: { a: retrying(3), b: { needs: ["a"] }, c: { when: anExpression(() => false) } },
  });

  const named = (name: string, task: string) => anEvent(name, { task: { name: task }, origin: "worker" });

  const done = (task: string) => named("TASK_COMPLETED", task);

  const failed = (task: string) => named("TASK_ERROR", task);

  const cancel = (task: string) => anEvent("CANCEL_TASK", { task: { name: task } });

  const stale = (reason: string, endedAttempt?: string) => {
    return { kind: "ignored", code: "RESULT_STALE", reason, ...defined({ endedAttempt }) };
  };

  const detailsOf = ({ tasks }: Stack) => tasks.map(({ name, status, detail }) => `${name} ${detail ?? status}`);

  describe("a result by name for a task without an open run", () => {
    const entered = play(machine, anEvent("GO"));
    const waiting = { kind: "rejected", code: "TASK_NOT_RUNNING", reason: 'Task "b" is WAITING.' };

    it("is refused while the task waits", () => {
      expect([decide(machine, entered, done("b")), decide(machine, entered, failed("b"))]).toEqual([waiting, waiting]);
    });

    it("is ignored when the task was skipped", () => {
      const skipped = stale('Task "c" is SKIPPED.');

      expect([decide(machine, entered, done("c")), decide(machine, entered, failed("c"))]).toEqual([skipped, skipped]);
    });

    it("is ignored when the task was cancelled", () => {
      const stack = play(machine, anEvent("GO"), cancel("a"), named("TASK_CANCELLED", "a"));

      const cancelled = stale('Task "a" is CANCELLED.');
      expect([decide(machine, stack, done("a")), decide(machine, stack, failed("a"))]).toEqual([cancelled, cancelled]);
    });

    it("counts as a success while the task waits for its next attempt, as a failure not", () => {
      const stack = play(machine, anEvent("GO"), failed("a"));

      expect(detailsOf(toApplied(decide(machine, stack, done("a"))).stack)).toEqual([
        "a SATISFIED",
        "b RUNNING",
        "c SKIPPED",
      ]);
      expect(decide(machine, stack, failed("a"))).toEqual(stale('Task "a" is RETRYING.'));
      expect(decide(machine, stack, named("TASK_CANCELLED", "a"))).toEqual(stale('Task "a" is RETRYING.'));
    });

    it("makes a failed task succeed, and a succeeded one fail for good", () => {
      const once = aMachineV2(states);
      const one = play(once, anEvent("GO"), failed("a"), done("a"), done("b"), failed("b"));

      expect(detailsOf(one)).toEqual(["a SATISFIED", "b ERROR", "c RUNNING"]);
    });
  });

  describe("an answer of a cancelled task's attempt that was still to end", () => {
    it("ends the attempt and changes nothing", () => {
      const attempt = { dispatchId: "pr-12/event-1/1/a/1", origin: "worker" } as const;
      const late = play(machine, anEvent("GO"), anEvent("TASK_TIMED_OUT", attempt), cancel("a"));

      expect(detailsOf(late)).toEqual(["a CANCELLED", "b WAITING", "c SKIPPED"]);
      expect(decide(machine, late, anEvent("TASK_COMPLETED", attempt))).toEqual(
        stale('Task "a" is CANCELLED.', attempt.dispatchId),
      );
    });
  });

  describe("a failure after a cancel was requested", () => {
    const asked = (on: Machine) => play(on, anEvent("GO"), cancel("a"), { ...failed("a"), description: "killed" });

    it("is the end of the cancel", () => {
      expect(asked(machine).tasks[0]).toEqual({
        name: "a",
        status: "ERROR",
        detail: "CANCELLED",
        errorMessage: "cancelled",
        errorCode: "TASK_CANCELLED",
      });
    });

    it("is a failure like any other in the first version", () => {
      expect(asked(aMachine(states)).tasks[0]).toEqual({ name: "a", status: "ERROR", errorMessage: "killed" });
    });
  });

  describe("a result by name while abandoned runs of that name are open", () => {
    const again = play(machine, anEvent("GO"), anEvent("AGAIN"));
    const idOf = (entry: number) => `pr-12/event-1/${entry}/a/1`;

    it("goes to the run of the present entry", () => {
      expect(toApplied(decide(machine, again, done("a"))).endedAttempts).toEqual([idOf(2)]);
    });

    it("goes to the oldest abandoned one while the present task cannot take it", () => {
      const left = 'Task "a" was left before this answer came.';
      const stack = play(machine, anEvent("GO"), anEvent("AGAIN"), failed("a"));

      expect(decide(machine, stack, done("a"))).toEqual(stale(left, idOf(1)));
    });

    it("counts for the present task, as in the first version, when that has ended", () => {
      const once = aMachineV2(states);
      const stack = play(once, anEvent("GO"), anEvent("AGAIN"), done("a"), failed("a"));

      expect(detailsOf(stack)).toEqual(["a ERROR", "b RUNNING", "c RUNNING"]);
      expect(detailsOf(play(aMachine(states), anEvent("GO"), anEvent("AGAIN"), done("a"), failed("a")))).toEqual([
        "a ERROR",
        "b PENDING",
        "c PENDING",
      ]);
    });
  });
});

describe("a failed attempt", () => {
  const build = (tasks: Readonly<Record<string, Partial<Task>>>) =>
    aMachineV2(
      {
        INIT: { on: { GO: ["BUILD"] } },
        BUILD: { tasks: Object.keys(tasks), on: { NEXT: ["LIVE"], FAILED: ["BROKEN"] } },
        LIVE: {},
        BROKEN: { leaving: "abandon" },
      },
      { tasks },
    );

  const machine = build({ db: retrying(3), app: { needs: ["db"] } });

  const idOf = (attempt: number, task = "db") => `pr-12/event-1/1/${task}/${attempt}`;

  const failed = (attempt: number, event: Partial<StackEvent> = {}) =>
    anEvent("TASK_ERROR", { dispatchId: idOf(attempt), origin: "worker", description: "no", ...event });

  const failedByName = anEvent("TASK_ERROR", { task: { name: "db" }, description: "no" });

  const due = (at: number) =>
    anEvent("TASK_RETRY_DUE", { at, origin: "timer", timerId: "1/retry/db", task: { name: "db" } });

  const timedOut = anEvent("TASK_TIMED_OUT", { origin: "worker", dispatchId: idOf(1), at: 5_000 });

  const cancelled = anEvent("TASK_CANCELLED", { origin: "worker", dispatchId: idOf(1), at: 8_000 });

  const decideOn = (stack: Stack, event: StackEvent, on = machine) => toApplied(decide(on, stack, event));

  const entered = play(machine, anEvent("GO"));

  const retrying1 = decideOn(entered, failed(1, { at: 2_000, code: "QUOTA" }));

  describe("a failed attempt whose task may try again", () => {
    it("makes the task wait; the wait's upper bound is in a timer, and what went wrong in a note", () => {
      const { stack, endedAttempts, dispatches, notes } = retrying1;

      expect(stack.tasks[0]).toEqual({ name: "db", status: "PENDING", detail: "RETRYING" });
      expect(stack.timers).toEqual([
        { id: "1/retry/db", event: "TASK_RETRY_DUE", dueAt: 3_000, jitterMs: 1_000, task: "db" },
      ]);
      expect([stack.failures, endedAttempts, dispatches]).toEqual([{ db: 1 }, [idOf(1)], []]);
      expect(notes).toEqual(['Attempt 1 of task "db" failed; another attempt follows (QUOTA: no).']);
    });

    it("gets its next attempt when the timer fires, and waits longer after the next failure", () => {
      const second = decideOn(retrying1.stack, due(3_000));
      const { stack } = decideOn(second.stack, failed(2, { at: 4_000 }));

      expect([second.dispatches.map(({ attemptId }) => attemptId), second.stack.timers]).toEqual([[idOf(2)], []]);
      expect(second.stack.tasks[0]).toEqual({ name: "db", status: "PENDING", detail: "RUNNING" });
      expect(stack.timers).toMatchObject([{ dueAt: 6_000, jitterMs: 2_000 }]);
    });

    it("fails for good after the last attempt, and FAILED fires", () => {
      const stack = play(machine, anEvent("GO"), failed(1), due(3_000), failed(2, { at: 4_000 }), due(6_000));

      const { stack: broken } = decideOn(stack, failed(3));

      expect([stack.state, broken.state]).toEqual(["BUILD", "BROKEN"]);
    });

    it.each<[string, Partial<StackEvent>]>([
      ["the executor reports that another attempt would fail too", { retryable: false }],
      ["the code is never retried", { code: "CONFIG_INVALID" }],
    ])("fails for good at once when %s", (_why, event) => {
      expect(decideOn(entered, failed(1, event)).stack.state).toBe("BROKEN");
    });

    it("fails for good at once when the policy does not list the code", () => {
      const picky = build({ db: retrying(3, ["QUOTA"]) });

      const stateAfter = (event: Partial<StackEvent>) =>
        decideOn(play(picky, anEvent("GO")), failed(1, event), picky).stack.state;

      expect([stateAfter({}), stateAfter({ code: "QUOTA" })]).toEqual(["BROKEN", "BUILD"]);
    });

    it("succeeds by name while it waits, and the wait ends", () => {
      const { stack, dispatches } = decideOn(retrying1.stack, anEvent("TASK_COMPLETED", { task: { name: "db" } }));

      expect([stack.tasks[0], stack.timers]).toEqual([{ name: "db", status: "SATISFIED" }, []]);
      expect(dispatches.map(({ task }) => task)).toEqual(["app"]);
    });

    it("ignores an error by name while it waits", () => {
      expect(decide(machine, retrying1.stack, failedByName)).toEqual({
        kind: "ignored",
        code: "RESULT_STALE",
        reason: 'Task "db" is RETRYING.',
      });
    });

    it("waits for its needs again when one of them has failed late", () => {
      const needing = build({ db: {}, app: { needs: ["db"], ...retrying(2) }, other: {} });
      const error = (task: string) => anEvent("TASK_ERROR", { task: { name: task } });
      const success = anEvent("TASK_COMPLETED", { task: { name: "db" } });
      const stack = play(needing, anEvent("GO"), success, error("app"), error("db"));
      const event = anEvent("TASK_RETRY_DUE", {
        at: 9_000,
        origin: "timer",
        timerId: "1/retry/app",
        task: { name: "app" },
      });

      const { stack: waiting, dispatches } = decideOn(stack, event, needing);

      expect([waiting.tasks[1]?.detail, dispatches]).toEqual(["WAITING", []]);
    });

    it("that cannot be resolved for its next attempt fails for good", () => {
      let calls = 0;
      const exclusive = anExpression(() => {
        calls += 1;
        return calls > 1 ? [] : "key";
      }, "key()");
      const keyed = build({ db: { ...retrying(5), exclusive } });

      const stack = play(keyed, anEvent("GO"), failed(1));

      expect(decideOn(stack, due(9_000), keyed).stack.state).toBe("BROKEN");
    });

    it("drops a timer that comes when the task waits no more", () => {
      const succeeded = decideOn(retrying1.stack, anEvent("TASK_COMPLETED", { task: { name: "db" } })).stack;

      expect(decide(machine, succeeded, due(3_000))).toMatchObject({ kind: "ignored", code: "TIMER_STALE" });
      expect(decide(machine, entered, { ...due(3_000), origin: "worker" })).toMatchObject({
        kind: "ignored",
        code: "TIMER_STALE",
        reason: "The task does not wait for its next attempt.",
      });
    });
  });

  describe("a task that has ended", () => {
    it("takes a late error after its success for good, whatever its policy", () => {
      const slow = build({ db: retrying(3), app: {} });
      const stack = play(slow, anEvent("GO"), anEvent("TASK_COMPLETED", { task: { name: "db" } }));

      expect(decideOn(stack, failedByName, slow).stack.tasks[0]).toEqual({
        name: "db",
        status: "ERROR",
        errorMessage: "no",
      });
    });

    it("changes only its text by an error more", () => {
      const slow = build({ db: {}, app: {} });
      const stack = play(slow, anEvent("GO"), failed(1));

      const again = decideOn(stack, { ...failedByName, description: "worse", code: "X" }, slow).stack;

      expect(again.tasks[0]).toEqual({ name: "db", status: "ERROR", errorMessage: "worse", errorCode: "X" });
    });
  });

  describe("an attempt whose deadline has passed", () => {
    const late = decideOn(entered, timedOut);

    it("has failed at once, but the wait for the next begins when its cancel has ended", () => {
      const { stack } = decideOn(late.stack, cancelled);

      expect(late.stack.tasks[0]?.detail).toBe("RETRYING");
      expect([late.stack.timers, late.cancels.map(({ why }) => why)]).toEqual([[], ["timed-out"]]);
      expect(late.notes).toEqual([
        'Attempt 1 of task "db" failed; another attempt follows (TASK_TIMEOUT: timed out after 1h).',
      ]);
      expect(stack.timers).toMatchObject([{ dueAt: 9_000, jitterMs: 1_000 }]);
      expect([stack.failures, stack.runs]).toEqual([{ db: 1 }, []]);
    });

    it("ends its cancel with a failure too, which counts no second time", () => {
      const { stack } = decideOn(late.stack, failed(1, { at: 8_000 }));

      expect([stack.failures, stack.timers.map(({ dueAt }) => dueAt)]).toEqual([{ db: 1 }, [9_000]]);
    });

    it("may still succeed first", () => {
      const { stack } = decideOn(late.stack, anEvent("TASK_COMPLETED", { origin: "worker", dispatchId: idOf(1) }));

      expect([stack.tasks[0]?.status, stack.timers]).toEqual(["SATISFIED", []]);
    });

    it("fails for good with TASK_TIMEOUT when no attempt is left", () => {
      const once = build({ db: {}, app: {} });

      expect(decideOn(play(once, anEvent("GO")), timedOut, once).stack.tasks[0]).toEqual({
        name: "db",
        status: "ERROR",
        errorMessage: "timed out after 1h",
        errorCode: "TASK_TIMEOUT",
      });
    });
  });

  describe("the late error of an attempt that has timed out", () => {
    const retry = anEvent("RETRY_FAILED_TASKS", { at: 9_000 });

    it.each<[string, Partial<Task>, Partial<StackEvent>]>([
      ["its task has no policy", {}, {}],
      ["its task has no attempt left", retrying(1), {}],
      ["the error is never retried", retrying(2, ["QUOTA"]), { retryable: false }],
    ])("leaves alone the attempt that a person has sent after it, where %s", (_why, db, error) => {
      const slow = build({ db, app: {} });
      const sent = play(slow, anEvent("GO"), timedOut, retry);

      const { stack, endedAttempts } = decideOn(sent, failed(1, error), slow);

      expect(sent.tasks[0]).toEqual({ name: "db", status: "PENDING", detail: "RUNNING" });
      expect([stack.tasks, stack.failures, stack.state]).toEqual([sent.tasks, sent.failures, "BUILD"]);
      expect(endedAttempts).toEqual([idOf(1)]);
      expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual([idOf(1, "app"), idOf(2)]);
    });
  });

  describe("a person's retry", () => {
    const retry = anEvent("RETRY_FAILED_TASKS", { at: 9_000 });
    const wide = build({ db: retrying(2), app: {} });
    const broken = play(wide, anEvent("GO"), failed(1), due(3_000), failed(2));

    it("continues the numbers of attempts and restarts the count of the policy", () => {
      const { stack, dispatches } = decideOn(broken, retry, wide);

      expect(broken.failures).toEqual({ db: 2 });
      expect([dispatches.map(({ attemptId }) => attemptId), stack.failures]).toEqual([[idOf(3)], undefined]);
      expect(decideOn(stack, failed(3), wide).stack.tasks[0]?.detail).toBe("RETRYING");
    });

    it("is the next attempt for an older one that fails later", () => {
      const late = play(build({ db: retrying(2), app: {} }), anEvent("GO"), failed(1), due(3_000));
      const timed = decideOn(late, { ...timedOut, dispatchId: idOf(2) }, wide).stack;
      const sent = decideOn(timed, retry, wide).stack;

      expect(decideOn(sent, failed(2), wide).stack.tasks[0]).toEqual({
        name: "db",
        status: "PENDING",
        detail: "RUNNING",
      });
    });
  });

  describe("the last failure", () => {
    const failure = { task: "db", state: "BUILD", entry: 1, message: "no" };

    it("stays in the record although the stack has moved on, and names the state and the attempt", () => {
      const first = play(machine, anEvent("GO"), failed(1), due(3_000), failed(2, { at: 4_000 }), due(6_000));
      const { stack } = decideOn(first, failed(3, { at: 7_000, code: "QUOTA" }));

      expect([stack.state, stack.tasks]).toEqual(["BROKEN", []]);
      expect(stack.lastFailure).toEqual({ ...failure, attempt: 3, code: "QUOTA", at: 7_000 });
    });

    it("is undefined while the task may be retried", () => {
      expect(retrying1.stack.lastFailure).toBeUndefined();
    });

    it("is kept with the instant at which its task has succeeded since", () => {
      const states = {
        INIT: { on: { GO: ["BUILD"] } },
        BUILD: { tasks: ["db", "app"], on: { NEXT: ["LIVE"] } },
        LIVE: {},
      };
      const held = aMachineV2(states, { tasks: { app: { needs: ["db"] } } });
      const retryAll = anEvent("RETRY_FAILED_TASKS", { at: 8_000 });
      const done = (at: number, attempt: number, task = "db") =>
        anEvent("TASK_COMPLETED", { at, origin: "worker", dispatchId: idOf(attempt, task) });

      const steps = [failed(1, { at: 2_000 }), retryAll, done(9_000, 2), done(9_500, 1, "app")];

      expect(play(held, anEvent("GO"), ...steps).lastFailure).toEqual({
        ...failure,
        attempt: 1,
        at: 2_000,
        resolvedAt: 9_000,
      });
    });

    it("is that of a task whose condition failed, which was never sent", () => {
      const odd = build({ db: { when: anExpression(() => "?") } });

      expect(play(odd, anEvent("GO")).lastFailure).toMatchObject({
        task: "db",
        attempt: 0,
        at: 1_000,
        code: "EXPRESSION_FAILED",
      });
    });

    it("keeps the beginning and the end of what the task said, and never half a character", () => {
      const description = `${"a".repeat(997)}😀${"b".repeat(70_000)}😀${"c".repeat(997)}`;
      const once = build({ db: {} });

      const { lastFailure } = decideOn(play(once, anEvent("GO")), failed(1, { description }), once).stack;

      expect(lastFailure?.message).toBe(`${"a".repeat(997)}\n…\n${"c".repeat(997)}`);
    });
  });
});

const aPolicy = (policy: Partial<RetryPolicy> = {}): RetryPolicy => {
  return { attempts: 3, fromMs: 1_000, toMs: 60_000, factor: 2, ...policy };
};

describe("mayRetry", () => {
  it("allows as many attempts in total as the policy says", () => {
    expect([1, 2, 3, 4].map((failures) => mayRetry(aPolicy(), failures, {}))).toEqual([true, true, false, false]);
    expect(mayRetry(aPolicy({ attempts: 1 }), 1, {})).toBe(false);
  });

  it.each<[string, Failure, boolean]>([
    ["any code", { code: "QUOTA" }, true],
    ["no code", {}, true],
    ["a timeout", { code: "TASK_TIMEOUT" }, true],
    ["what the executor calls worth it", { retryable: true }, true],
    ["what the executor calls not worth it", { retryable: false }, false],
    ["an expression that failed", { code: "EXPRESSION_FAILED", retryable: true }, false],
    ["a config that is wrong", { code: "CONFIG_INVALID" }, false],
    ["outputs that cannot be stored", { code: "OUTPUT_INVALID" }, false],
    ["a cancel", { code: "TASK_CANCELLED" }, false],
  ])("decides %s", (_what, failure, expected) => {
    expect(mayRetry(aPolicy(), 1, failure)).toBe(expected);
  });

  it("allows only the codes that the policy lists, where it lists some", () => {
    const policy = aPolicy({ only: new Set(["QUOTA", "TASK_FAILED"]) });
    const codes = ["QUOTA", "TASK_TIMEOUT", "TASK_FAILED"];

    expect(codes.map((code) => mayRetry(policy, 1, { code }))).toEqual([true, false, true]);
    expect(mayRetry(policy, 1, {})).toBe(true);
  });
});

describe("maxBackoffMs", () => {
  it("grows by the factor up to the limit", () => {
    const policy = aPolicy({ toMs: 5_000 });

    expect([1, 2, 3, 4, 5_000].map((failures) => maxBackoffMs(policy, failures))).toEqual([
      1_000, 2_000, 4_000, 5_000, 5_000,
    ]);
  });

  it("is a whole number of milliseconds whatever the factor", () => {
    expect(maxBackoffMs(aPolicy({ fromMs: 3, factor: 1.5 }), 2)).toBe(5);
    expect(maxBackoffMs(aPolicy({ factor: 1 }), 9)).toBe(1_000);
    expect(maxBackoffMs(aPolicy({ fromMs: 0, factor: 10 }), 400)).toBe(60_000);
  });
});

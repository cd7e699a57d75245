import { describe, expect, it } from "vitest";
import type { YardProcess } from "../engine/yard-health.ts";
import { defined } from "../machine/json.ts";
import { type Machine, PLAIN_TASK, type Task } from "../machine/machine.ts";
import type { Stack, TaskRun, TaskState } from "../machine/stack.ts";
import type { AttemptView } from "../ports/stack-store.ts";
import { aMachine, aStack } from "../testing/builders.ts";
import { explainAttempt, explainTask } from "./explain-task.ts";

const NOW = 1_000_000;

const task = (name: string, detail?: TaskState["detail"], status: TaskState["status"] = "PENDING"): TaskState => ({
  name,
  status,
  ...defined({ detail }),
});

function machineOf(tasks: Readonly<Record<string, Partial<Task>>>, leaving?: "abandon" | "cancel"): Machine {
  const machine = aMachine({ BUILD: { tasks: Object.keys(tasks) } }, { version: 2, tasks });
  const state = machine.states.get("BUILD");
  return state && leaving ? { ...machine, states: new Map([["BUILD", { ...state, leaving }]]) } : machine;
}

function explain(
  { name, ...stack }: Partial<Omit<Stack, "tasks">> & { name: string; tasks: readonly TaskState[] },
  machine?: Machine,
  attempts: readonly AttemptView[] = [],
) {
  const present = aStack({ state: "BUILD", entry: 2, ...stack });
  const found = present.tasks.find((each) => each.name === name);
  if (found === undefined) throw new Error(`Task ${name} not found.`);
  return explainTask({ stack: present, attempts, machine, now: NOW }, found);
}

const run = (name: string, entry: number): TaskRun => ({
  attemptId: `pr-12/e/${entry}/${name}/1`,
  entry,
  task: name,
  attempt: 1,
  dispatchedAt: NOW - 5_000,
});

const view = (open: TaskRun, more: Partial<AttemptView> = {}): AttemptView => ({
  attemptId: open.attemptId,
  stackId: "pr-12",
  task: open.task,
  entry: open.entry,
  attempt: open.attempt,
  status: "running",
  owner: "w1",
  leaseUntil: NOW + 1,
  dispatchedAt: open.dispatchedAt,
  deadlineAt: NOW,
  token: 1,
  heldKeys: [],
  ...more,
});

describe("a task that is done in its own way", () => {
  it.each([
    [task("a", "SKIPPED", "SATISFIED"), "Skipped: its condition is false."],
    [task("a", undefined, "SATISFIED"), "Done."],
    [
      task("a", "CANCELLED", "ERROR"),
      "Cancelled. `stackyard stacks retry pr-12 --task a` tries again; `stackyard stacks settle pr-12 a --reason WHY` marks it as done.",
    ],
  ])("%j", (only, why) => {
    expect(explain({ name: "a", tasks: [only] }).why).toBe(why);
  });
});

describe("a task that its machine has no more", () => {
  it("says so, instead of that it was sent", () => {
    expect(explain({ name: "app", tasks: [task("app")] }, machineOf({ db: {} }))).toEqual({
      why: "The machine no longer has this task, so it is not sent. Restore the task, or mark it as done with `stackyard stacks settle pr-12 app --reason WHY`.",
      waitsFor: { kind: "operator", task: "app" },
    });
  });
});

describe("a task that waits for its needs", () => {
  const machine = machineOf({ network: {}, db: { needs: ["network"] }, app: { needs: ["network", "db"] } });

  it("gives the reason of the task that it waits for", () => {
    const tasks = [task("network", "RUNNING"), task("db", "WAITING"), task("app", "WAITING")];
    const runs = [run("network", 2)];

    expect(
      explain(
        { name: "app", tasks, runs },
        machine,
        runs.map((each) => view(each)),
      ),
    ).toEqual({
      why: 'Waits for task "network": Running for 5s (worker w1). It also waits for "db".',
      waitsFor: { kind: "need", tasks: ["network", "db"] },
    });
  });

  it("says that a failed one holds it up for good", () => {
    const tasks = [task("network", undefined, "SATISFIED"), task("db", undefined, "ERROR"), task("app", "WAITING")];

    expect(explain({ name: "app", tasks }, machine).why).toBe(
      'Waits for task "db": it has failed; `stackyard stacks retry pr-12` tries again.',
    );
  });

  it("gives the reason of the task at the end of a long chain, once", () => {
    const chain = machineOf({ network: {}, db: { needs: ["network"] }, app: { needs: ["db"] } });
    const tasks = [task("network", "RUNNING"), task("db", "WAITING"), task("app", "WAITING")];
    const runs = [run("network", 2)];

    expect(
      explain(
        { name: "app", tasks, runs },
        chain,
        runs.map((each) => view(each)),
      ),
    ).toEqual({
      why: 'Waits for task "db", which waits for "network": Running for 5s (worker w1)',
      waitsFor: { kind: "need", tasks: ["db"] },
    });
  });

  it("says what it can where its machine is not known", () => {
    expect(explain({ name: "app", tasks: [task("app", "WAITING")] }).why).toBe("It is about to be sent.");
  });
});

describe("a task that waits for runs of earlier states", () => {
  const left = run("old", 1);
  const runs = [left, run("older", 0)];
  const stack = { name: "app", tasks: [task("app", "WAITING")], runs, awaitsRuns: true as const };

  it("names them, and why the first one still runs", () => {
    expect(explain(stack, machineOf({ app: {} }, "cancel"), [view(left, { cancelling: "requested" })])).toEqual({
      why: 'Waits for 2 runs of earlier states to end: "old", "older". It is being stopped because it was cancelled, and has not ended yet. It runs on worker w1.',
      waitsFor: { kind: "leaving", tasks: ["old", "older"], attemptId: left.attemptId },
    });
  });

  it("waits for them whatever a later revision says", () => {
    expect(explain(stack, machineOf({ app: {} }, "abandon")).waitsFor).toMatchObject({ kind: "leaving" });
  });

  it("waits for none where they were abandoned", () => {
    const { awaitsRuns, ...abandoning } = stack;

    expect(explain(abandoning, machineOf({ app: {} })).why).toBe("It is about to be sent.");
  });
});

describe("a task between two tries", () => {
  const machine = machineOf({ db: { retry: { ...PLAIN_TASK.retry, attempts: 4 } } });
  const stack = { name: "db", tasks: [task("db", "RETRYING")], attempts: { db: 5 }, failures: { db: 2 } };
  const timers = [{ id: "2/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt: NOW + 40_000 }];

  it("says when the next one begins, and how many there are", () => {
    expect(explain({ ...stack, timers }, machine)).toEqual({
      why: "Try 3 of 4 begins in 40s; the previous one failed.",
      waitsFor: { kind: "timer", task: "db", event: "TASK_RETRY_DUE", at: NOW + 40_000 },
    });
    expect(explain({ ...stack, timers }).why).toMatch(/^Attempt 6 begins in 40s/);
  });

  it("waits for the one before to stop, when its time was over", () => {
    const open = run("db", 2);

    expect(explain({ ...stack, runs: [open] }, machine, [view(open, { cancelling: "timed-out" })])).toEqual({
      why: "Try 3 of 4 begins when the previous one has stopped. It is being stopped because it timed out, and has not ended yet. It runs on worker w1.",
      waitsFor: { kind: "cancel", attemptId: open.attemptId, worker: "w1" },
    });
  });
});

describe("the attempts of an explained task", () => {
  const NOW = 1_000_000;

  const ID = "pr-12/e/1/app/1";

  function explain(attempt: Partial<AttemptView>, workers?: readonly YardProcess[]) {
    const view: AttemptView = {
      attemptId: ID,
      stackId: "pr-12",
      task: "app",
      entry: 1,
      attempt: 1,
      status: "unclaimed",
      executor: "ecs",
      dispatchedAt: NOW - 12_000,
      deadlineAt: NOW + 3_600_000,
      token: 0,
      heldKeys: [],
      ...attempt,
    };
    return explainAttempt(view, { now: NOW, workers });
  }

  function aWorker(worker: Partial<YardProcess> = {}): YardProcess {
    return {
      id: "w1",
      roles: ["worker"],
      version: "1",
      host: "host-1",
      executors: ["ecs"],
      capacity: 8,
      running: 8,
      draining: false,
      startedAt: 0,
      seenAt: NOW - 3_000,
      ...worker,
    };
  }

  describe("an attempt that no worker has claimed", () => {
    it.each([
      [undefined, "No worker has claimed it for 12s."],
      [[], 'No live worker that has the executor "ecs" has been available for 12s. Start one.'],
      [
        [aWorker({ executors: ["lambda"] })],
        'No live worker that has the executor "ecs" has been available for 12s. Start one.',
      ],
      [
        [aWorker({ roles: ["engine"] })],
        'No live worker that has the executor "ecs" has been available for 12s. Start one.',
      ],
      [
        [aWorker({ draining: true })],
        'No live worker that has the executor "ecs" has been available for 12s. Start one.',
      ],
      [
        [aWorker()],
        'No worker has claimed it for 12s; there is 1 live worker that has the executor "ecs", with 8 of 8 slots in use.',
      ],
      [
        [aWorker(), aWorker({ id: "w2", running: 1 })],
        'No worker has claimed it for 12s; there are 2 live workers that have the executor "ecs", with 9 of 16 slots in use.',
      ],
    ])("says whether a worker could claim it: %#", (workers, why) => {
      expect(explain({}, workers)).toEqual({ why, waitsFor: { kind: "worker", attemptId: ID, executor: "ecs" } });
    });
  });

  describe("an attempt that runs", () => {
    const running = { status: "running", owner: "w1", leaseUntil: NOW + 9_000 } as const;

    it("names its worker, and when that was seen last", () => {
      expect(explain(running, [aWorker()])).toEqual({
        why: "Running for 12s (worker w1 on host-1, seen 3s ago)",
        waitsFor: { kind: "lease", attemptId: ID, worker: "w1", at: NOW + 9_000 },
      });
      expect(explain(running, [aWorker({ id: "w9" })]).why).toBe("Running for 12s (worker w1)");
    });

    it("says why it was asked to stop, and who has it", () => {
      expect(explain({ ...running, cancelling: "requested" }, [aWorker()])).toEqual({
        why: "It is being stopped because it was cancelled, and has not ended yet. It runs on worker w1 on host-1, seen 3s ago.",
        waitsFor: { kind: "cancel", attemptId: ID, worker: "w1" },
      });
    });
  });

  describe("an attempt that waits for a key", () => {
    it("names the holder's stack and task, and the place in the queue", () => {
      const queuedFor = { key: "key:db", holder: "pr%2F7/e/4/network/2", place: 3 };

      expect(explain({ status: "queued", queuedFor })).toEqual({
        why: 'Waits for "key:db", which task "network" of stack "pr/7" holds; place 3 in the queue.',
        waitsFor: {
          kind: "key",
          key: "key:db",
          place: 3,
          attemptId: "pr%2F7/e/4/network/2",
          stackId: "pr/7",
          task: "network",
        },
      });
    });
  });
});

describe("a task that waits for an approval", () => {
  const by = (name: string) => ({ by: { kind: "person", id: name, name } as const, at: NOW });
  const ask = (count: number, ...given: readonly string[]) => {
    const approval = { id: "a", from: ["release-managers"], count, askedAt: 0, given: given.map(by) };
    const approvals = { "sign-off": { ...approval, expiresAt: NOW + 3 * 3_600_000 } };
    return explain({ name: "sign-off", tasks: [task("sign-off", "APPROVING")], approvals });
  };

  it("says how many more must approve, who has, and until when", () => {
    expect(ask(2, "ada")).toEqual({
      why: "Waits for 1 more approval from release-managers (approved: ada). Expires in 3h.",
      waitsFor: {
        kind: "approval",
        task: "sign-off",
        groups: ["release-managers"],
        need: 1,
        given: ["ada"],
        at: NOW + 3 * 3_600_000,
      },
    });
    expect(ask(1).why).toBe("Waits for 1 approval from release-managers. Expires in 3h.");
    expect(ask(3).why).toBe("Waits for 3 approvals from release-managers. Expires in 3h.");
  });
});

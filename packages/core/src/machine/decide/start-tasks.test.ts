import { describe, expect, it } from "vitest";
import {
  aMachineV2,
  anEvent,
  anExpression,
  aTemplate,
  type MachineSketch,
  play,
  readKey,
  readOutput,
  retrying,
  toApplied,
} from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import type { DynamicConfig, Machine, Task } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";
import { toWireTasks } from "./start-tasks.ts";

const done = (task: string, event: Partial<StackEvent> = {}) =>
  anEvent("TASK_COMPLETED", { task: { name: task }, ...event });
const failed = (task: string) => anEvent("TASK_ERROR", { task: { name: task }, description: "no" });
const detailsOf = ({ tasks }: Stack) => tasks.map(({ name, status, detail }) => `${name} ${detail ?? status}`);
const decideOn = (machine: Machine, stack: Stack, event: StackEvent) => toApplied(decide(machine, stack, event));

function build(tasks: Readonly<Record<string, Partial<Task>>>): Machine {
  return aMachineV2(
    {
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: Object.keys(tasks), on: { NEXT: ["LIVE"], FAILED: ["BROKEN"] } },
      LIVE: {},
      BROKEN: {},
    },
    { tasks },
  );
}

describe("tasks with needs", () => {
  const machine = build({ app: { needs: ["db"] }, network: {}, db: { needs: ["network"] } });
  const entered = decideOn(machine, play(machine, anEvent("RETRY_PENDING_TASKS")), anEvent("GO"));

  it("wait on entry, and the messages of the others show it", () => {
    expect(detailsOf(entered.stack)).toEqual(["app WAITING", "network RUNNING", "db WAITING"]);
    expect(entered.dispatches.map(({ task, message }) => [task, message.stack.tasks])).toEqual([
      ["network", entered.stack.tasks],
    ]);
  });

  it("are sent in the event that makes the last of them succeed", () => {
    const { stack, dispatches } = decideOn(machine, entered.stack, done("network"));

    expect(detailsOf(stack)).toEqual(["app WAITING", "network SATISFIED", "db RUNNING"]);
    expect(dispatches.map(({ attemptId }) => attemptId)).toEqual(["pr-12/event-1/1/db/1"]);
  });

  it("fire NEXT only when the last has succeeded", () => {
    const stack = play(machine, anEvent("GO"), done("network"), done("db"));

    expect([stack.state, play(machine, anEvent("GO"), done("network"), done("db"), done("app")).state]).toEqual([
      "BUILD",
      "LIVE",
    ]);
  });

  it("that can never be met let FAILED fire", () => {
    expect(play(machine, anEvent("GO"), failed("network")).state).toBe("BROKEN");
  });

  it("do not hold back those that need nothing, after a failure too", () => {
    const wide = build({ a: {}, b: {}, c: { needs: ["b"] } });

    const { stack, dispatches } = decideOn(wide, play(wide, anEvent("GO"), failed("a")), done("b"));

    expect([stack.state, ...detailsOf(stack)]).toEqual(["BUILD", "a ERROR", "b SATISFIED", "c RUNNING"]);
    expect(dispatches.map(({ task }) => task)).toEqual(["c"]);
  });

  it("that a later revision names, but the entry does not have, are never met", () => {
    const other = build({ app: { needs: ["gone"] }, network: {}, db: { needs: ["network"] } });

    expect(detailsOf(decideOn(other, entered.stack, done("network")).stack)).toEqual([
      "app WAITING",
      "network SATISFIED",
      "db RUNNING",
    ]);
  });

  it("in a cycle, which no compiled machine has, never start and do no harm", () => {
    const circle = build({ a: { needs: ["b"] }, b: { needs: ["a"] }, c: {} });

    expect(detailsOf(play(circle, anEvent("GO"), done("c")))).toEqual(["a WAITING", "b WAITING", "c SATISFIED"]);
  });
});

describe("a task's condition", () => {
  const isBig = anExpression((scope) => readKey(scope, "size") === "big", "metadata.size == 'big'");

  it("skips the task when it is false, which counts as success for those that need it", () => {
    const machine = build({ db: { when: isBig }, app: { needs: ["db"] } });

    const { stack, dispatches } = decideOn(
      machine,
      play(machine, anEvent("RETRY_PENDING_TASKS")),
      anEvent("GO", { metadata: { size: "small" } }),
    );

    expect(stack.tasks[0]).toEqual({ name: "db", status: "SATISFIED", detail: "SKIPPED" });
    expect(dispatches.map(({ task }) => task)).toEqual(["app"]);
  });

  it("is decided on entry and not again when the task's turn comes", () => {
    const machine = build({ db: {}, app: { needs: ["db"], when: isBig } });
    const entered = play(machine, anEvent("GO", { metadata: { size: "big" } }));

    expect(detailsOf(decideOn(machine, entered, done("db", { metadata: { size: "small" } })).stack)).toEqual([
      "db SATISFIED",
      "app RUNNING",
    ]);
  });

  it("sees the stack in its new state, and neither tasks nor the event", () => {
    const seen: unknown[] = [];
    const look = anExpression(({ stack, tasks, event, now }) => {
      seen.push([stack.state, stack.previousState, stack.visits, stack.enteredAt, tasks, event, now]);
      return true;
    });

    play(build({ db: { when: look } }), anEvent("GO", { at: 7_000 }));

    const visits = { INIT: 1, BUILD: 1, LIVE: 0, BROKEN: 0 };
    expect(seen).toEqual([["BUILD", "INIT", visits, 7_000, undefined, undefined, 7_000]]);
  });

  it("fires NEXT in the same event when all tasks are skipped", () => {
    const machine = build({ db: { when: isBig }, app: { when: isBig } });

    const stack = play(machine, anEvent("GO", { metadata: { size: "small" } }));

    expect([stack.state, stack.previousState, stack.entry]).toEqual(["LIVE", "BUILD", 2]);
  });

  it("fails the task without a dispatch when it cannot be evaluated, and applies the event", () => {
    const machine = build({ db: { when: isBig }, app: {} });

    const { stack, dispatches } = decideOn(machine, play(machine, anEvent("RETRY_PENDING_TASKS")), anEvent("GO"));

    expect(stack.tasks[0]).toEqual({
      name: "db",
      status: "ERROR",
      errorCode: "EXPRESSION_FAILED",
      errorMessage: "The condition \"metadata.size == 'big'\" failed: No such key: size",
    });
    expect(dispatches.map(({ task }) => task)).toEqual(["app"]);
  });

  it("whose result is not a boolean fails the task, and FAILED fires in the event that entered", () => {
    const machine = build({ db: { when: anExpression(() => "yes") }, app: { needs: ["db"] } });

    expect(play(machine, anEvent("GO")).state).toBe("BROKEN");
  });

  it("removes the stack at once in a terminal state whose tasks are all skipped", () => {
    const machine = aMachineV2(
      { INIT: { on: { GO: ["END"] } }, END: { terminal: true, tasks: ["tidy"] } },
      { tasks: { tidy: { when: anExpression(() => false) } } },
    );

    expect(toApplied(decide(machine, undefined, anEvent("GO", { machine: "review-app" }))).removed).toBe(true);
  });
});

describe("skipping in circles", () => {
  it("stops after 50 entries of one event, and the stack is stalled", () => {
    const machine = aMachineV2(
      { INIT: { on: { GO: ["A"] } }, A: { tasks: ["t"], on: { NEXT: ["A"] } } },
      { tasks: { t: { when: anExpression(() => false) } } },
    );

    const stack = play(machine, anEvent("GO"));

    expect([stack.entry, stack.stalled]).toEqual([
      50,
      { code: "TRANSITION_LIMIT", reason: "One event may cause at most 50 entries." },
    ]);
  });
});

describe("prepareTask", () => {
  const go = (metadata: object = {}) => anEvent("GO", { machine: "review-app", metadata });

  const dynamic = (
    resolve: Parameters<typeof aTemplate>[0],
    config: Partial<Omit<DynamicConfig, "template">> = {},
  ): Pick<Task, "dynamicConfig"> => {
    return {
      dynamicConfig: {
        template: aTemplate(resolve),
        findFault: () => undefined,
        findTimeoutMs: () => undefined,
        ...config,
      },
    };
  };

  const build = (task: Partial<Task>, sketch: MachineSketch = {}) =>
    aMachineV2(
      { INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["db"], on: { NEXT: [], FAILED: [], SET: [] } } },
      { ...sketch, tasks: { db: task } },
    );

  const send = (task: Partial<Task>, sketch: MachineSketch = {}) =>
    toApplied(decide(build(task, sketch), undefined, go()));

  const failure = (errorCode: string, errorMessage: string) => ({
    name: "db",
    status: "ERROR",
    errorMessage,
    errorCode,
  });

  describe("the config of a task that is sent", () => {
    it("is resolved with the metadata and what the needed tasks gave", () => {
      const machine = aMachineV2(
        { INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["net", "db"] } },
        {
          tasks: {
            db: {
              needs: ["net"],
              ...dynamic((scope) => ({ id: readOutput(scope, "net", "id"), size: readKey(scope, "size") })),
            },
          },
        },
      );
      const event = anEvent("TASK_COMPLETED", { task: { name: "net" }, outputs: { id: 7 } });

      const { dispatches } = toApplied(decide(machine, play(machine, go({ size: 1 })), event));

      expect(dispatches[0]?.message.task).toEqual({ name: "db", executor: "lambda", config: { id: 7, size: 1 } });
    });

    it("fails the task when an expression fails, without a message", () => {
      const { stack, dispatches } = send(dynamic((scope) => readKey(scope, "size")));

      expect(stack.tasks).toEqual([failure("EXPRESSION_FAILED", "The config failed: No such key: size")]);
      expect([dispatches, stack.runs, stack.attempts]).toEqual([[], [], {}]);
    });

    it("fails the task when the executor does not take it", () => {
      const { stack } = send(dynamic(() => ({}), { findFault: () => "/name must be there." }));

      expect(stack.tasks).toEqual([failure("CONFIG_INVALID", "/name must be there.")]);
    });

    it("fails the task when it is larger than any message may be", () => {
      const { stack } = send(dynamic(() => ({ text: "é".repeat(200_000) })));

      expect(stack.tasks).toEqual([failure("CONFIG_INVALID", "The config would be larger than 262144 bytes.")]);
    });

    it("says how long the attempt may take, where the task does not", () => {
      const { dispatches, stack } = send(dynamic(() => ({}), { findTimeoutMs: () => 5_000 }));
      const event = anEvent("TASK_TIMED_OUT", { origin: "worker", dispatchId: "pr-12/event-1/1/db/1" });

      const late = decide(build(dynamic(() => ({}))), stack, event);

      expect(dispatches.map(({ timeoutMs, message }) => [timeoutMs, message.dispatch.deadline])).toEqual([
        [5_000, "1970-01-01T00:00:06.000Z"],
      ]);
      expect(toApplied(late).stack.tasks[0]?.errorMessage).toBe("timed out after 5s");
    });
  });

  describe("the target of a task that is sent", () => {
    const target = (resolve: Parameters<typeof aTemplate>[0]) => ({
      targets: new Map([["preview", aTemplate(resolve)]]),
    });
    const task = { target: "preview" };

    it("is resolved into its message", () => {
      const address = { account: "111122223333", region: "eu-west-1", role: "stackyard" };

      const { dispatches } = send(
        task,
        target(() => address),
      );

      expect(dispatches[0]?.message.task).toEqual({
        name: "db",
        executor: "lambda",
        config: { name: "db" },
        target: address,
      });
    });

    it.each<[string, () => unknown, string]>([
      [
        "an expression fails",
        () => {
          throw new Error("No such key: x");
        },
        "No such key: x",
      ],
      ["it is not a map", () => "preview", "it is not a map."],
      ["a value is not a text", () => ({ account: 1 }), '"account" must be a text that is not empty.'],
      ["a value is empty", () => ({ region: "" }), '"region" must be a text that is not empty.'],
      ["the account is invalid", () => ({ account: "12" }), '"account" must have twelve digits.'],
    ])("fails the task when %s", (_why, resolve, reason) => {
      const { stack, dispatches } = send(task, target(resolve));

      expect(stack.tasks).toEqual([failure("EXPRESSION_FAILED", `The target "preview" failed: ${reason}`)]);
      expect(dispatches).toEqual([]);
    });

    it("fails the task when the machine does not have it", () => {
      expect(send(task).stack.tasks).toEqual([
        failure("EXPRESSION_FAILED", 'The target "preview" is not in the machine.'),
      ]);
    });
  });

  describe("the exclusive key of a task that is sent", () => {
    const keyOf = (value: unknown) => {
      const { dispatches, stack } = send({ exclusive: anExpression(() => value, "key") });
      return dispatches[0]?.message.dispatch.exclusiveKey ?? stack.tasks[0]?.errorMessage;
    };

    it("is a text, number or boolean, made text; null and nothing mean none", () => {
      expect([keyOf("shared-db"), keyOf(5), keyOf(true), keyOf(null), keyOf("")]).toEqual([
        ...["shared-db", "5", "true"],
        ...[undefined, undefined],
      ]);
    });

    it("fails the task when it is anything else", () => {
      expect(keyOf([])).toBe('The exclusive key "key" failed: the result is not a string, number or boolean.');
      expect(keyOf("x".repeat(1_025))).toBe('The exclusive key "key" failed: it has more than 1024 characters.');
    });

    it("stays the attempt's when it is sent again, and is another for the next", () => {
      const machine = build({ exclusive: anExpression((scope) => readKey(scope, "key")) });
      const sent = play(machine, go({ key: "a" }), anEvent("SET", { metadata: { key: "b" } }));
      const keysAfter = (stack: typeof sent, name: string) =>
        toApplied(decide(machine, stack, anEvent(name))).dispatches.map(({ message }) => message.dispatch.exclusiveKey);
      const failed = toApplied(decide(machine, sent, anEvent("TASK_ERROR", { task: { name: "db" } }))).stack;

      expect([keysAfter(sent, "RETRY_PENDING_TASKS"), keysAfter(failed, "RETRY_FAILED_TASKS")]).toEqual([["a"], ["b"]]);
    });
  });

  describe("messages of version 2", () => {
    it("say so, and show tasks with their details", () => {
      const { message } = send({}).dispatches[0] ?? {};

      expect([message?.dispatch.version, message?.stack.tasks]).toEqual([
        2,
        [{ name: "db", status: "PENDING", detail: "RUNNING" }],
      ]);
    });

    it("name a deadline also when no date could", () => {
      expect(send({ timeoutMs: 9e15 }).dispatches[0]?.message.dispatch.deadline).toBe("+275760-09-13T00:00:00.000Z");
    });
  });

  describe("an attempt that is sent again", () => {
    it("is, as it was sent first, when its config can no longer be resolved", () => {
      const machine = build(dynamic((scope) => (readKey(scope, "size") === 1 ? {} : raise())));
      const sent = play(machine, go({ size: 1 }), anEvent("SET", { metadata: { size: 2 } }));

      const { stack, dispatches, resends, notes } = toApplied(decide(machine, sent, anEvent("RETRY_PENDING_TASKS")));

      expect([stack.tasks[0]?.detail, dispatches, notes]).toEqual(["RUNNING", [], []]);
      expect(resends).toEqual([{ attemptId: sent.runs[0]?.attemptId, task: "db" }]);
    });

    it("is, as it was sent first, when the machine does not have its task any more", () => {
      const sent = play(build({}), go({}));
      const without = aMachineV2({ INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: [] } }, { tasks: {} });

      const { dispatches, resends, notes } = toApplied(decide(without, sent, anEvent("RETRY_PENDING_TASKS")));

      expect([dispatches, resends]).toEqual([[], [{ attemptId: sent.runs[0]?.attemptId, task: "db" }]]);
      expect(notes.filter((note) => note.includes("not sent"))).toEqual([]);
    });
  });

  function raise(): never {
    throw new Error("odd");
  }
});

describe("toWireTasks", () => {
  it("leaves out the codes of failures, and nothing else", () => {
    const done = { name: "db", status: "SATISFIED" } as const;
    const failed = { name: "app", status: "ERROR", detail: "CANCELLED", errorMessage: "no" } as const;

    expect(toWireTasks([done, { ...failed, errorCode: "QUOTA" }])).toEqual([done, failed]);
  });
});

describe("tasks that wait", () => {
  const machine = aMachineV2(
    {
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: ["a", "b", "c"], on: { NEXT: ["LIVE"], FAILED: [{ when: anExpression(() => false) }] } },
      LIVE: {},
    },
    { tasks: { a: retrying(3), b: { needs: ["a"] } } },
  );

  const named = (name: string, task: string, event: Partial<StackEvent> = {}) =>
    anEvent(name, { task: { name: task }, ...event });

  const cancel = (task: string) => named("CANCEL_TASK", task);

  const settle = (task: string) => named("SETTLE_TASK", task, { as: "succeeded", reason: "by hand" });

  const failed = (task: string, code = "X") => named("TASK_ERROR", task, { code, retryable: false });

  const done = (task: string) => named("TASK_COMPLETED", task);

  const detailsOf = ({ tasks }: Stack) => tasks.map(({ detail, status }) => detail ?? status);

  const after = (...events: StackEvent[]) => play(machine, anEvent("GO"), ...events);

  const decideOn = (stack: Stack, event: StackEvent, on = machine) => toApplied(decide(on, stack, event));

  const retryingA = after(named("TASK_ERROR", "a"));

  describe("CANCEL_TASK", () => {
    it("cancels a task at once that waits for others or for its next attempt", () => {
      const { stack, cancels } = decideOn(after(), cancel("b"));
      const waiting = decideOn(retryingA, cancel("a")).stack;

      expect([stack.tasks[1], cancels]).toEqual([
        { name: "b", status: "ERROR", detail: "CANCELLED", errorMessage: "cancelled", errorCode: "TASK_CANCELLED" },
        [],
      ]);
      expect([detailsOf(waiting), waiting.timers]).toEqual([["CANCELLED", "WAITING", "RUNNING"], []]);
    });

    it("asks a running one to stop, and a success that comes first counts", () => {
      const { stack, cancels } = decideOn(after(), cancel("a"));

      expect([detailsOf(stack), cancels.map(({ why }) => why)]).toEqual([
        ["RUNNING", "WAITING", "RUNNING"],
        ["requested"],
      ]);
      expect(detailsOf(decideOn(stack, done("a")).stack)).toEqual(["SATISFIED", "RUNNING", "RUNNING"]);
    });

    it("is a failure for good, whatever the policy", () => {
      const stack = play(
        machine,
        anEvent("GO"),
        cancel("a"),
        named("TASK_CANCELLED", "a", { origin: "worker" }),
        done("c"),
      );

      expect([detailsOf(stack), stack.failed]).toEqual([["CANCELLED", "WAITING", "SATISFIED"], true]);
    });

    it("is refused for a task that is not to be stopped", () => {
      const stack = play(machine, anEvent("GO"), cancel("b"));

      expect(decide(machine, stack, cancel("b"))).toEqual({
        kind: "rejected",
        code: "TASK_NOT_RUNNING",
        reason: 'Task "b" is CANCELLED.',
      });
    });
  });

  describe("SETTLE_TASK", () => {
    it("counts a task as succeeded that waits, and lets others begin that need it", () => {
      const { stack, dispatches, cancels } = decideOn(retryingA, settle("a"));

      expect([detailsOf(stack), stack.timers, cancels]).toEqual([["SATISFIED", "RUNNING", "RUNNING"], [], []]);
      expect(dispatches.map(({ task }) => task)).toEqual(["b"]);
      expect(detailsOf(decideOn(after(), settle("b")).stack)).toEqual(["RUNNING", "SATISFIED", "RUNNING"]);
    });

    it("gives up a running attempt, whose answer then changes nothing", () => {
      const { stack, cancels } = decideOn(after(), settle("a"));

      expect(cancels).toHaveLength(1);
      expect(decide(machine, stack, failed("a"))).toMatchObject({ kind: "ignored", code: "RESULT_STALE" });
    });

    it("leaves no outputs of an attempt that had failed", () => {
      const broken = after(
        named("TASK_ERROR", "a", { outputs: { x: 1 } }),
        named("TASK_ERROR", "c", { outputs: { y: 2 } }),
      );

      expect([broken.outputs, decideOn(broken, settle("a")).stack.outputs]).toEqual([
        { a: { x: 1 }, c: { y: 2 } },
        { c: { y: 2 } },
      ]);
    });

    it("fires NEXT when it settles the last", () => {
      expect(after(done("c"), settle("a"), settle("b")).state).toBe("LIVE");
    });
  });

  describe("RETRY_FAILED_TASKS", () => {
    const retry = anEvent("RETRY_FAILED_TASKS");

    it("sends a failed task again, and those that need it wait for it", () => {
      const stack = after(failed("a"), done("c"));
      const { stack: retried, dispatches } = decideOn(stack, retry);

      expect(stack.failed).toBe(true);
      expect([detailsOf(retried), retried.failed]).toEqual([["RUNNING", "WAITING", "SATISFIED"], undefined]);
      expect(dispatches.map(({ attemptId }) => attemptId)).toEqual(["pr-12/event-1/1/a/2"]);
    });

    it("lets a task wait for its needs again", () => {
      const stack = after(cancel("b"), failed("a"), done("c"));

      expect(detailsOf(decideOn(stack, retry).stack)).toEqual(["RUNNING", "WAITING", "SATISFIED"]);
    });

    it("leaves the stack failed when the retried task waits for another that is failed", () => {
      const stack = after(cancel("b"), failed("a"), done("c"));

      const { stack: retried, dispatches } = decideOn(stack, { ...retry, task: { name: "b" } });

      expect([detailsOf(retried), retried.failed, dispatches]).toEqual([["ERROR", "WAITING", "SATISFIED"], true, []]);
    });

    it("sends a cancelled task again, and FAILED may fire again", () => {
      const fired: string[] = [];
      const look = anExpression(({ stack }) => fired.push(stack.state) < 0);
      const told = aMachineV2({
        INIT: { on: { GO: ["BUILD"] } },
        BUILD: { tasks: ["a"], on: { FAILED: [{ when: look }] } },
      });

      play(told, anEvent("GO"), failed("a"), retry, failed("a"));

      expect(fired).toEqual(["BUILD", "BUILD"]);
    });

    it("decides a condition again that could not be decided on entry", () => {
      const when = anExpression((scope) => readKey(scope, "size") === 1);
      const choosy = aMachineV2(
        { INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["a"], on: { NEXT: ["LIVE"] } }, LIVE: {} },
        { tasks: { a: { when } } },
      );
      const broken = play(choosy, anEvent("GO"));
      const retried = (size: number) => decideOn(broken, { ...retry, metadata: { size } }, choosy).stack;

      expect([broken.failed, detailsOf(retried(1)), retried(2).state]).toEqual([true, ["RUNNING"], "LIVE"]);
    });

    it("fails again at once, and FAILED fires again, when the task still cannot be sent", () => {
      const fired: string[] = [];
      const look = anExpression(({ stack }) => fired.push(stack.state) < 0);
      const keyed = aMachineV2(
        { INIT: { on: { GO: ["BUILD"] } }, BUILD: { tasks: ["a"], on: { FAILED: [{ when: look }] } } },
        { tasks: { a: { exclusive: anExpression(() => []) } } },
      );

      const stack = play(keyed, anEvent("GO"), retry);

      expect([fired, stack.failed, stack.attempts]).toEqual([["BUILD", "BUILD"], true, {}]);
    });

    it("takes away that the stack is stalled or failed, not that it is overdue", () => {
      const marked = { ...after(failed("a"), done("c")), overdue: true, stalled: { code: "X", reason: "…" } };

      const { stack } = decideOn(marked, retry);

      expect([stack.failed, stack.stalled, stack.overdue]).toEqual([undefined, undefined, true]);
    });
  });

  describe("RETRY_PENDING_TASKS", () => {
    it("sends again only what was sent", () => {
      const { dispatches } = decideOn(retryingA, anEvent("RETRY_PENDING_TASKS"));

      expect(dispatches.map(({ task, again }) => [task, again])).toEqual([["c", true]]);
    });
  });

  describe("UPGRADE_STACK", () => {
    const upgrade = anEvent("UPGRADE_STACK", { at: 9_000 });
    const newer = { ...machine, hash: "1".repeat(64) };

    it("moves the revision and changes nothing of the entry", () => {
      expect(decideOn(retryingA, upgrade, newer).stack).toEqual({
        ...retryingA,
        machineHash: newer.hash,
        updatedAt: 9_000,
      });
    });

    it("does not end a stack whose state is terminal in the new revision; the next event does, and a note says so", () => {
      const resting = after(done("a"), done("b"), done("c"));
      const states = new Map([...newer.states].map(([name, state]) => [name, { ...state, terminal: name === "LIVE" }]));
      const ending = { ...newer, states };

      const { stack, removed, notes } = decideOn(resting, upgrade, ending);

      expect([stack.state, removed]).toEqual(["LIVE", false]);
      expect(notes).toEqual([
        '"LIVE" is terminal in the new revision: the next event that is applied removes the stack.',
      ]);
      expect(decideOn(stack, anEvent("RETRY_PENDING_TASKS"), ending).removed).toBe(true);
    });

    it("is refused while a task that is not done is unknown to the new revision, also one that only waits", () => {
      const without = (name: string) => ({
        ...newer,
        tasks: new Map([...newer.tasks].filter(([key]) => key !== name)),
      });

      expect(decide(without("b"), retryingA, upgrade)).toMatchObject({ code: "UPGRADE_TASK_UNKNOWN" });
      expect(decide(without("c"), after(done("c")), upgrade).kind).toBe("applied");
    });

    it("is refused when the new revision lacks the state", () => {
      expect(decide(newer, { ...retryingA, state: "GONE" }, upgrade)).toMatchObject({ code: "UPGRADE_STATE_MISSING" });
    });
  });

  describe("a task that a later revision does not have", () => {
    const tasks = new Map([...machine.tasks].filter(([name]) => name !== "b"));
    const without = { ...machine, tasks, hash: "without b" };

    it("is not decided on that revision while it waits, only after it has ended", () => {
      expect(decide(without, after(), done("a"))).toMatchObject({ kind: "rejected", code: "MACHINE_INVALID" });
      expect(decide(without, after(done("a"), done("b")), done("c")).kind).toBe("applied");
    });

    it("waits in a row that was taken over, and is sent with the first event on a revision that has it again", () => {
      const { stack, notes } = decideOn({ ...after(), machineHash: "" }, done("a"), without);
      const back = decideOn(stack, done("c"), machine);

      expect([stack.tasks[1], notes]).toEqual([
        { name: "b", status: "PENDING", detail: "WAITING" },
        ['Task "b" is not in the machine any more, so it was not sent.'],
      ]);
      expect(back.dispatches.map(({ task }) => task)).toEqual(["b"]);
    });
  });

  describe("a task that waits for one which has failed", () => {
    it("waits for it on a revision in which it does not need that one, too", () => {
      const [a, b] = [machine.tasks.get("a"), machine.tasks.get("b")];
      if (a === undefined || b === undefined) throw new Error("The machine has both.");
      const tasks = new Map([...machine.tasks, ["b", { ...b, needs: [] }]] as const);
      const failed = decideOn(after(), anEvent("TASK_ERROR", { task: { name: "a" } })).stack;

      const { dispatches } = decideOn(failed, anEvent("RETRY_PENDING_TASKS"), { ...machine, tasks, hash: "next" });

      expect([failed.tasks[1]?.detail, dispatches.map(({ task }) => task)]).toEqual(["WAITING", ["c"]]);
    });
  });
});

import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, retrying } from "../../testing/builders.ts";
import { anExpression, readKey } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { StackEvent } from "../event-message.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

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
    const without = (name: string) => ({ ...newer, tasks: new Map([...newer.tasks].filter(([key]) => key !== name)) });

    expect(decide(without("b"), retryingA, upgrade)).toMatchObject({ code: "UPGRADE_TASK_UNKNOWN" });
    expect(decide(without("c"), after(done("c")), upgrade).kind).toBe("applied");
  });

  it("is refused when the new revision lacks the state", () => {
    expect(decide(newer, { ...retryingA, state: "GONE" }, upgrade)).toMatchObject({ code: "UPGRADE_STATE_MISSING" });
  });
});

describe("a task that a later revision does not have", () => {
  it("is not sent when its turn comes, and a retry says so again", () => {
    const without = { ...machine, tasks: new Map([...machine.tasks].filter(([name]) => name !== "b")) };

    const { stack, notes } = decideOn(after(), done("a"), without);

    expect([stack.tasks[1], notes]).toEqual([
      { name: "b", status: "PENDING" },
      ['Task "b" is not in the machine any more, so it was not sent.'],
    ]);
    expect(decideOn(stack, anEvent("RETRY_PENDING_TASKS")).dispatches.map(({ task }) => task)).toEqual(["b", "c"]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aMachine, type StateSketch, withoutVersion } from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { type Machine, SEMANTICS_V2 } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { decide, followDecision } from "./decide.ts";
import type { Applied, Decision, Dispatch } from "./decision.ts";

const STATES = ["INIT", "A", "B", "C"];
const TASKS = ["t1", "t2", "constructor", "__proto__"];
const WORDS = ["GO", "STOP", "constructor"];

const aSketch = fc.record<StateSketch>({
  tasks: fc.uniqueArray(fc.constantFrom(...TASKS), { maxLength: 3 }),
  terminal: fc.boolean(),
  on: fc.dictionary(
    fc.constantFrom(...WORDS, "NEXT", "FAILED"),
    fc.array(fc.constantFrom(...STATES), { maxLength: 3 }),
    { maxKeys: 4, noNullPrototype: true },
  ),
  after: fc.array(fc.record({ inMs: fc.integer({ min: 1, max: 500 }), event: fc.constantFrom(...WORDS) }), {
    maxLength: 2,
  }),
});

const aRandomMachine = fc.tuple(aSketch, aSketch, aSketch, aSketch).map((sketches) => {
  const states = Object.fromEntries(STATES.map((name, index) => [name, sketches[index] ?? {}]));
  return aMachine(states, { name: "m", events: WORDS, tasks: { t1: { timeoutMs: 90_000 } } });
});

/** An event as a plan: which attempt or timer it concerns is chosen among those that are there. */
const aPlan = fc.record({
  name: fc.constantFrom(
    ...WORDS,
    ...["TASK_COMPLETED", "TASK_COMPLETED", "TASK_ERROR", "TASK_CANCELLED", "TASK_TIMED_OUT", "TIMER"],
    ...[
      "RETRY_FAILED_TASKS",
      "RETRY_PENDING_TASKS",
      "CANCEL_TASK",
      "SETTLE_TASK",
      "NEXT",
      "UNDECLARED",
      "UPGRADE_STACK",
    ],
  ),
  task: fc.constantFrom(...TASKS, "other"),
  byId: fc.boolean(),
  pick: fc.nat(7),
  metadata: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))),
    fc.anything(),
  ),
  worker: fc.boolean(),
  only: fc.boolean(),
});
type Plan = typeof aPlan extends fc.Arbitrary<infer T> ? T : never;

function toEvent(plan: Plan, stack: Stack | undefined, index: number): StackEvent {
  const { name, task, byId, pick, metadata, worker, only } = plan;
  const base = { id: `e${index}`, stackId: "s", at: 1_000 + index * 100, machine: "m", metadata };
  if (name === "TIMER") {
    const timer = stack?.timers[pick % (stack.timers.length || 1)];
    return { ...base, name: timer?.event ?? "GO", origin: "timer", timerId: timer?.id ?? "0/after/9" };
  }
  const run = stack?.runs[pick % (stack.runs.length || 1)];
  const answers = name.startsWith("TASK_");
  const names = !name.startsWith("RETRY_") || only;
  return {
    ...base,
    name,
    origin: answers && worker ? "worker" : "external",
    ...(names ? { task: { name: task } } : {}),
    ...(answers && byId && run ? { dispatchId: run.attemptId } : {}),
  };
}

function checkApplied(machine: Machine, before: Stack | undefined, decision: Applied): void {
  const { stack, dispatches, removed, endedAttempts } = decision;
  const state = machine.states.get(stack.state);
  const open = stack.runs.map(({ attemptId }) => attemptId);

  expect(stack.tasks.map(({ name }) => name)).toEqual(stack.entry === 0 ? [] : state?.tasks);
  expect(removed).toBe(state?.terminal === true && stack.tasks.every(({ status }) => status === "SATISFIED"));
  expect(new Set(open).size).toBe(open.length);
  expect(open.filter((id) => endedAttempts.includes(id))).toEqual([]);
  expect(JSON.stringify(JSON.parse(JSON.stringify(stack)))).toBe(JSON.stringify(stack));
  for (const dispatch of dispatches) checkDispatch(before, stack, dispatch);
  checkContent(stack);
  checkEntries(before, stack);
}

function checkDispatch(before: Stack | undefined, stack: Stack, dispatch: Dispatch): void {
  const { task, attemptId, attempt, again, message } = dispatch;

  expect(stack.tasks.find(({ name }) => name === task)?.status).toBe("PENDING");
  expect(stack.runs.map((run) => run.attemptId)).toContain(attemptId);
  expect(message.dispatch.id).toBe(attemptId);
  expect(Object.getOwnPropertyDescriptor(stack.attempts, task)?.value).toBe(attempt);
  expect(before?.runs.some((run) => run.attemptId === attemptId) ?? false).toBe(again);
}

function checkContent({ tasks, metadata, timers, entry }: Stack): void {
  const told = tasks.filter(({ errorMessage }) => errorMessage !== undefined);

  expect(told.every(({ status }) => status === "ERROR")).toBe(true);
  expect(Object.values(metadata).filter((value) => value !== null && typeof value === "object")).toEqual([]);
  expect(timers.every(({ id }) => id.startsWith(`${entry}/after/`))).toBe(true);
}

function checkEntries(before: Stack | undefined, stack: Stack): void {
  const moved = stack.entry - (before?.entry ?? 0);
  const previous = moved === 0 ? (before?.previousState ?? null) : (before?.state ?? "INIT");

  if (moved < 2) expect(stack.previousState).toBe(previous);
  if (moved > 0) expect([stack.stalled, stack.failed]).toEqual([undefined, undefined]);
}

describe("decide, for any machine and any events", () => {
  it("never throws, keeps its promises about the stack, and answers the same input alike", () => {
    fc.assert(
      fc.property(aRandomMachine, fc.array(aPlan, { maxLength: 30 }), (machine, plans) => {
        let stack: Stack | undefined;
        for (const [index, plan] of plans.entries()) {
          const event = toEvent(plan, stack, index);
          const frozen = JSON.stringify(stack);
          const decision = decide(machine, stack, event);

          expect(decide(withoutVersion(machine), stack, event)).toEqual(decision);
          expect(JSON.stringify(stack)).toBe(frozen);
          if (decision.kind === "applied") checkApplied(machine, stack, decision);
          stack = followDecision(stack, decision);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("a machine of the first version that was written anew in the second", () => {
  // What a cancel does to a task is said differently by the two.
  const plans = fc.array(
    aPlan.filter(({ name }) => name !== "CANCEL_TASK" && name !== "TASK_CANCELLED" && name !== "NEXT"),
    { maxLength: 40 },
  );

  it("enters the same states, sends the same tasks and has the same metadata for the same events", () => {
    fc.assert(
      fc.property(aRandomMachine, plans, (old, events) => {
        const anew: Machine = { ...old, version: 2, semantics: SEMANTICS_V2, revision: "follow" };
        let before: Stack | undefined;
        let after: Stack | undefined;
        for (const [index, plan] of events.entries()) {
          const event = toEvent(plan, before, index);
          const first = decide(old, before, event);
          const second = decide(anew, after, event);

          expect(toEffect(second)).toEqual(toEffect(first));
          before = followDecision(before, first);
          after = followDecision(after, second);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** What the two versions have in common; their refusals have codes of their own. */
function toEffect(decision: Decision): unknown {
  if (decision.kind !== "applied") return decision.endedAttempt ?? "nothing";
  const { stack, removed, dispatches, cancels, endedAttempts } = decision;
  const { state, previousState, metadata, tasks, runs, attempts, timers } = stack;
  const sent = dispatches.map(({ attemptId, again }) => [attemptId, again]);
  const statuses = tasks.map(({ status }) => status);
  return { state, previousState, metadata, statuses, removed, sent, cancels, endedAttempts, runs, attempts, timers };
}

import { defineExecutor, type Executor, succeeded } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { Type } from "typebox";

export const MACHINE_NAME = "bench";

const SOURCE = JSON.stringify({
  version: 1,
  events: ["START", "ONCE"],
  states: {
    INIT: {
      on: { START: [{ action: "advance", state: "LEFT" }], ONCE: [{ action: "advance", state: "ONLY" }] },
    },
    LEFT: { tasks: ["work"], on: { NEXT: [{ action: "advance", state: "RIGHT" }] } },
    RIGHT: { tasks: ["work"], on: { NEXT: [{ action: "advance", state: "LEFT" }] } },
    ONLY: { tasks: ["work"], on: { NEXT: [{ action: "advance", state: "DONE" }] } },
    DONE: {},
  },
  tasks: { work: { executor: "no-op", config: {} } },
});

/** Creates an executor that does nothing; `onStart` is called with each start. */
export function createNoOp(onStart: (stackId: string) => void = () => undefined): ReadonlyMap<string, Executor> {
  const executor = defineExecutor({
    name: "no-op",
    config: Type.Object({}),
    start(ctx) {
      onStart(ctx.stackId);
      return Promise.resolve(succeeded({}));
    },
  });
  return new Map([[executor.name, executor]]);
}

/**
 * Loads a machine with two states that lead to each other whenever their one task has succeeded, and one that is left
 * for good.
 */
export function loadBenchMachine(executors: ReadonlyMap<string, Executor>) {
  return loadMachine(SOURCE, MACHINE_NAME, executors);
}

/** Loads a machine for a static locator. Throws when it has problems. */
export function loadMachine(source: string, name: string, executors: ReadonlyMap<string, Executor>) {
  const { machine, problems } = parseMachine(source, { name, executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return { machine, source };
}

/** Begins a stack. */
export function startMessage(stackId: string): object {
  return { stackId, event: "START", machine: MACHINE_NAME };
}

/** Begins a stack that runs one task and rests. */
export function onceMessage(stackId: string): object {
  return { stackId, event: "ONCE", machine: MACHINE_NAME };
}

/** Returns the answer that takes a stack into its other state and sends the next task. */
export function answerMessage(stackId: string): object {
  return { stackId, event: "TASK_COMPLETED", task: { name: "work" } };
}

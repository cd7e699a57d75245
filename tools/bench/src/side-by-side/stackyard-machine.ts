import { defineExecutor, type Executor, succeeded } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { Type } from "typebox";

/** Tasks that a stack runs after one START, each in a state of its own. */
export const CHAIN_LENGTH = 10;

const NAME = "side-by-side";
const SOURCE = JSON.stringify({
  version: 2,
  events: ["START", "ONCE"],
  states: {
    INIT: { on: { START: advanceTo("S1"), ONCE: advanceTo("ONLY") } },
    REST: { on: { START: advanceTo("S1"), ONCE: advanceTo("ONLY") } },
    ONLY: working("REST"),
    ...Object.fromEntries(
      Array.from({ length: CHAIN_LENGTH }, (_, index) => [
        `S${index + 1}`,
        working(index + 1 === CHAIN_LENGTH ? "REST" : `S${index + 2}`),
      ]),
    ),
  },
  tasks: { work: { executor: "no-op", config: {} } },
});

/** A machine whose states each run one no-op task; `onStart` hears of each start. */
export function createChainMachine(onStart: (stackId: string) => void) {
  const executor = defineExecutor({
    name: "no-op",
    config: Type.Object({}),
    start(ctx) {
      onStart(ctx.stackId);
      return Promise.resolve(succeeded({}));
    },
  });
  const executors: ReadonlyMap<string, Executor> = new Map([[executor.name, executor]]);
  const { machine, problems } = parseMachine(SOURCE, { name: NAME, executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return { executors, located: { machine, source: SOURCE } };
}

/** Takes a stack through all states of the chain, one task each. */
export function chainMessage(stackId: string): object {
  return { stackId, event: "START", machine: NAME };
}

/** Has a stack run one task. */
export function onceMessage(stackId: string): object {
  return { stackId, event: "ONCE", machine: NAME };
}

function working(next: string): object {
  return { tasks: ["work"], on: { NEXT: advanceTo(next) } };
}

function advanceTo(state: string): readonly object[] {
  return [{ action: "advance", state }];
}

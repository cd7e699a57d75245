import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { defineExecutor, type Executor, succeeded } from "@stackyard/core";
import { createStaticLocator } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { Type } from "typebox";
import { chainMachineSource, MACHINE_NAME } from "./chain-machine.ts";

/** For how long a worker has a task before it must say that it lives. */
export const LEASE_MS = 1_000;

/** Holds the attempt id of every start. */
export const STARTS_LOG = "starts.log";

const WORK_MS = 5;

/** Returns the chain's machine and the executor of its tasks, for a yard in a process. */
export function createChain(folder: string, transitions: number) {
  const work = createWorkExecutor(folder);
  const executors = new Map([[work.name, work]]);
  const source = chainMachineSource({ transitions });
  const { machine, problems } = parseMachine(source, { name: MACHINE_NAME, executors });
  if (machine === undefined) throw new Error(`The machine has problems: ${JSON.stringify(problems)}`);
  return { executors, locator: createStaticLocator([{ machine, source }]) };
}

/** Creates the executor of the chain's tasks. It records each start in the folder. */
function createWorkExecutor(folder: string): Executor {
  return defineExecutor({
    name: "work",
    config: Type.Object({}),
    async start(ctx) {
      // Recorded before the work, so that a task that ran is distinguished from one that never did.
      appendFileSync(join(folder, STARTS_LOG), `${ctx.attempt.id}\n`);
      await ctx.clock.sleep(WORK_MS);
      return succeeded({});
    },
  });
}

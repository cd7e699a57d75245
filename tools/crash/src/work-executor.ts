import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { defineExecutor, type Executor, succeeded } from "@stackyard/core";
import { Type } from "typebox";

/** For how long a worker has a task before it must say that it lives. */
export const LEASE_MS = 1_000;

/** Holds the attempt id of every start. */
export const STARTS_LOG = "starts.log";

const WORK_MS = 5;

/** Creates the executor of the chain's tasks. It records each start in the folder. */
export function createWorkExecutor(folder: string): Executor {
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

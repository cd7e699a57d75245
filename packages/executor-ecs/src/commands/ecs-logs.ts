import { type RunsCommandSpec, type RunsContext, toFollowArgs, toRunArg } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { followEcsRun } from "./follow-ecs-run.ts";
import { toRunExitCode } from "./run-exit-code.ts";
import { showRun } from "./show-run.ts";

const Args = Type.Object({
  run: toRunArg("ecs run"),
  follow: Type.Optional(
    Type.Boolean({ short: "f", description: "Wait for the end; the exit code is that of the run." }),
  ),
  giveUpAfter: toFollowArgs("run").giveUpAfter,
});
type Args = Static<typeof Args>;

/** `ecs logs`: what the tasks of a run have logged. */
export const ecsLogs: RunsCommandSpec<typeof Args> = {
  name: "ecs logs",
  summary: "Show what the tasks of a run have logged, at most 64 KiB of the end.",
  description: "While the tasks run it shows the newest line; the log comes with their end.",
  examples: [{ command: "stackyard ecs logs run-0cc52bd92f8f1ec64f390c9af986e6be --follow", what: "Wait for it" }],
  args: Args,
  run: showLogs,
};

async function showLogs(context: RunsContext, { run: runId, follow, ...options }: Args): Promise<number> {
  const { runs, signal } = context;
  const run = follow === true ? await followEcsRun(context, runId, options) : await runs.get(runId, { signal });
  await showRun(context, run);
  return follow === true ? toRunExitCode(run) : 0;
}

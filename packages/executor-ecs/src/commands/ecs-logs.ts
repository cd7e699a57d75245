import { type Static, Type } from "typebox";
import { type EcsCommandSpec, type EcsContext, giveUpArg } from "./ecs-command.ts";
import { followRun } from "./follow-run.ts";
import { toRunExitCode } from "./run-exit-code.ts";
import { showRun } from "./show-run.ts";

const Args = Type.Object({
  run: Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$", description: "As `ecs run` prints it." }),
  follow: Type.Optional(
    Type.Boolean({ short: "f", description: "Wait for the end; the exit code is that of the run." }),
  ),
  giveUpAfter: giveUpArg,
});
type Args = Static<typeof Args>;

/** `ecs logs`: what the tasks of a run have logged. */
export const ecsLogs: EcsCommandSpec<typeof Args> = {
  name: "ecs logs",
  summary: "Show what the tasks of a run have logged, at most 64 KiB of the end.",
  description: "While the tasks run it shows the newest line; the log comes with their end.",
  examples: [{ command: "stackyard ecs logs run-0cc52bd92f8f1ec64f390c9af986e6be --follow", what: "Wait for it" }],
  args: Args,
  run: showLogs,
};

async function showLogs(context: EcsContext, { run: runId, follow, ...options }: Args): Promise<number> {
  const { runs, signal } = context;
  const run = follow === true ? await followRun(context, runId, options) : await runs.get(runId, { signal });
  await showRun(context, run);
  return follow === true ? toRunExitCode(run) : 0;
}

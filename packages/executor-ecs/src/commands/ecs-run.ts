import { keyArg, loadConfigFile, type RunsCommandSpec, type RunsContext, toFollowArgs } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { followEcsRun } from "./follow-ecs-run.ts";
import { toRunExitCode } from "./run-exit-code.ts";
import { showRun } from "./show-run.ts";
import { taskArgs, toTaskConfig, toTaskTarget } from "./to-task-config.ts";

const Args = Type.Object({ ...taskArgs, key: keyArg, ...toFollowArgs("run") });
type Args = Static<typeof Args>;

/** `ecs run`: runs tasks and follows them to their end. */
export const ecsRun: RunsCommandSpec<typeof Args> = {
  name: "ecs run",
  summary: "Run tasks on Amazon ECS, wait for their end and show what they have logged.",
  description:
    "Exit code 1: the tasks have ended and failed. 2: one may still run. 3: none could be started. Ctrl-C leaves the run alone.",
  examples: [
    {
      command:
        "stackyard ecs run --cluster main --task-definition migrate --container app --command ./migrate --command up",
      what: "A migration of a database",
    },
    {
      command:
        "stackyard ecs run --cluster main --task-definition report --launch-type FARGATE --subnet subnet-1 --env DAY=today",
      what: "A task on Fargate with a variable",
    },
  ],
  args: Args,
  run,
};

async function run(context: RunsContext, args: Args): Promise<number> {
  const { runs, out, signal, cwd } = context;
  const config = toTaskConfig(args, await loadConfigFile(cwd, args.config));
  const target = toTaskTarget(args);
  const { key } = args;
  const started = await runs.start(
    { executor: "ecs", config, ...(target && { target }), ...(key === undefined ? {} : { key }) },
    { signal },
  );
  if (args.detach === true) {
    out.result({ run: started }, () => started.runId);
    return 0;
  }
  out.note(`Run ${started.runId}`);
  const ended = await followEcsRun(context, started.runId, args);
  await showRun(context, ended);
  return toRunExitCode(ended);
}

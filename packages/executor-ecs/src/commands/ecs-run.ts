import { type Static, Type } from "typebox";
import { type EcsCommandSpec, type EcsContext, giveUpArg } from "./ecs-command.ts";
import { followRun } from "./follow-run.ts";
import { loadConfigFile } from "./load-config-file.ts";
import { toRunExitCode } from "./run-exit-code.ts";
import { showRun } from "./show-run.ts";
import { taskArgs, toTaskConfig, toTaskTarget } from "./to-task-config.ts";

const Args = Type.Object({
  ...taskArgs,
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      placeholder: "text",
      description: "A name of yours for this run: a repeat finds it and starts no other.",
    }),
  ),
  detach: Type.Optional(Type.Boolean({ description: "Do not wait for the end." })),
  giveUpAfter: giveUpArg,
});
type Args = Static<typeof Args>;

/** `ecs run`: runs tasks and follows them to their end. */
export const ecsRun: EcsCommandSpec<typeof Args> = {
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

async function run(context: EcsContext, args: Args): Promise<number> {
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
  const ended = await followRun(context, started.runId, args);
  await showRun(context, ended);
  return toRunExitCode(ended);
}

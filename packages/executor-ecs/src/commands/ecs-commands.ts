import { stripVTControlCharacters } from "node:util";
import {
  defineCommand,
  defined,
  isMap,
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalTexts,
  type PluginCommand,
  StackyardError,
  toShellCommand,
} from "@stackyard/core";
import {
  createProgressTeller,
  followJob,
  type JobsContext,
  keyArg,
  loadConfigFile,
  type OpenJobs,
  startArgs,
  startJob,
  toFollowArgs,
  toJobArg,
  withJobs,
} from "@stackyard/sdk/commands";
import type { Job } from "@stackyard/sdk/jobs";
import { type Static, Type } from "typebox";
import { ecsResources } from "./ecs-resources.ts";

/** The settings of tasks as command-line arguments. */
const taskArgs = {
  cluster: optionalText("Name or ARN of the cluster. Needed, unless the file names it.", {
    minLength: 1,
    placeholder: "name",
  }),
  taskDefinition: optionalText("Family, family:revision or ARN. Needed, unless the file names it.", {
    minLength: 1,
    placeholder: "name",
  }),
  count: optionalInteger("How many tasks. Default: 1.", { minimum: 1, maximum: 10 }),
  launchType: Type.Optional(
    Type.Union(
      [Type.Literal("EC2"), Type.Literal("FARGATE"), Type.Literal("EXTERNAL"), Type.Literal("MANAGED_INSTANCES")],
      {
        description: "Default: as the cluster is configured.",
      },
    ),
  ),
  capacityProvider: optionalTexts("Instead of a launch type, such as FARGATE_SPOT; may be repeated.", "name"),
  subnet: optionalTexts("Where tasks with the network mode awsvpc run; may be repeated.", "id"),
  securityGroup: optionalTexts("Of these tasks; may be repeated.", "id"),
  assignPublicIp: optionalFlag("Give each of these tasks a public address."),
  container: optionalText("The container that --env, --command and the exit code mean. Default: the only one.", {
    minLength: 1,
    placeholder: "name",
  }),
  env: optionalTexts("A variable of its environment; may be repeated.", "name=value"),
  command: optionalTexts("A word of its command; repeat it for each word. Needs --container.", "word"),
  check: optionalTexts("Containers whose exit codes count: essential (default), all, or names.", "name"),
  timeout: optionalText("From the start, 10s to 7d. Default: 1h.", { minLength: 1, placeholder: "length" }),
  placementTimeout: optionalText("How long to try while the cluster has no capacity. Default: 5m.", {
    minLength: 1,
    placeholder: "length",
  }),
  ...startArgs,
};

/** Creates the commands for tasks on ECS and custom resources, over jobs that are opened on the first call. */
export function createEcsCommands(open: OpenJobs): readonly PluginCommand[] {
  return [...[ecsRun, ecsLogs].map((command) => withJobs(command, open)), ecsResources];
}

const RunArgs = Type.Object({ ...taskArgs, key: keyArg, ...toFollowArgs("job") });
type RunArgs = Static<typeof RunArgs>;

/** `ecs run`: runs tasks and follows them to their end. */
const ecsRun = defineCommand({
  name: "ecs run",
  summary: "Run tasks on Amazon ECS, wait for their end and show what they have logged.",
  description:
    "Exit code 1: the tasks have ended and failed. 2: one may still run. 3: none could be started. Ctrl-C leaves the job alone.",
  examples: {
    "stackyard ecs run --cluster main --task-definition migrate --container app --command ./migrate --command up":
      "A migration of a database",
    "stackyard ecs run --cluster main --task-definition report --launch-type FARGATE --subnet subnet-1 --env DAY=today":
      "A task on Fargate with a variable",
  },
  args: RunArgs,
  run,
});

async function run(context: JobsContext, args: RunArgs): Promise<number> {
  const config = toTaskConfig(args, await loadConfigFile(context.cwd, args.config));
  return startJob(context, { executor: "ecs", config, args }, (jobId) => followAndShow(context, jobId, args));
}

/**
 * Waits for the end of a job, prints its progress and its logs, and returns the exit code. Throws `TIMED_OUT` and
 * `INTERRUPTED`; the job then continues.
 */
async function followAndShow(
  context: JobsContext,
  jobId: string,
  { giveUpAfter }: Pick<LogsArgs, "giveUpAfter">,
): Promise<number> {
  const tell = createProgressTeller(context.out);
  const ended = await followJob(context, jobId, {
    onLook: (look) => tell(look, formatProgress(look), { message: look.message ?? null }),
    hint: `Look again: ${toShellCommand`stackyard ecs logs ${jobId} --follow`}`,
    ...defined({ giveUpAfter }),
  });
  await showRun(context, ended);
  return toRunExitCode(ended);
}

const LogsArgs = Type.Object({
  job: toJobArg("ecs run"),
  follow: optionalFlag("Wait for the end; the exit code is that of the job.", { short: "f" }),
  giveUpAfter: toFollowArgs("job").giveUpAfter,
});
type LogsArgs = Static<typeof LogsArgs>;

/** `ecs logs`: prints the logs of a job's tasks. */
const ecsLogs = defineCommand({
  name: "ecs logs",
  summary: "Show what the tasks of a job have logged, at most 64 KiB of the end.",
  description: "While the tasks run it shows the newest line; the log comes with their end.",
  examples: { "stackyard ecs logs run-0cc52bd92f8f1ec64f390c9af986e6be --follow": "Wait for it" },
  args: LogsArgs,
  run: showLogs,
});

async function showLogs(context: JobsContext, { job: jobId, follow, ...options }: LogsArgs): Promise<number> {
  if (follow === true) return followAndShow(context, jobId, options);
  const { jobs, signal } = context;
  await showRun(context, await jobs.get(jobId, { signal }));
  return 0;
}

function formatProgress({ jobId, state, message = "", cancelling }: Job): string {
  const line = stripVTControlCharacters(message).replaceAll(/\s+/g, " ").trim();
  return `${jobId}  ${cancelling === true ? "being cancelled" : state}  ${line}`.trimEnd();
}

/** Prints a job with its logs, as one object with `--json`. */
async function showRun({ jobs, out, signal }: JobsContext, job: Job): Promise<void> {
  const log = await jobs.log(job.jobId, { signal });
  out.result({ job, log }, () => [log, formatRun(job)].filter((part) => part !== "").join("\n\n"));
}

/** Formats the state of a job with its exit codes and addresses, in a few lines. */
export function formatRun({ jobId, state, error, message, outputs = {} }: Job): string {
  const facts = Object.entries(outputs)
    .filter(([name, value]) => name !== "taskArns" && typeof value !== "object")
    .map(([name, value]) => `  ${name}  ${String(value)}`);
  if (error !== undefined) return [`Job ${jobId} has failed, ${error.code}: ${error.message}`, ...facts].join("\n");
  if (state === "succeeded" || state === "cancelled") {
    return [`Job ${jobId} ${state === "succeeded" ? "has succeeded" : "was cancelled"}.`, ...facts].join("\n");
  }
  return `Job ${jobId} is ${state}. ${message ?? ""}`.trimEnd();
}

/** No container was started: permission, configuration, no capacity. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["ECS_PROPERTIES_INVALID", "ECS_TASK_DEFINITION", "ECS_NETWORK", "ECS_PLACEMENT_FAILED", "ECS_AWS_ERROR"],
  ...["CONFIG_INVALID", "EXECUTOR_UNKNOWN", "MACHINE_UNKNOWN"],
]);

/** It is unknown whether a task still runs. */
const MAY_STILL_RUN: ReadonlySet<string> = new Set(["ECS_TASK_LOST", "ECS_TIMEOUT", "TASK_TIMEOUT"]);

/**
 * Returns the exit code of a command that has followed a job to its end: 0 for success, 1 if its tasks have ended and
 * failed, 2 if a task may still run, 3 if none could be started.
 */
export function toRunExitCode({ state, error, outputs = {} }: Job): 0 | 1 | 2 | 3 {
  if (state === "succeeded") return 0;
  if (error === undefined) return 1;
  if (MAY_STILL_RUN.has(error.code)) return 2;
  if (!COULD_NOT_START.has(error.code)) return 1;
  if (!hasTasks(outputs)) return 3;
  // A partial start was stopped; tasks with a state that AWS did not report were left running.
  return error.code === "ECS_AWS_ERROR" ? 2 : 1;
}

/** Returns true if some task was started. The output is a list as JSON. */
function hasTasks({ taskArns }: NonNullable<Job["outputs"]>): boolean {
  return typeof taskArns === "string" && taskArns !== "" && taskArns !== "[]";
}

export type TaskArgs = Omit<RunArgs, "key" | "detach" | "giveUpAfter">;

type Config = Readonly<Record<string, unknown>>;

/** Converts arguments to the executor's config, over the config of a file. Throws `USAGE`. */
export function toTaskConfig(args: TaskArgs, file: Config = {}): Config {
  const { cluster, taskDefinition, count, launchType, capacityProvider, container, timeout, placementTimeout } = args;
  // The server checks the whole against the executor's schema.
  const config: Config = {
    ...file,
    ...defined({ cluster, taskDefinition, count, launchType, container, timeout, placementTimeout }),
    ...defined({ capacityProviders: capacityProvider, network: toNetwork(args, file["network"]) }),
    ...defined({ environment: toEnvironment(args.env, file["environment"]) }),
    ...defined({ overrides: toOverrides(args, file["overrides"]), check: toCheck(args.check) }),
  };
  if (config["cluster"] === undefined) throw usage("Give --cluster.");
  if (config["taskDefinition"] === undefined) throw usage("Give --task-definition.");
  return config;
}

function toNetwork({ subnet, securityGroup, assignPublicIp }: TaskArgs, file: unknown) {
  const network = defined({ subnets: subnet, securityGroups: securityGroup, assignPublicIp });
  if (Object.keys(network).length === 0) return undefined;
  const before = isMap(file) ? file : {};
  // The format of AWS wraps the same keys.
  const inner = before["awsvpcConfiguration"];
  return { ...(isMap(inner) ? inner : before), ...network };
}

function toEnvironment(pairs: readonly string[] | undefined, file: unknown) {
  if (pairs === undefined) return undefined;
  const named = pairs.map((pair): readonly [string, string] => {
    const at = pair.indexOf("=");
    if (at < 1) throw usage(`--env "${pair}" is not name=value.`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return { ...(isMap(file) ? file : {}), ...Object.fromEntries(named) };
}

function toOverrides({ command, container }: TaskArgs, file: unknown) {
  if (command === undefined) return undefined;
  if (container === undefined) throw usage("--command needs --container: a task may have several.");
  if (file !== undefined) throw usage("--command and the file's overrides: give one of them.");
  return { containerOverrides: [{ name: container, command }] };
}

function toCheck(names: readonly string[] | undefined) {
  const [first] = names ?? [];
  return names?.length === 1 && (first === "all" || first === "essential") ? first : names;
}

function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}

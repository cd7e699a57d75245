import type { Executor } from "@stackyard/core";
import { createUlids, systemClock } from "@stackyard/core/engine";
import type { LambdaOptions } from "@stackyard/executor-lambda";
import type { TerraformOptions } from "@stackyard/executor-terraform";
import type { App, AppOptions, EnvironmentVariables } from "../app.ts";
import { type EnvironmentNeeds, parseEnvironment } from "../environment/parse-environment.ts";
import { toInvocationFields } from "../invocation-fields.ts";
import { createOnce } from "../once.ts";
import { runMain } from "../run-main.ts";
import { type AppTelemetry, createAppTelemetry } from "../telemetry.ts";
import { createTaskHandler } from "./handle-tasks.ts";
import { openTaskRunner, type TaskRunnerParts } from "./open-task-runner.ts";
import { runTaskContainer } from "./run-task-container.ts";

/** What a task runner does differently from its defaults. */
export interface TaskRunnerOptions extends AppOptions {
  /** Executors besides `terraform` and `lambda`; one of these names takes that one's place. */
  readonly executors?: readonly Executor[];
  /** Options of the executor `terraform`, before the environment's. */
  readonly terraform?: TerraformOptions;
  /** Options of the executor `lambda`. Default: every function is called in AWS. */
  readonly lambda?: LambdaOptions;
  /** How long a container that is to stop waits for running tasks before it asks them to end. Default: 10 s. */
  readonly drainMs?: number;
}

/**
 * The app that runs tasks. With the store (`DYNAMODB_TABLE`, `POSTGRES_CONNECTION_SECRET` or `DATABASE_URL`) it claims them, so
 * that leases, cancels and exclusive keys hold; with queues alone it works by message, as the predecessor's satisfier. In
 * Lambda it is called with batches of the task queue; a container consumes it.
 */
export function createTaskRunner(options: TaskRunnerOptions = {}): App {
  const telemetry = createOnce(async () => toTelemetry(options));
  // The next invocation tries again what could not be opened.
  const handling = createOnce(async () => createTaskHandler(await open(options, await telemetry(), toNeeds(options))));
  return {
    async handler(event, context) {
      const { invoke } = await telemetry();
      return invoke(toInvocationFields(context), async () => (await handling())(event, context));
    },
    async main(signal) {
      const told = await telemetry();
      const run = async (stopping: AbortSignal) => {
        const parts = await open(options, told, toContainerNeeds(options));
        try {
          await runTaskContainer(parts, { stopping, drainMs: options.drainMs });
        } finally {
          await parts.close();
          await told.flush();
        }
      };
      return runMain({ logger: told.logger, signal, run });
    },
  };
}

const APP = "task runner";

/** Answers go to the queue of events, or to the topic before it. */
function toNeeds({ environment = {} }: TaskRunnerOptions): EnvironmentNeeds {
  const hasTopic = isSet(environment, "SNS_EVENT_TOPIC_ARN");
  return { app: APP, required: hasTopic ? {} : { SQS_EVENT_QUEUE_URL: "results are sent there" } };
}

function toContainerNeeds(options: TaskRunnerOptions): EnvironmentNeeds {
  const { environment = {} } = options;
  const { required } = toNeeds(options);
  const hasQueue = isSet(environment, "SQS_TASK_QUEUE_URL") || isSet(environment, "SQS_LONG_TASK_QUEUE_URL");
  const queue = hasQueue ? {} : { SQS_TASK_QUEUE_URL: "a container consumes it, or SQS_LONG_TASK_QUEUE_URL, or both" };
  return { app: APP, required: { ...required, ...queue } };
}

function isSet(environment: EnvironmentVariables, name: string): boolean {
  return (environment[name] ?? "") !== "";
}

async function open(
  options: TaskRunnerOptions,
  telemetry: AppTelemetry,
  needs: EnvironmentNeeds,
): Promise<TaskRunnerParts> {
  const { environment: variables = {}, executors = [], terraform, lambda } = options;
  return openTaskRunner({
    ...{ environment: parseEnvironment(variables, needs), variables, telemetry, executors, terraform, lambda },
    clock: options.clock ?? systemClock,
    ids: options.ids ?? createUlids(),
    random: options.random ?? Math.random,
  });
}

function toTelemetry({
  telemetry,
  environment = {},
  clock = systemClock,
}: TaskRunnerOptions): AppTelemetry | Promise<AppTelemetry> {
  return telemetry ?? createAppTelemetry({ service: "task-runner", environment, clock });
}

import { createTaskRunner, type TaskRunnerOptions } from "../task-runner.ts";
import { silentTelemetry } from "./silent-telemetry.ts";
import type { Cloud } from "./start-cloud.ts";
import type { LambdaServer } from "./start-lambda.ts";
import { type Manager, toFailures } from "./start-manager.ts";

/** A task runner in the cloud of a state manager. */
export interface Runner {
  readonly app: ReturnType<typeof createTaskRunner>;
  /**
   * Lets the function process visible messages of its queue, batch after batch. Returns the ids of messages that it
   * reported.
   */
  work(queueUrl?: string): Promise<readonly string[]>;
}

/** The input of a runner. */
export interface RunnerInput {
  readonly cloud: Cloud;
  readonly manager: Manager;
  readonly lambda: LambdaServer;
  /** With the store, or only with the predecessor's variables. */
  readonly hasStore: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  readonly options?: TaskRunnerOptions;
  readonly remainingMs?: number;
}

/** Makes one in Lambda. */
export function createRunner(input: RunnerInput): Runner {
  const { cloud, manager, lambda, hasStore, remainingMs = 600_000 } = input;
  const { DYNAMODB_TABLE = "", SQS_TASK_QUEUE_URL = "" } = manager.environment;
  const environment = {
    ...cloud.environment,
    AWS_ENDPOINT_URL_LAMBDA: lambda.url,
    SQS_EVENT_QUEUE_URL: manager.queues.events,
    ...(hasStore ? { DYNAMODB_TABLE, SQS_TASK_QUEUE_URL } : {}),
    ...input.environment,
  };
  const app = createTaskRunner({ telemetry: silentTelemetry, ...input.options, environment });
  return {
    app,
    async work(queueUrl = manager.queues.tasks) {
      const reported: string[] = [];
      for (let batch = await cloud.receive(queueUrl); batch; batch = await cloud.receive(queueUrl)) {
        const failures = toFailures(await app.handler(batch, { getRemainingTimeInMillis: () => remainingMs }));
        reported.push(...failures);
        await cloud.settle(batch, failures);
      }
      return reported;
    },
  };
}

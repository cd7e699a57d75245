import type { Clock } from "@stackyard/core";
import type { RunningYard, TaskRunner } from "@stackyard/core/engine";
import type { Telemetry } from "@stackyard/telemetry";
import type { BatchOptions } from "@stackyard/transport-sqs";
import type { DeleteWorked } from "./answer-batch.ts";
import type { Environment } from "./environment.ts";

/** A task runner at work. */
export interface TaskRunnerParts {
  readonly environment: Environment;
  readonly worker: TaskRunner;
  /** The options of taking batches from the task queues. */
  readonly batches: BatchOptions;
  readonly deleteWorked: DeleteWorked | undefined;
  readonly clock: Clock;
  readonly logger: Telemetry["logger"];
  /** Consumes the task queues. */
  start(): Pick<RunningYard, "stop">;
  close(): Promise<void>;
}

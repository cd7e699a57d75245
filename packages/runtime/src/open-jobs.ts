import type { AwsAccess } from "@stackyard/aws";
import type { Clock, ExecutorDefinition, Logger, Random, Records } from "@stackyard/core";
import type { EnvironmentVariables } from "@stackyard/core/environment";
import { createJobs, type Jobs } from "@stackyard/core/jobs";
import { systemClock } from "@stackyard/core/yard";
import { createSqsTransport } from "@stackyard/transport-sqs";
import { type EnvironmentNeeds, parseEnvironment, requireEvents } from "./environment.ts";
import { createEnvironmentAws } from "./environment-aws.ts";
import { toExecutorDefinitions } from "./executor-definitions.ts";
import { loadResultKey } from "./load-result-key.ts";
import { openSealedStore } from "./open-sealed-store.ts";
import { loadTransportOptions } from "./transport-options.ts";

/** Who starts jobs, and of what. */
export interface OpenJobsOptions {
  /** The name of the app in messages and in sessions of assumed roles. */
  readonly app: string;
  /** An app passes `process.env`. */
  readonly environment: EnvironmentVariables;
  /** The executors that jobs may use, in addition to `terraform` and `lambda`. */
  readonly executors: readonly ExecutorDefinition[];
  readonly logger: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** The jobs of a yard, for an app that decides no events and works no tasks. */
export interface OpenedJobs {
  readonly jobs: Jobs;
  readonly records: Records;
  readonly aws: AwsAccess;
  /** From the environment. */
  readonly region: string | undefined;
  /** Closes the store. */
  close(): Promise<void>;
}

/**
 * Opens the yard that the environment names, as its other apps do, and makes no table in it: its state manager does.
 * Jobs are kept in its store and begin by its queue or topic of events. Throws `CONFIG_INVALID`, `STORE_UNAVAILABLE`.
 */
export async function openJobs(options: OpenJobsOptions): Promise<OpenedJobs> {
  const { logger, clock = systemClock, random = Math.random } = options;
  const environment = parseEnvironment(options.environment, toNeeds(options));
  const executors = toExecutorDefinitions(options.executors);
  const session = { name: `${options.app.replaceAll(" ", "-")}-${environment.yard}` };
  const aws = createEnvironmentAws({ environment, session, clock, logger });
  const { region } = environment;
  const opening = { aws, clock, logger, asItIs: true };
  const [{ store }, queues] = await Promise.all([
    openSealedStore(environment, opening),
    loadTransportOptions({ environment, aws, executors, clock, random, logger, tracing: undefined }),
  ]);
  // With the key, the state manager knows that the yard has started a job, and not anyone who may send to the queue.
  const transport = createSqsTransport({ ...queues, resultKey: await loadResultKey(store, clock) });
  return {
    jobs: createJobs({ store, transport, executors, clock }),
    records: store.records,
    aws,
    region,
    close: () => store.close(),
  };
}

function toNeeds({ app, environment }: OpenJobsOptions): EnvironmentNeeds {
  return { app, required: requireEvents(environment, "jobs are started there"), store: true };
}

import { type AwsAccess, createLimiter, type SessionOptions } from "@stackyard/aws";
import type { Clock, Executor, Ids, Random, Transport } from "@stackyard/core";
import { createMessageWorker } from "@stackyard/core/engine";
import { type BatchOptions, createOutboxRelay, createSqsTransport } from "@stackyard/transport-sqs";
import type { DeleteWorked } from "../answer-batch.ts";
import type { Environment } from "../environment/parse-environment.ts";
import { createEnvironmentAws } from "../environment-aws.ts";
import { loadResultKey } from "../load-result-key.ts";
import { type OpenedStore, openStore } from "../open-store.ts";
import type { AppTelemetry } from "../telemetry.ts";
import { toBatchOptions } from "../to-batch-options.ts";
import { toDeleteWorked } from "../to-delete-worked.ts";
import { toOwnWork } from "../to-own-work.ts";
import { loadTransportOptions } from "../transport-options.ts";
import { type ExecutorsInput, loadExecutors } from "./load-executors.ts";
import { createPollingWorker } from "./polling-worker.ts";
import { sendResults } from "./send-results.ts";
import { createSkippedExecutors } from "./skipped-executors.ts";
import { tagSessions } from "./tag-sessions.ts";
import type { TaskWorker } from "./task-worker.ts";

/** What a task runner is made of. */
export interface OpenTaskRunnerInput extends ExecutorsInput {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
}

/** A task runner at work. */
export interface TaskRunnerParts {
  readonly environment: Environment;
  readonly worker: TaskWorker;
  readonly transport: Transport;
  /** How batches of the task queues are taken. */
  readonly batches: BatchOptions;
  readonly deleteWorked: DeleteWorked | undefined;
  readonly clock: Clock;
  readonly logger: AppTelemetry["logger"];
  close(): Promise<void>;
}

/** Opens the store, where there is one, and makes the rest. Throws what opening throws. */
export async function openTaskRunner(input: OpenTaskRunnerInput): Promise<TaskRunnerParts> {
  const { environment, telemetry, clock, random } = input;
  const { logger, tracing } = telemetry;
  const createAccess = createAccesses(input);
  const aws = createAccess({ name: `task-runner-${environment.yard}` });
  const executors = await loadExecutors(input);
  const [addresses, store] = await Promise.all([
    loadTransportOptions({ environment, aws, executors, clock, random, logger, tracing }),
    openNamedStore(input, aws),
  ]);
  // Without the store its answers are events as anybody sends them.
  const queues = store === undefined ? addresses : { ...addresses, resultKey: await loadResultKey(store, clock) };
  const transport = createSqsTransport(queues);
  const { yard, tasks, skipsTasks } = environment;
  const tagged = tasks.hasSessionTags ? tagSessions(executors, { yard, createAccess }) : executors;
  const run = skipsTasks ? createSkippedExecutors(executors) : tagged;
  return {
    ...{ environment, transport, clock, logger },
    worker: await createTaskWorker(input, { store, transport, aws, executors: run }),
    batches: toBatchOptions(queues, environment.queues.taskDeadLetters),
    deleteWorked: toDeleteWorked(environment, queues),
    close: async () => store?.close(),
  };
}

/** Accesses to AWS that differ in their sessions and share one limiter: quotas are the account's. */
function createAccesses({ environment, telemetry: { logger }, clock }: OpenTaskRunnerInput) {
  const limiter = createLimiter({ clock });
  return (session: SessionOptions) => createEnvironmentAws({ environment, session, limiter, clock, logger });
}

async function openNamedStore(
  { environment, telemetry, clock }: OpenTaskRunnerInput,
  aws: AwsAccess,
): Promise<OpenedStore | undefined> {
  const { logger } = telemetry;
  const { store, tasks } = environment;
  if (!tasks.hasStore || store === undefined) return undefined;
  return telemetry.instrumentStore(await openStore(store, { aws, clock, logger }));
}

interface WorkerParts {
  readonly store: OpenedStore | undefined;
  readonly transport: Transport;
  readonly aws: AwsAccess;
  readonly executors: ReadonlyMap<string, Executor>;
}

async function createTaskWorker(input: OpenTaskRunnerInput, { store, ...parts }: WorkerParts): Promise<TaskWorker> {
  const { environment, telemetry, clock, ids } = input;
  const { logger } = telemetry;
  const { transport, aws, executors } = parts;
  const deps = { executors, aws, clock, ids, logger };
  const { stateBackendUrl } = environment.tasks;
  // A state's lock belongs to an attempt, which only the store knows.
  if (store === undefined) return createMessageWorker({ ...deps, publish: transport.publish });
  const { provideTerraformState } = await import("@stackyard/executor-terraform");
  const isOwn = store.takeOwn !== undefined;
  const outbox = createOutboxRelay({ store: toOwnWork(store, store), transport, clock, logger });
  // Without the queue of tasks the state manager sends the next task of a key, when the result has reached it.
  const kinds = environment.queues.tasks === undefined ? (["event"] as const) : (["event", "task"] as const);
  return createPollingWorker(
    { ...deps, store },
    {
      services: stateBackendUrl === undefined ? [] : [provideTerraformState(stateBackendUrl)],
      onSettled: (attemptId) => sendResults(attemptId, { outbox, kinds, isOwn, clock, logger }),
    },
  );
}

import type { AwsAccess } from "@stackyard/aws";
import { type Clock, defined, type Logger, type Random } from "@stackyard/core";
import type { ClaimCheckOptions, SqsTransportOptions, Tracing } from "@stackyard/transport-sqs";
import type { Environment } from "./environment.ts";
import type { ExecutorDefinitions } from "./executor-definitions.ts";

/** Dependencies of an environment's queues. */
interface TransportOptionsDeps {
  readonly environment: Pick<Environment, "queues" | "eventTopicArn" | "messages"> &
    Partial<Pick<Environment, "runnersHaveStore">>;
  readonly aws: AwsAccess;
  readonly executors: ExecutorDefinitions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
}

/** The delivery after whose failure a message is given up: as the templates' `maxReceiveCount`. */
export const MAX_DELIVERIES = 5;

/** Loads the options of the environment's queues, with only the SDKs that they need. */
export async function loadTransportOptions(deps: TransportOptionsDeps): Promise<SqsTransportOptions> {
  const { environment, aws, executors, clock, random, logger, tracing } = deps;
  const { queues, runnersHaveStore: everyRunnerClaims = false } = environment;
  const [{ SQSClient }, claimChecks, eventTopic] = await Promise.all([
    import("@aws-sdk/client-sqs"),
    loadClaimChecks(deps),
    loadTopic(deps),
  ]);
  const longTasks = toQueue(queues.longTasks, queues.taskDeadLetters);
  return defined({
    sqs: aws.client(SQSClient, undefined),
    everyRunnerClaims,
    clock,
    random,
    logger,
    eventQueue: toQueue(queues.events, queues.eventDeadLetters),
    taskQueue: toQueue(queues.tasks, queues.taskDeadLetters),
    longTaskQueue: longTasks && { ...longTasks, executors: listLong(executors) },
    eventTopic,
    claimChecks,
    tracing,
  });
}

function toQueue(url: string | undefined, deadLetterUrl: string | undefined) {
  return url === undefined ? undefined : defined({ url, maxDeliveries: MAX_DELIVERIES, deadLetterUrl });
}

/** Lists the executors that run to the end in one process. */
function listLong(executors: ExecutorDefinitions): ReadonlySet<string> {
  return new Set([...executors.values()].flatMap(({ name, resumable }) => (resumable ? [] : [name])));
}

async function loadClaimChecks({ environment, aws }: TransportOptionsDeps): Promise<ClaimCheckOptions | undefined> {
  const { messages } = environment;
  if (messages === undefined) return undefined;
  const { S3Client } = await import("@aws-sdk/client-s3");
  return { ...messages, s3: aws.client(S3Client, undefined) };
}

async function loadTopic({ environment, aws }: TransportOptionsDeps): Promise<SqsTransportOptions["eventTopic"]> {
  const { eventTopicArn: arn } = environment;
  if (arn === undefined) return undefined;
  const { SNSClient } = await import("@aws-sdk/client-sns");
  return { arn, sns: aws.client(SNSClient, undefined) };
}

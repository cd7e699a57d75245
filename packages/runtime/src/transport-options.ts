import type { AwsAccess } from "@stackyard/aws";
import type { Clock, Logger, Random } from "@stackyard/core";
import type { ClaimCheckOptions, SqsTransportOptions, Tracing } from "@stackyard/transport-sqs";
import type { Environment } from "./environment/parse-environment.ts";
import type { ExecutorDefinitions } from "./executor-definitions.ts";

/** What the queues of an environment need. */
export interface TransportOptionsDeps {
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

/** How the environment's queues are used. Loads the SDKs of those that there are. */
export async function loadTransportOptions(deps: TransportOptionsDeps): Promise<SqsTransportOptions> {
  const { environment, aws, executors, clock, random, logger, tracing } = deps;
  const { queues, runnersHaveStore: everyRunnerClaims = false } = environment;
  const [{ SQSClient }, claimChecks, topic] = await Promise.all([
    import("@aws-sdk/client-sqs"),
    loadClaimChecks(deps),
    loadTopic(deps),
  ]);
  const events = toQueue(queues.events, queues.eventDeadLetters);
  const tasks = toQueue(queues.tasks, queues.taskDeadLetters);
  const longTasks = toQueue(queues.longTasks, queues.taskDeadLetters);
  return {
    ...{ sqs: aws.client(SQSClient, undefined), everyRunnerClaims, clock, random, logger },
    ...(events === undefined ? {} : { eventQueue: events }),
    ...(tasks === undefined ? {} : { taskQueue: tasks }),
    ...(longTasks === undefined ? {} : { longTaskQueue: { ...longTasks, executors: listLong(executors) } }),
    ...(topic === undefined ? {} : { eventTopic: topic }),
    ...(claimChecks === undefined ? {} : { claimChecks }),
    ...(tracing === undefined ? {} : { tracing }),
  };
}

function toQueue(url: string | undefined, deadLetterUrl: string | undefined) {
  if (url === undefined) return undefined;
  return { url, maxDeliveries: MAX_DELIVERIES, ...(deadLetterUrl === undefined ? {} : { deadLetterUrl }) };
}

/** Those that run to the end in one process. */
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

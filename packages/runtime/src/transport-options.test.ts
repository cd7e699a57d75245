import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createEnvironmentAws } from "./environment-aws.ts";
import { toExecutorDefinitions } from "./executor-definitions.ts";
import { anEnvironment } from "./testing/memory-parts.ts";
import { loadTransportOptions } from "./transport-options.ts";

const HOME = "https://sqs.eu-west-1.amazonaws.com/111122223333";
const apply = { name: "pulumi", config: Type.Object({}), resumable: false };

async function load(values: Readonly<Record<string, string>>) {
  const environment = anEnvironment(values);
  const deps = { clock: createFakeClock(), logger: silentLogger };
  const aws = createEnvironmentAws({ environment, session: { name: "t" }, ...deps });
  const executors = toExecutorDefinitions([apply]);
  const options = await loadTransportOptions({
    environment,
    aws,
    executors,
    random: Math.random,
    tracing: undefined,
    ...deps,
  });
  const { eventQueue, taskQueue, longTaskQueue, eventTopic, claimChecks, everyRunnerClaims } = options;
  return { eventQueue, taskQueue, longTaskQueue, eventTopic, claimChecks, everyRunnerClaims };
}

describe("the queues of an environment", () => {
  it("are those that it names", async () => {
    expect(await load({})).toEqual({
      eventQueue: undefined,
      longTaskQueue: undefined,
      eventTopic: undefined,
      claimChecks: undefined,
      taskQueue: { url: `${HOME}/stack-tasks`, maxDeliveries: 5 },
      everyRunnerClaims: false,
    });
  });

  it("have their dead letters, and one for tasks that run to the end in one process", async () => {
    const options = await load({
      SQS_EVENT_QUEUE_URL: `${HOME}/stack-events`,
      SQS_EVENT_DEAD_LETTER_QUEUE_URL: `${HOME}/dead-events`,
      SQS_LONG_TASK_QUEUE_URL: `${HOME}/stack-long-tasks`,
      SQS_TASK_DEAD_LETTER_QUEUE_URL: `${HOME}/dead-tasks`,
      RUNNERS_HAVE_STORE: "true",
    });

    const tasks = { maxDeliveries: 5, deadLetterUrl: `${HOME}/dead-tasks` };
    expect(options).toMatchObject({
      eventQueue: { url: `${HOME}/stack-events`, maxDeliveries: 5, deadLetterUrl: `${HOME}/dead-events` },
      taskQueue: { url: `${HOME}/stack-tasks`, ...tasks },
      longTaskQueue: {
        url: `${HOME}/stack-long-tasks`,
        ...tasks,
        executors: new Set(["terraform", "command", "pulumi"]),
      },
      everyRunnerClaims: true,
    });
  });

  it("can have a topic before them and a bucket for large messages", async () => {
    const arn = "arn:aws:sns:eu-west-1:111122223333:stack-events";

    const options = await load({ SNS_EVENT_TOPIC_ARN: arn, MESSAGE_BUCKET: "messages", MESSAGE_PREFIX: "m/" });

    expect(options).toMatchObject({ eventTopic: { arn }, claimChecks: { bucket: "messages", prefix: "m/" } });
  });
});

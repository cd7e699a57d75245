import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { openFrontDoor } from "@stackyard/aws-sim";
import { defineExecutor, succeeded } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createLambdaHost, type LambdaHost } from "@stackyard/lambda-host";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { Type } from "typebox";
import { aTrain, toStart } from "./chain-machine.ts";
import { askConsumption } from "./dynamodb-units.ts";
import {
  CREDENTIALS,
  createMachineBucket,
  createQueues,
  createStacksTable,
  type EmulatorAddresses,
  REGION,
  toAwsEnvironment,
} from "./emulators.ts";
import type { RequestLog } from "./request-log.ts";

/** Both functions behind real queues, with every request to AWS going by one door. */
export interface CountedYard {
  readonly host: LambdaHost;
  /** Begins these stacks, and waits until they have gone through all of their states. */
  run(stackIds: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** What it is made of. */
export interface CountedYardInput {
  readonly addresses: EmulatorAddresses;
  readonly states: number;
  readonly runnerHasStore: boolean;
  readonly logs: readonly RequestLog[];
}

/** The work of a task costs nothing here: what tasks do is the user's. */
const step = defineExecutor({
  name: "lambda",
  config: Type.Object({ name: Type.String() }),
  start: async () => succeeded({}),
});

let yards = 0;

/** Starts it, with queues, tables and machines of its own. */
export async function startCountedYard({ addresses, logs, ...input }: CountedYardInput): Promise<CountedYard> {
  yards += 1;
  const name = `count-${yards}`;
  const door = await openFrontDoor({
    services: { dynamodb: addresses.dynamodbUrl },
    others: addresses.url,
    rewrite: askConsumption,
    onExchange: (request, { body }) => {
      for (const log of logs) log.add(request, body);
    },
  });
  const [events = "", tasks = "", ticks = ""] = await createQueues(
    addresses,
    ["stack-events", "stack-tasks", "stack-ticks"].map((queue) => `${queue}-${name}`),
  );
  await createStacksTable(addresses, name);
  await createMachineBucket(addresses, name, aTrain(input.states));
  const sqs = new SQSClient({ endpoint: door.url, region: REGION, credentials: CREDENTIALS });
  const host = createLambdaHost({ sqs, clock: systemClock });
  const common = { ...toAwsEnvironment({ url: door.url, dynamodbUrl: door.url }), SQS_TASK_QUEUE_URL: tasks };
  addFunctions(host, { ...input, name, common, events, ticks });
  await host.connect({ queueUrl: events, functionName: "state-manager" });
  await host.connect({ queueUrl: tasks, functionName: "task-runner" });
  return {
    host,
    async run(stackIds) {
      for (const id of stackIds) {
        await sqs.send(new SendMessageCommand({ QueueUrl: events, MessageBody: JSON.stringify(toStart(id)) }));
      }
      await host.idle();
    },
    async stop() {
      host.stop();
      sqs.destroy();
      await door.stop();
    },
  };
}

interface Placed {
  readonly name: string;
  readonly common: Readonly<Record<string, string>>;
  readonly events: string;
  readonly ticks: string;
  readonly runnerHasStore: boolean;
}

function addFunctions(host: LambdaHost, { name, common: shared, events, ticks, runnerHasStore }: Placed): void {
  const common = { ...shared, RUNNERS_HAVE_STORE: String(runnerHasStore), SQS_TICK_QUEUE_URL: ticks };
  const decides = { DYNAMODB_TABLE: name, MACHINE_LOCATOR: "S3", MACHINE_S3_BUCKET: name };
  host.addFunction({
    name: "state-manager",
    timeoutMs: 60_000,
    reservedConcurrency: 2,
    environment: { ...common, ...decides },
    create: (environment) => createStateManager({ environment, executors: [step] }).handler,
  });
  host.addFunction({
    name: "task-runner",
    timeoutMs: 360_000,
    reservedConcurrency: 5,
    environment: { ...common, SQS_EVENT_QUEUE_URL: events, ...(runnerHasStore ? decides : {}) },
    create: (environment) => createTaskRunner({ environment, executors: [step] }).handler,
  });
}

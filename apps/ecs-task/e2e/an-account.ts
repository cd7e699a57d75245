import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type AwsSim,
  answerEcs,
  answerLogs,
  answerQuery,
  answerSecrets,
  answerStates,
  createAwsSim,
  createResourceLife,
  type FrontDoor,
  listenForAnswers,
  openFrontDoor,
  type ResourceLife,
} from "@stackyard/aws-sim";
import { toEcsTaskStateMachine } from "@stackyard/executor-ecs/custom-resource";
import { createMortalLambda, createSkippingClock, type MortalLambda } from "@stackyard/lambda-host";
import dynalite from "dynalite";

const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
/** The function's role is new: for a quarter of a second it is denied. */
const IAM_DELAY_MS = 250;

/** An account in which the function is installed, all at one address. */
export interface Account {
  readonly sim: AwsSim;
  readonly door: FrontDoor;
  readonly lambda: MortalLambda;
  /** Creates a new resource of the stack `shop`. */
  createLife(logicalId: string): ResourceLife;
  stop(): Promise<void>;
}

/** Starts it. The function has the permissions of its README, and no others. */
export async function startAccount(): Promise<Account> {
  const clock = createSkippingClock();
  const sim = createAwsSim({ clock, iamDelayMs: IAM_DELAY_MS });
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ ...PLACE, name: "ecs-task", allow: readActions() });
  sim.ecs.addCluster({ ...PLACE, name: "web" });
  sim.ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [APP] });
  const tables = await startTables();
  const door = await openFrontDoor({ services: toServices(sim, tables.url), others: "http://127.0.0.1:1" });
  const answers = await listenForAnswers(sim.answers);
  const definition = toEcsTaskStateMachine(`arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:ecs-task`);
  const environment = {
    AWS_REGION: PLACE.region,
    AWS_ENDPOINT_URL: door.url,
    LOG_LEVEL: "error",
    TABLE: "ecs-task",
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    STATE_MACHINE_ARN: sim.stepFunctions.addStateMachine({ ...PLACE, name: "ecs-task", definition }),
    RESPONSE_URL_SECRET: sim.secrets.createSecret({ ...PLACE, name: "ecs-task", value: "x".repeat(64) }),
  };
  const bundle = join(import.meta.dirname, "../dist/lambda/index.mjs");
  const lambda = createMortalLambda({ clock, bundle, answers: answers.url, environment });
  const invoke = (event: unknown) => clock.whileWorking(() => lambda.invoke(event));
  sim.lambda.addFunction({ ...PLACE, name: "ecs-task", handler: invoke });
  return {
    sim,
    door,
    lambda,
    createLife: (logicalId) => createResourceLife({ clock, endpoint: sim.answers, invoke, logicalId }),
    async stop() {
      lambda.stop();
      await Promise.all([door.stop(), answers.stop(), tables.stop()]);
    },
  };
}

const APP = {
  name: "app",
  image: "app:1",
  cpu: 256,
  memory: 512,
  logConfiguration: {
    logDriver: "awslogs",
    options: { "awslogs-group": "/web/app", "awslogs-region": PLACE.region, "awslogs-stream-prefix": "ecs" },
  },
} as const;

function toServices(sim: AwsSim, dynamodb: string) {
  return {
    ecs: answerEcs(sim),
    logs: answerLogs(sim),
    states: answerStates(sim),
    secretsmanager: answerSecrets(sim),
    cloudformation: answerQuery(sim, "CloudFormation"),
    elasticloadbalancing: answerQuery(sim, "ElasticLoadBalancingV2"),
    dynamodb,
  };
}

function readActions(): readonly string[] {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const [, policy = "{}"] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  return JSON.parse(policy).Statement.flatMap(({ Action }: { readonly Action: readonly string[] }) => Action);
}

/** Waits until a table is ready, a moment after it is created. */
async function untilActive(client: DynamoDBClient, TableName: string): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  if (Table?.TableStatus !== "ACTIVE") await untilActive(client, TableName);
}

async function startTables() {
  const server: Server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The tables listen on no port.");
  const url = `http://127.0.0.1:${address.port}`;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new DynamoDBClient({ endpoint: url, region: PLACE.region, credentials });
  await client.send(
    new CreateTableCommand({
      TableName: "ecs-task",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    }),
  );
  await untilActive(client, "ecs-task");
  client.destroy();
  return { url, stop: () => new Promise<void>((resolve) => void server.close(() => resolve())) };
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
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
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { toEcsTaskStateMachine } from "@stackyard/executor-ecs/custom-resource";
import { createMortalLambda, createSkippingClock, type MortalLambda } from "@stackyard/lambda-host";

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
  const table = await startDynamodb();
  await table.createTable("ecs-task", "pk", "sk");
  const door = await openFrontDoor({ clock, services: toServices(sim, table.url), others: "http://127.0.0.1:1" });
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
      await Promise.all([door.stop(), answers.stop(), table.stop()]);
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

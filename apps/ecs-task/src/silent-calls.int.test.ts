import { createAwsAccess, type LambdaContext } from "@stackyard/aws";
import {
  answerEcs,
  answerLogs,
  answerQuery,
  answerSecrets,
  answerStates,
  createAwsSim,
  createResourceLife,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { toEcsTaskStateMachine } from "@stackyard/executor-ecs/custom-resource";
import { createQuickClock, type Play, silenceEachCall } from "@stackyard/lambda-host";
import { expect, it } from "vitest";
import { createApp } from "./create-app.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
const NAME = "ecs-task";

async function startPlay(): Promise<Play> {
  const clock = createQuickClock(8);
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ ...PLACE, name: NAME });
  sim.ecs.addCluster({ ...PLACE, name: "web" });
  const app = { name: "app", image: "app:1", cpu: 256, memory: 512 };
  sim.ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [app] });
  const table = await startDynamodb();
  await table.createTable(NAME, "pk", "sk");
  const services = {
    ecs: answerEcs(sim),
    logs: answerLogs(sim),
    states: answerStates(sim),
    secretsmanager: answerSecrets(sim),
    cloudformation: answerQuery(sim, "CloudFormation"),
    dynamodb: table.url,
  };
  const door = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
  const told: unknown[] = [];
  const add = (...line: readonly unknown[]) => void told.push(line);
  const logger = { debug: add, info: add, warn: add, error: add };
  const access = createAwsAccess({
    clock,
    logger,
    credentials,
    region: PLACE.region,
    clientConfig: { endpoint: door.url },
    session: { name: NAME },
  });
  const functionArn = `arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:${NAME}`;
  const made = createApp({
    environment: {
      AWS_REGION: PLACE.region,
      TABLE: NAME,
      STATE_MACHINE_ARN: sim.stepFunctions.addStateMachine({
        ...PLACE,
        name: NAME,
        definition: toEcsTaskStateMachine(functionArn),
      }),
      RESPONSE_URL_SECRET: sim.secrets.createSecret({ ...PLACE, name: NAME, value: "x".repeat(64) }),
    },
    aws: (clientClass) => access.client(clientClass, undefined),
    clock,
    fetch: (url, init) => sim.answers.fetch(url instanceof Request ? url.url : url, init),
    telemetry: { logger, invoke: (_fields, work) => work() },
  });
  return {
    clock,
    functionMs: 60_000,
    door,
    told,
    async run(invoke) {
      const call = (label: string, event: unknown) =>
        invoke(label, (context: LambdaContext) => made.handler(event, context));
      sim.lambda.addFunction({
        ...PLACE,
        name: NAME,
        handler: (event: unknown) => call(`step ${String(Object(event).op)}`, event),
      });
      const life = createResourceLife({
        clock,
        endpoint: sim.answers,
        invoke: async (event) => {
          await call(event.RequestType, event);
          told.push((await sim.answers.waitForAnswer(event.RequestId)).answer?.Reason);
        },
      });
      const created = await life.create({ ServiceTimeout: "900", Cluster: "web", TaskDefinition: "migrate" });
      const deleted = created.status === "CREATE_COMPLETE" ? await life.delete() : created.followedBy[0];
      return [created.status, deleted?.status];
    },
    async stop() {
      await door.stop();
      await table.stop();
    },
  };
}

it("answers in time when any call of AWS is silent, and names the call", async () => {
  const silenced = await silenceEachCall(startPlay);

  expect(silenced.length).toBeGreaterThan(8);
  expect(silenced.filter(({ late }) => late.length > 0)).toEqual([]);
  expect(silenced.filter(({ isNamed, isAsGood }) => !isNamed && !isAsGood)).toEqual([]);
});

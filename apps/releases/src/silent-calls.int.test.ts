import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsAccess, type LambdaContext } from "@stackyard/aws";
import { answerReleaseServices, answerStates, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { PRESETS, type ReleaseStateMachine, toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { createQuickClock, type Play, silenceEachCall } from "@stackyard/lambda-host";
import { describe, expect, it } from "vitest";
import { createApp } from "./create-app.ts";
import { addResources, BUCKET, PLACE, toStart } from "./testing/a-release.ts";

const NAME = "coinbase-odin";
const LOCKS = "coinbase-odin-locks";
const OLD = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web", ReleaseID: "release-0" };

/** Without retries of states: a call that is silent once is then silent once only. */
function toDefinition(functionArn: string): ReleaseStateMachine {
  const made = toReleaseStateMachine({ functionArn });
  const states = Object.entries(made.States).map(([name, { Retry: _, ...state }]) => [name, state] as const);
  return { ...made, States: Object.fromEntries(states) };
}

/** A release that replaces an old one. */
async function startPlay(isHealthy: boolean): Promise<Play> {
  const clock = createQuickClock(8);
  // Its waits and boots are not what is tested.
  const sim = createAwsSim({ clock: createQuickClock(400) });
  const credentials = sim.iam.addUser({ ...PLACE, name: NAME });
  sim.iam.addRole({ ...PLACE, name: PRESETS.odin.assumedRole });
  const targetGroup = addResources(sim);
  sim.autoScaling.addGroup({ ...PLACE, name: "old", desired: 2, targetGroups: [targetGroup], tags: OLD });
  if (!isHealthy) sim.autoScaling.script({ tags: { ReleaseID: "release-1" } }, { neverHealthy: true });
  const table = await startDynamodb();
  await table.createTable(LOCKS, "key");
  const services = { ...answerReleaseServices(sim), states: answerStates(sim), dynamodb: table.url };
  const door = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
  const told: unknown[] = [];
  const add = (...line: readonly unknown[]) =>
    void told.push(JSON.stringify(line, (_key, value) => (value instanceof Error ? String(value) : value)));
  const logger = { debug: add, info: add, warn: add, error: add };
  const { handler } = createApp({
    environment: {
      AWS_REGION: PLACE.region,
      ACCOUNT_ID: PLACE.account,
      RELEASES_PRESET: "odin",
      LOCK_TABLE: LOCKS,
    },
    access: (session) =>
      createAwsAccess({
        clock,
        logger,
        credentials,
        region: PLACE.region,
        stsEndpoint: door.url,
        clientConfig: { endpoint: door.url, forcePathStyle: true },
        session,
      }),
    clock,
    telemetry: { logger, invoke: (_fields, work) => work() },
  });
  const client = sim.iam.addUser({ ...PLACE, name: "ada" });
  const sfn = new SFNClient({ endpoint: door.url, region: PLACE.region, credentials: client });
  return {
    clock,
    functionMs: 40_000,
    door,
    others: [client.accessKeyId],
    told,
    async run(invoke) {
      sim.lambda.addFunction({
        ...PLACE,
        name: NAME,
        handler: (event: unknown) =>
          invoke(String(Object(event).Task), (context: LambdaContext) => handler(event, context)),
      });
      const functionArn = `arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:${NAME}`;
      const definition = toDefinition(functionArn);
      const stateMachineArn = sim.stepFunctions.addStateMachine({ ...PLACE, name: NAME, definition });
      const { input, files } = toStart("release-1", isHealthy ? {} : { timeout: 20 });
      for (const [key, body] of Object.entries(files)) sim.s3.write(BUCKET, key, body);
      await sfn.send(new StartExecutionCommand({ stateMachineArn, input }));
      const [execution] = sim.stepFunctions.executions;
      await execution?.ended;
      const groups = sim.autoScaling.listGroups(PLACE).filter(({ isDeleting }) => !isDeleting);
      return [execution?.error ?? execution?.status, groups.map(({ tags }) => tags["ReleaseID"])];
    },
    async stop() {
      sfn.destroy();
      await door.stop();
      await table.stop();
    },
  };
}

describe("each state answers in time when any call of AWS is silent, and names the call", () => {
  it.each([
    ["succeeds", true],
    ["fails", false],
  ])("in a release that %s", async (_, isHealthy) => {
    const silenced = await silenceEachCall(() => startPlay(isHealthy));

    expect(silenced.length).toBeGreaterThan(20);
    expect(silenced.filter(({ late }) => late.length > 0)).toEqual([]);
    expect(silenced.filter(({ isNamed, isAsGood }) => !isNamed && !isAsGood)).toEqual([]);
  });
});

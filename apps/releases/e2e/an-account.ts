import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import {
  type AwsSim,
  answerReleaseServices,
  answerStates,
  createAwsSim,
  type FrontDoor,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import { PRESETS, toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { createMortalLambda, createSkippingClock, type MortalLambda, type SkippingClock } from "@stackyard/lambda-host";
import { addResources, BUCKET, PLACE, toStart } from "../src/testing/a-release.ts";

/** The function's role is new: for half a second it is denied. */
const IAM_DELAY_MS = 500;
/** As the README says. */
const FUNCTION_MS = 300_000;
/** Servers take longer to end than the pause before a retry, so a group that is being deleted is still listed at the retry. */
const TERMINATE_MS = 120_000;

/** An account with the function behind its state machine, all at one address, under the predecessor's names. */
export interface Account {
  readonly sim: AwsSim;
  readonly door: FrontDoor;
  readonly lambda: MortalLambda;
  /** Releases the service as a client does, and waits for the end. */
  release(id: string): Promise<{ readonly status: string; readonly path: readonly string[] }>;
  /** Returns the release ids of the groups that are not being deleted. */
  standing(): readonly string[];
  stop(): Promise<void>;
}

/** Starts it. Function and role have the permissions of the README, and no others. */
export async function startAccount(): Promise<Account> {
  const clock = createSkippingClock();
  const sim = createAwsSim({ clock, iamDelayMs: IAM_DELAY_MS, oldUsers: ["ada"] });
  const [ofFunction = [], ofRole = []] = readActions();
  const own = sim.iam.addUser({ ...PLACE, name: "function", allow: ofFunction });
  sim.iam.addRole({ ...PLACE, name: PRESETS.odin.assumedRole, externalId: "yard-blue", allow: ofRole });
  addResources(sim);
  sim.autoScaling.set({ terminateMs: TERMINATE_MS });
  const table = await startDynamodb();
  await table.createTable("coinbase-odin-locks", "key");
  const services = { ...answerReleaseServices(sim), states: answerStates(sim), dynamodb: table.url };
  const door = await openFrontDoor({ clock, services, others: "http://127.0.0.1:1" });
  const environment = {
    AWS_REGION: PLACE.region,
    AWS_ENDPOINT_URL: door.url,
    LOG_LEVEL: "error",
    ACCOUNT_ID: PLACE.account,
    AWS_ACCESS_KEY_ID: own.accessKeyId,
    AWS_SECRET_ACCESS_KEY: own.secretAccessKey,
    RELEASES_PRESET: "odin",
    LOCK_TABLE: "coinbase-odin-locks",
    EXTERNAL_ID: "yard-blue",
  };
  const lambda = createMortalLambda({
    clock,
    remainingMs: FUNCTION_MS,
    bundle: join(import.meta.dirname, "../dist/lambda/index.mjs"),
    environment,
    isSilent: true,
  });
  const invoke = (event: unknown) => clock.whileWorking(() => lambda.invoke(event));
  sim.lambda.addFunction({ ...PLACE, name: "coinbase-odin", handler: invoke });
  const functionArn = `arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:coinbase-odin`;
  const definition = toReleaseStateMachine({ functionArn, retryInvocations: true });
  const stateMachineArn = sim.stepFunctions.addStateMachine({ ...PLACE, name: "coinbase-odin", definition });
  const clients = openClients(door, sim.iam.addUser({ ...PLACE, name: "ada" }));
  return {
    sim,
    door,
    lambda,
    release: (id) => release({ sim, clock, ...clients, stateMachineArn }, id),
    standing: () =>
      sim.autoScaling.listGroups(PLACE).flatMap(({ tags, isDeleting }) => (isDeleting ? [] : [`${tags["ReleaseID"]}`])),
    async stop() {
      lambda.stop();
      for (const client of Object.values(clients)) client.destroy();
      await Promise.all([door.stop(), table.stop()]);
    },
  };
}

function openClients({ url: endpoint }: FrontDoor, credentials: { accessKeyId: string; secretAccessKey: string }) {
  const common = { endpoint, credentials, region: PLACE.region };
  return { s3: new S3Client({ ...common, forcePathStyle: true }), sfn: new SFNClient(common) };
}

interface ReleaseInput {
  readonly sim: AwsSim;
  readonly clock: SkippingClock;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  readonly stateMachineArn: string;
}

async function release({ sim, clock, s3, sfn, stateMachineArn }: ReleaseInput, id: string) {
  const { input, files } = toStart(id, { created_at: new Date(clock.now()).toISOString() });
  for (const [Key, Body] of Object.entries(files)) await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, input }));
  const execution = sim.stepFunctions.executions.find(({ arn }) => arn === executionArn);
  await execution?.ended;
  const entered = execution?.history.map(({ stateEnteredEventDetails: details }) => Object(details).name) ?? [];
  const path = entered.filter((name): name is string => typeof name === "string");
  return { status: execution?.error ?? execution?.status ?? "", path };
}

function readActions(): readonly (readonly string[])[] {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const policies = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = "{}"]) => JSON.parse(json));
  return policies.map(({ Statement }) => Statement.flatMap(({ Action }: { Action: readonly string[] }) => Action));
}

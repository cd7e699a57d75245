import { createHash } from "node:crypto";
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
import { PRESETS, toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { createMortalLambda, createQuickClock, type MortalLambda } from "@stackyard/lambda-host";
import { startLockTable } from "./lock-table.ts";

/** Where everything is. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
/** The clock of AWS: 50 minutes in a minute. */
const TIMES = 50;
/** The function's role is new: for half a second of its own clock it is denied. */
const IAM_DELAY_MS = 500 * TIMES;
const USER_DATA = "#!/bin/sh\necho {{RELEASE_ID}}\n";
const { bucketPrefix, assumedRole, optInTag, profileRoot } = PRESETS.odin;
const BUCKET = `${bucketPrefix}${PLACE.account}`;

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
  const sim = createAwsSim({ clock: createQuickClock(TIMES), iamDelayMs: IAM_DELAY_MS, oldUsers: ["ada"] });
  const [ofFunction = [], ofRole = []] = readActions();
  const own = sim.iam.addUser({ ...PLACE, name: "function", allow: ofFunction });
  sim.iam.addRole({ ...PLACE, name: assumedRole, externalId: "yard-blue", allow: ofRole });
  addResources(sim);
  const table = await startLockTable("coinbase-odin-locks");
  const services = { ...answerReleaseServices(sim), states: answerStates(sim), dynamodb: table.url };
  const door = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
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
    bundle: join(import.meta.dirname, "../dist/lambda/index.mjs"),
    environment,
    isSilent: true,
  });
  sim.lambda.addFunction({ ...PLACE, name: "coinbase-odin", handler: lambda.invoke });
  const functionArn = `arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:coinbase-odin`;
  const definition = toReleaseStateMachine({ functionArn, retryInvocations: true });
  const stateMachineArn = sim.stepFunctions.addStateMachine({ ...PLACE, name: "coinbase-odin", definition });
  const clients = openClients(door, sim.iam.addUser({ ...PLACE, name: "ada" }));
  return {
    sim,
    door,
    lambda,
    release: (id) => release({ sim, ...clients, stateMachineArn }, id),
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

/** Adds image, subnet, and the resources that the service `web` may use. */
function addResources(sim: AwsSim): void {
  const tags = { Name: "web", ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" };
  sim.s3.createBucket({ ...PLACE, name: BUCKET });
  sim.ec2.addImage({ ...PLACE, tags: { Name: "base", DeployWith: optInTag } });
  sim.ec2.addSubnet({ ...PLACE, tags: { Name: "private-a", DeployWith: optInTag } });
  sim.ec2.addSecurityGroup({ ...PLACE, tags });
  sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web", tags, deregistrationDelaySeconds: 5 });
  sim.iam.addInstanceProfile({ ...PLACE, name: "web", path: `${profileRoot}org/shop/production/web/` });
}

interface ReleaseInput {
  readonly sim: AwsSim;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  readonly stateMachineArn: string;
}

async function release({ sim, s3, sfn, stateMachineArn }: ReleaseInput, id: string) {
  const input = JSON.stringify(aDocument(id));
  const folder = `${PLACE.account}/org/shop/production/${id}`;
  const put = (name: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${folder}/${name}`, Body }));
  await put("release", input);
  await put("userdata", USER_DATA);
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, input }));
  const execution = sim.stepFunctions.executions.find(({ arn }) => arn === executionArn);
  await execution?.ended;
  const entered = execution?.history.map(({ stateEnteredEventDetails: details }) => Object(details).name) ?? [];
  const path = entered.filter((name): name is string => typeof name === "string");
  return { status: execution?.error ?? execution?.status ?? "", path };
}

function aDocument(release_id: string) {
  return {
    release_id,
    aws_account_id: PLACE.account,
    aws_region: PLACE.region,
    project_name: "org/shop",
    config_name: "production",
    created_at: new Date().toISOString(),
    timeout: 600,
    ami: "base",
    subnets: ["private-a"],
    user_data_sha256: createHash("sha256").update(USER_DATA).digest("hex"),
    services: {
      web: {
        instance_type: "t3.micro",
        security_groups: ["web"],
        target_groups: ["web"],
        profile: "web",
        autoscaling: { min_size: 2, max_size: 4, policies: [{ type: "cpu_scale_up" }] },
      },
    },
  };
}

function readActions(): readonly (readonly string[])[] {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const policies = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = "{}"]) => JSON.parse(json));
  return policies.map(({ Statement }) => Statement.flatMap(({ Action }: { Action: readonly string[] }) => Action));
}

import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsAccess } from "@stackyard/aws";
import { createSimPlugin } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createRandom } from "@stackyard/core/testing";
import { toReleaseStateMachine } from "../machine/release-state-machine.ts";
import { PRESETS, type PresetName } from "../release-constants.ts";
import { createReleases } from "../releases/create-releases.ts";
import type { ReleasesDeps } from "../releases/releases-deps.ts";
import { TARGET, USER_DATA, USER_DATA_SHA256 } from "./a-release.ts";
import { createReleaseWorld, type ReleaseWorld } from "./a-release-world.ts";

/** The account of the deployer; releases go to another one. */
export const HUB = "999900001111";
/** Of all releases. */
export const BUCKET = `coinbase-odin-${HUB}`;

const EXTERNAL_ID = "yard-7";

/** The deployer's function and state machine, with their bucket, beside the account that releases go to. */
export interface Deployer {
  readonly world: ReleaseWorld;
  readonly deps: ReleasesDeps;
  readonly handler: (event: unknown) => Promise<unknown>;
  /** Writes an object of the bucket, as a client may. */
  put(key: string, body: string): Promise<void>;
  /** Keys of the bucket. */
  keys(): readonly string[];
  /** Puts both channels' document and runs an execution to its end. */
  execute(document: Readonly<Record<string, unknown>>): Promise<Executed>;
}

/** How an execution went. */
export interface Executed {
  readonly status: string;
  readonly error: string | undefined;
  /** Names of the states that were entered, in order. */
  readonly path: readonly string[];
  readonly output: Readonly<Record<string, unknown>>;
}

/** What a client of the predecessor sends. */
export function aClientDocument(over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    aws_account_id: TARGET.account,
    aws_region: TARGET.region,
    release_id: "release-2",
    bucket: BUCKET,
    project_name: "org/shop",
    config_name: "production",
    created_at: "2026-01-01T00:00:00Z",
    ami: "base",
    subnets: ["private-a", "private-b"],
    user_data_sha256: USER_DATA_SHA256,
    services: {
      web: {
        instance_type: "t3.micro",
        security_groups: ["web"],
        target_groups: ["web"],
        autoscaling: { min_size: 2, max_size: 4 },
      },
    },
    ...over,
  };
}

/** The path of a document's objects. */
export function toRoot({ release_id }: Readonly<Record<string, unknown>> = aClientDocument()): string {
  return `${TARGET.account}/org/shop/production/${release_id}`;
}

/** Makes one. */
export function createDeployer({ preset = "odin" }: { readonly preset?: PresetName } = {}): Deployer {
  const constants = PRESETS[preset];
  const world = createReleaseWorld({ constants });
  const { sim, clock } = world;
  const place = { account: HUB, region: TARGET.region };
  const credentials = sim.iam.addUser({ account: HUB, name: "deployer" });
  const role = { account: TARGET.account, name: constants.assumedRole, trusts: [HUB], externalId: EXTERNAL_ID };
  sim.iam.addRole(role);
  sim.s3.createBucket({ name: BUCKET, ...place });
  const plugin = createSimPlugin(sim);
  const deps: ReleasesDeps = {
    constants,
    clock,
    random: createRandom(3),
    logger: silentLogger,
    deployer: place,
    externalId: EXTERNAL_ID,
    access: (session) =>
      createAwsAccess({ clock, session, credentials, region: TARGET.region, plugins: [plugin], maxAttempts: 1 }),
  };
  const { handler } = createReleases(deps);
  sim.lambda.addFunction({ ...place, name: "coinbase-odin", handler });
  const functionArn = `arn:aws:lambda:${TARGET.region}:${HUB}:function:coinbase-odin`;
  const definition = toReleaseStateMachine({ functionArn, generation: constants.generation });
  const stateMachineArn = sim.stepFunctions.addStateMachine({ ...place, name: "coinbase-odin", definition });

  const s3 = new S3Client({ region: TARGET.region, credentials });
  s3.middlewareStack.use(plugin);
  const states = new SFNClient({ region: TARGET.region, credentials });
  states.middlewareStack.use(plugin);
  const put = async (key: string, body: string) => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
  };
  return {
    world,
    deps,
    handler,
    put,
    keys: () => Object.keys(sim.s3.texts(BUCKET)).sort(),
    async execute(document) {
      await put(`${toRoot(document)}/release`, JSON.stringify(document));
      await put(`${toRoot(document)}/userdata`, USER_DATA);
      const input = JSON.stringify(document);
      await states.send(new StartExecutionCommand({ stateMachineArn, input }));
      return toExecuted(world);
    },
  };
}

/** The newest execution, when it has ended. */
async function toExecuted({ sim, until }: ReleaseWorld): Promise<Executed> {
  const execution = sim.stepFunctions.executions.at(-1);
  if (execution === undefined) throw new Error("No execution was started.");
  await until(execution.ended);
  const entered = execution.history.map((event) => ({ stateEnteredEventDetails: undefined, ...event }));
  return {
    status: execution.status,
    error: execution.error,
    path: entered.flatMap(({ stateEnteredEventDetails: details }) => toName(details)),
    output: JSON.parse(execution.output ?? "{}"),
  };
}

function toName(details: unknown): readonly string[] {
  const { name } = { name: undefined, ...Object(details) };
  return typeof name === "string" ? [name] : [];
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsAccess } from "@stackyard/aws";
import { createSimPlugin, createSimYard, type SimYard } from "@stackyard/aws-sim";
import { defined, silentLogger } from "@stackyard/core";
import { createStaticLocator, createUlids, systemClock } from "@stackyard/core/engine";
import { type CommandResult, createRandom, type RunCommandOptions, runCommand } from "@stackyard/core/testing";
import { createServer } from "@stackyard/server";
import { createAsgExecutor } from "../asg.ts";
import { createReleaseCommands } from "../commands/create-release-commands.ts";
import type { ReleaseCommandDeps } from "../commands/place.ts";
import { PRESETS, type PresetName, type ReleaseConstants } from "../presets.ts";
import { createReleases, type ReleasesDeps } from "../releases/releases.ts";
import { toReleaseStateMachine } from "../step-functions.ts";
import { TARGET, USER_DATA, USER_DATA_SHA256 } from "./builders.ts";
import { addResources, createReleaseWorld, type ReleaseWorld } from "./release-world.ts";

/** A folder, and the commands about releases in it. */
export interface CommandWorld {
  readonly cwd: string;
  write(name: string, content: unknown): void;
  run(name: string, args?: object, options?: RunCommandOptions): Promise<CommandResult>;
  remove(): void;
}

/** Creates one. Without a server address, no server is configured. */
export function createCommandWorld(deps: Partial<ReleaseCommandDeps> = {}, url?: string): CommandWorld {
  const cwd = mkdtempSync(join(tmpdir(), "releases-"));
  const commands = createReleaseCommands({ random: createRandom(3), clock: systemClock, pollMs: 10, ...deps });
  return {
    cwd,
    write(name, content) {
      writeFileSync(join(cwd, name), typeof content === "string" ? content : JSON.stringify(content));
    },
    run: (name, args, options = {}) =>
      runCommand(commands, `asg ${name}`, args, {
        cwd,
        environment: { USER: "ann" },
        ...defined({ server: url === undefined ? undefined : { url } }),
        ...options,
      }),
    remove: () => rmSync(cwd, { recursive: true }),
  };
}

/** Returns a release file as people write it: without id, time and hash. */
export function aReleaseFile(over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    aws_account_id: "111122223333",
    aws_region: "eu-west-1",
    project_name: "org/shop",
    config_name: "production",
    ami: "base",
    subnets: ["private-a", "private-b"],
    timeout: 600,
    services: {
      web: {
        instance_type: "t3.micro",
        security_groups: ["web"],
        target_groups: ["web"],
        autoscaling: { min_size: 2, max_size: 10, spread: 0.5 },
      },
    },
    ...over,
  };
}

/** The commands over a real server, whose executor releases into a simulated account. */
export interface SimulatedYard {
  readonly yard: SimYard;
  readonly commands: CommandWorld;
  /** Runs a command while the yard's time passes. */
  run(name: string, args: object, options?: RunCommandOptions): Promise<CommandResult>;
  stop(): Promise<void>;
}

const LOOK_MS = 5_000;

/** Makes one. */
export async function startSimulatedYard(
  constants: ReleaseConstants = PRESETS.stackyard,
  services: readonly string[] = ["web", "worker"],
): Promise<SimulatedYard> {
  const executor = createAsgExecutor({ random: createRandom(5) });
  const { account, region } = TARGET;
  const yard = createSimYard({ account, region, executors: [executor] });
  addResources(yard.sim, { constants, services, slowStartSeconds: 0 });
  const { store, clock } = yard;
  const deps = { store, clock, ids: createUlids(), logger: silentLogger, locator: createStaticLocator([]) };
  const server = createServer(
    { ...deps, executors: new Map([["asg", executor]]), version: "0.0.0" },
    { port: 0, allowAnonymous: true, limits: { outcomeMs: 1 } },
  );
  const { url } = await server.start();
  // A look is a request that really travels.
  const sleep = (ms: number, signal?: AbortSignal) => clock.sleep(Math.max(ms, LOOK_MS), signal);
  const commands = createCommandWorld({ clock: { ...clock, now: () => clock.now(), sleep }, pollMs: 10 }, url);
  let isStopped = false;
  return {
    yard,
    commands,
    async run(name, args, options) {
      let isOver = false;
      const running = commands.run(name, args, options).finally(() => {
        isOver = true;
      });
      // It is awaited below.
      running.catch(() => undefined);
      while (!isOver && !isStopped) {
        await yard.advance(1_000);
        await setImmediate();
      }
      return running;
    },
    async stop() {
      isStopped = true;
      commands.remove();
      await server.stop();
    },
  };
}

/** The account of the deployer; releases go to another one. */
export const HUB = "999900001111";
/** Of all releases. */
const BUCKET = `coinbase-odin-${HUB}`;

const EXTERNAL_ID = "yard-7";

/** The deployer's function and state machine with their bucket, and the account that releases go to. */
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
interface Executed {
  readonly status: string;
  readonly error: string | undefined;
  /** Names of the states that were entered, in order. */
  readonly path: readonly string[];
  readonly output: Readonly<Record<string, unknown>>;
}

/** Returns a document of the predecessor's client. */
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

/** Returns the path of a document's objects. */
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

/** Returns the newest execution, when it has ended. */
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

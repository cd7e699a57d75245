import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DescribeLaunchTemplatesCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  ElasticLoadBalancingV2Client,
  ModifyTargetGroupAttributesCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { startDynamodb } from "@stackyard/aws-sim/dynamodb";
import {
  defineExecutor,
  type ExecutorContext,
  failed,
  running,
  type Step,
  silentLogger,
  succeeded,
} from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import {
  createExecutorContext,
  createMemoryRecords,
  createRandom,
  runExecutor,
  type TestContextInput,
  type TestExecutorContext,
} from "@stackyard/core/testing";
import type { ReleaseReport } from "@stackyard/sdk/releases";
import { createServer } from "@stackyard/server";
import { Type } from "typebox";
import { createAsgExecutor } from "../asg.ts";
import { AsgConfig } from "../definition.ts";
import { aReport, TARGET, USER_DATA } from "./builders.ts";
import type { CallGuard } from "./fakes.ts";
import { createReleaseWorld, type ReleaseWorld, type WorldOptions } from "./release-world.ts";

/** A simulated account, and a yard with records and leases that outlive its runs. */
export interface AsgYard {
  readonly world: ReleaseWorld;
  readonly records: ExecutorContext["records"];
  readonly aws: ExecutorContext["aws"];
  context(input?: TestContextInput): TestExecutorContext;
  /** Runs a task to its end. */
  run(
    config: object,
    options?: {
      readonly cancelAfterMs?: number;
      readonly context?: TestExecutorContext;
      readonly lateMs?: (steps: number) => number;
    },
  ): Promise<{
    readonly step: Exclude<Step, { kind: "running" }>;
    readonly steps: readonly Step[];
    readonly elapsedMs: number;
  }>;
  /** Returns the names of groups that exist and are not being deleted. */
  groups(): readonly string[];
  /** Returns the names of existing resources, by kind. */
  standing(): Promise<Standing>;
}

/** Names of what releases make. */
interface Standing {
  readonly groups: readonly string[];
  readonly templates: readonly string[];
  readonly alarms: readonly string[];
}

/** Returns a document of one service `web` with a target group, in a machine: without id, time and target. */
export function aTaskDocument(over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    project_name: "org/shop",
    config_name: "production",
    subnets: ["private-a", "private-b"],
    ami: "base",
    services: { web: aTaskService() },
    ...over,
  };
}

/** Returns two servers behind the target group `web`. */
function aTaskService(over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    instance_type: "t3.micro",
    security_groups: ["web"],
    target_groups: ["web"],
    autoscaling: { min_size: 2, max_size: 4, policies: [{ type: "cpu_scale_up" }] },
    ...over,
  };
}

/** Returns the config of its task. */
export function aTaskConfig(over: Readonly<Record<string, unknown>> = {}, config: object = {}) {
  return { release: aTaskDocument(over), userData: USER_DATA, preset: "odin", ...config };
}

/** Adds the group of the previous release, behind the target group `web`, which drains its servers within 15 s. */
export async function addServingGroup({ world, aws }: AsgYard): Promise<string> {
  const { web: arn = "" } = world.ids.targetGroups;
  const attribute = { Key: "deregistration_delay.timeout_seconds", Value: "15" };
  const request = { TargetGroupArn: arn, Attributes: [attribute] };
  await aws(ElasticLoadBalancingV2Client).send(new ModifyTargetGroupAttributesCommand(request));
  return world.sim.autoScaling.addGroup({
    account: TARGET.account,
    region: TARGET.region,
    name: OLD_GROUP,
    desired: 2,
    max: 10,
    subnets: world.ids.subnets,
    targetGroups: [arn],
    launchConfiguration: OLD_GROUP,
    tags: { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web", ReleaseID: "release-1" },
  });
}

/** Its name. */
export const OLD_GROUP = "org/shop-production-release-1-web";

/** Makes one. */
export function createAsgYard(options: WorldOptions = {}): AsgYard {
  const world = createReleaseWorld(options);
  const { clock, sim } = world;
  const records = createMemoryRecords();
  const aws: ExecutorContext["aws"] = (type) => world.deps.target.client(type);
  const context = (input: TestContextInput = {}) =>
    createExecutorContext({ clock, aws, records, target: TARGET, ...input });
  const groups = () =>
    sim.autoScaling
      .listGroups({ account: TARGET.account, region: TARGET.region })
      .filter(({ isDeleting }) => !isDeleting)
      .map(({ name }) => name);
  return {
    world,
    records,
    aws,
    context,
    groups,
    async standing() {
      const { LaunchTemplates = [] } = await aws(EC2Client).send(new DescribeLaunchTemplatesCommand({}));
      return {
        groups: groups(),
        templates: LaunchTemplates.map(({ LaunchTemplateName = "" }) => LaunchTemplateName),
        alarms: sim.cloudWatch.findAlarms(TARGET.account, TARGET.region).map(({ name }) => name),
      };
    },
    run: (config, given = {}) =>
      runExecutor(createAsgExecutor({ random: createRandom(7) }), config, { context: context(), ...given }),
  };
}

/** Invariants of all releases, checked after each call. */
interface TrafficWatch extends CallGuard {
  readonly faults: readonly string[];
}

const OLD_RELEASE = "release-1";

/** Detects an old group that is deleted, or loses its traffic, before the new one has enough healthy servers. */
export function watchTraffic({ world }: AsgYard, needed: number): TrafficWatch {
  const faults: string[] = [];
  const standing = new Set<string>();
  const list = () => world.sim.autoScaling.listGroups({ account: TARGET.account, region: TARGET.region });

  function countHealthy(service: string): number {
    const fresh = list().filter(({ tags, isDeleting }) => !isDeleting && tags["ReleaseID"] !== OLD_RELEASE);
    return fresh
      .filter(({ tags }) => tags["ServiceName"] === service)
      .flatMap(({ instances }) => instances)
      .filter(({ lifecycleState, healthStatus }) => lifecycleState === "InService" && healthStatus === "Healthy")
      .length;
  }

  /** Returns true for an old group that loses its load balancers, or that is newly being deleted. */
  function isTaken(
    call: string,
    { name, isDeleting }: { readonly name: string; readonly isDeleting: boolean },
  ): boolean {
    if (!isDeleting) standing.add(name);
    return isDeleting ? standing.delete(name) : call === `Detach ${name}`;
  }

  function look(call: string): void {
    for (const group of list().filter(({ tags }) => tags["ReleaseID"] === OLD_RELEASE)) {
      if (!isTaken(call, group)) continue;
      const healthy = countHealthy(group.tags["ServiceName"] ?? "");
      if (healthy >= needed) continue;
      faults.push(`${call} took ${group.name} with ${healthy} of ${needed} healthy servers in its place.`);
    }
  }

  return {
    faults,
    async around(name, call, group) {
      const result = await call();
      look(name.startsWith("Detach") ? `Detach ${group}` : name);
      return result;
    },
  };
}

/** A yard with an executor `asg` that answers and reports as the test scripts it, step by step. */
export interface ReleaseServer {
  readonly url: string;
  /** Configs of runs, in order. */
  readonly started: Readonly<Record<string, unknown>>[];
  /** Of each step the report and the answer; the last one stays. */
  script: readonly ScriptedStep[];
  stop(): Promise<void>;
}

/** One step. */
interface ScriptedStep {
  readonly report?: Partial<ReleaseReport>;
  readonly answer?: Step;
}

/** A step that is polled again immediately. */
const GOES_ON: Step = running({ progress: {}, pollAfterMs: 10, message: "CheckHealthy." });
/** The end of a release that is done. */
export const DONE: Step = succeeded({ releaseId: "release-2", end: "Success", dirty: false });

/** Makes one. */
export async function startReleaseServer(): Promise<ReleaseServer> {
  const started: Readonly<Record<string, unknown>>[] = [];
  const served = { script: [{}] as readonly ScriptedStep[] };
  const executors = new Map([["asg", createScripted(served, started)]]);
  const [store, locator] = [createMemoryStore(), createStaticLocator([])];
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, allowAnonymous: true });
  const { url } = await server.start();
  const yard = startYard(deps, { drainMs: 100 });
  return Object.assign(served, {
    url,
    started,
    async stop() {
      await server.stop();
      await yard.stop();
      await store.close();
    },
  });
}

type Context = Parameters<Parameters<typeof defineExecutor>[0]["start"]>[0];

function createScripted(served: { script: readonly ScriptedStep[] }, started: Readonly<Record<string, unknown>>[]) {
  const step = async (ctx: Context): Promise<Step> => {
    const [next = {}, ...rest] = served.script;
    if (rest.length > 0) served.script = rest;
    if (next.report !== undefined) await write(ctx, next.report);
    return next.answer ?? GOES_ON;
  };
  return defineExecutor({
    name: "asg",
    config: AsgConfig,
    progress: Type.Unknown(),
    start(ctx, config) {
      started.push(config);
      return step(ctx);
    },
    poll: step,
    async cancel(ctx) {
      await write(ctx, { state: "FailureClean", end: "FailureClean" });
      return failed({ code: "RELEASE_HALTED", message: "Halted.", retryable: false });
    },
  });
}

async function write({ records, clock, stackId }: Context, report: Partial<ReleaseReport>): Promise<void> {
  const [key, now] = [`job-report/${stackId}/0000`, clock.now()];
  const expected = (await records.get(key, now))?.version ?? "absent";
  await records.put({ key, value: { ...aReport(report) }, expected, now });
}

/** The predecessor's lock table, in an emulator over HTTP. */
export interface LockTable {
  readonly client: DynamoDBClient;
  readonly name: string;
  stop(): Promise<void>;
}

/** Starts it on a free port of this machine. */
export async function startLockTable(): Promise<LockTable> {
  const dynamodb = await startDynamodb();
  const name = "coinbase-odin-locks";
  await dynamodb.createTable(name, "key");
  return { client: dynamodb.client, name, stop: () => dynamodb.stop() };
}

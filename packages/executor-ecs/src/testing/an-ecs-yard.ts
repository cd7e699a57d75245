import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import type { ExecutorContext, Step, Target } from "@stackyard/core";
import {
  createExecutorContext,
  createFakeClock,
  type FakeClock,
  runExecutor,
  type TestContextInput,
  type TestExecutorContext,
} from "@stackyard/core/testing";
import type { SdkClient } from "../custom-resource/turn.ts";
import { createEcsExecutor } from "../ecs.ts";

/** Where the cluster is. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;

/** The container instance of `web`. */
export const INSTANCE = "00000000000000000000000000000001";

const TARGET: Target = { ...PLACE, partition: "aws" };

/** A simulated account with the cluster `web`, the families `migrate` (bridge) and `api` (Fargate), and the executor. */
export interface EcsYard {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
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
  ): Promise<Outcome>;
  countCalls(operation: string): number;
}

/** How a run ended. */
export interface Outcome {
  readonly step: Exclude<Step, { kind: "running" }>;
  readonly steps: readonly Step[];
  readonly reports: readonly string[];
  readonly elapsedMs: number;
}

/** Returns a typical log configuration. */
export function awslogs(group: string) {
  return {
    logDriver: "awslogs",
    options: { "awslogs-group": group, "awslogs-region": PLACE.region, "awslogs-stream-prefix": "ecs" },
  } as const;
}

/** The container of all families. */
export const APP_CONTAINER = {
  name: "app",
  image: "app@sha256:0123",
  cpu: 256,
  memory: 512,
  logConfiguration: awslogs("/web/app"),
} as const;

/** Creates a client of the simulation that tries once. */
export function openSimClient<Client>(type: SdkClient<Client>, plugin: unknown, config: object): Client {
  const client = new type({ ...config, maxAttempts: 1 } as never);
  (client as Pluggable).middlewareStack.use(plugin as never);
  return client;
}

/** Creates a yard, by default with a clock of its own. Nothing runs in it, and its time does not advance. */
export function createEcsYard(clock: FakeClock = createFakeClock()): EcsYard {
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "runner" });
  const plugin = createSimPlugin(sim);
  sim.ecs.addCluster({ ...PLACE, name: "web" });
  sim.ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [APP_CONTAINER] });
  sim.ecs.registerTaskDefinition({ ...PLACE, family: "api", containerDefinitions: [APP_CONTAINER], ...FARGATE });

  const aws: ExecutorContext["aws"] = (type) => openSimClient(type, plugin, { region: PLACE.region, credentials });
  const context = (input: TestContextInput = {}) => createExecutorContext({ clock, aws, target: TARGET, ...input });
  return {
    sim,
    clock,
    aws,
    context,
    run: (config, options = {}) => runExecutor(createEcsExecutor(), config, { context: context(), ...options }),
    countCalls: (operation) => sim.calls.filter((call) => call.operation === operation).length,
  };
}

interface Pluggable {
  readonly middlewareStack: { use(plugin: never): void };
}

const FARGATE = { networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"], cpu: "256", memory: "512" } as const;

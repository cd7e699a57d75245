import { type AwsSim, createAwsSim, createResourceLife, createSimPlugin, type ResourceLife } from "@stackyard/aws-sim";
import { defined, type Records } from "@stackyard/core";
import { createFakeClock, createMemoryRecords, type FakeClock, passUntil } from "@stackyard/core/testing";
import { createEcsTask, type EcsTaskFunction } from "../custom-resource/create-ecs-task.ts";
import { toEcsTaskStateMachine } from "../custom-resource/ecs-task-state-machine.ts";
import type { EcsTaskDeps } from "../custom-resource/turn.ts";
import { APP_CONTAINER, openSimClient, PLACE } from "./an-ecs-yard.ts";
import { createRecordingLogger, type RecordingLogger } from "./recording-logger.ts";

/** The least that a resource needs. */
export const LEAST = { Cluster: "web", TaskDefinition: "migrate" };

/** An account with the function, its state machine, a cluster, and CloudFormation with one resource. */
export interface EcsTaskWorld {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly records: Records;
  readonly logger: RecordingLogger;
  readonly deps: EcsTaskDeps;
  readonly function: EcsTaskFunction;
  readonly life: ResourceLife;
  /** Advances the time until the promise settles. */
  until<T>(done: Promise<T>): Promise<T>;
  /** Returns how often an operation, such as `ECS.RunTask`, was called. */
  count(operation: string): number;
  /** Returns the inputs of an operation's calls. */
  inputs(operation: string): readonly Readonly<Record<string, unknown>>[];
}

/** How the world differs. */
export interface WorldOptions extends Partial<Pick<EcsTaskDeps, "records" | "physicalId" | "fetch" | "aws">> {
  /** Replaces the function for CloudFormation and Step Functions. */
  readonly invoke?: (event: unknown, made: EcsTaskFunction & { readonly deps: EcsTaskDeps }) => Promise<unknown>;
}

/** Makes one. Its time is still until something is waited for. */
export function createEcsTaskWorld(options: WorldOptions = {}): EcsTaskWorld {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  sim.ecs.addCluster({ ...PLACE, name: "web" });
  sim.ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [APP_CONTAINER] });
  const { records = createMemoryRecords(), invoke = (event, { handler }) => handler(event) } = options;
  const logger = createRecordingLogger();
  const functionArn = `arn:aws:lambda:${PLACE.region}:${PLACE.account}:function:ecs-task`;
  const definition = toEcsTaskStateMachine(functionArn);
  const deps: EcsTaskDeps = {
    records,
    clock,
    logger,
    aws: options.aws ?? toAws(sim),
    fetch: options.fetch ?? toFetch(sim),
    secret: async () => "a long random text",
    stateMachineArn: sim.stepFunctions.addStateMachine({ ...PLACE, name: "ecs-task", definition }),
    ...defined({ physicalId: options.physicalId }),
  };
  const made = createEcsTask(deps);
  const call = (event: unknown) => invoke(event, { ...made, deps });
  sim.lambda.addFunction({ ...PLACE, name: "ecs-task", handler: call });
  const life = createResourceLife({ clock, endpoint: sim.answers, invoke: call });
  const inputs = (operation: string) =>
    sim.calls.filter((each) => each.operation === operation).map(({ input }) => input);
  return {
    sim,
    clock,
    records,
    logger,
    deps,
    function: made,
    life,
    inputs,
    // Lazily loaded code (the SDK, the interpreter) takes real time, which must not look like a long wait.
    until: (done) => passUntil(clock, done, { extraRounds: 500 }),
    count: (operation) => inputs(operation).length,
  };
}

/** Clients that try once. */
export function toAws(sim: AwsSim): EcsTaskDeps["aws"] {
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "ecs-task" });
  const plugin = createSimPlugin(sim);
  return (type, region = PLACE.region) => openSimClient(type, plugin, { region, credentials });
}

/** Returns the response endpoint of the simulation. */
export function toFetch(sim: AwsSim): typeof globalThis.fetch {
  return (url, init) => sim.answers.fetch(url instanceof Request ? url.url : url, init);
}

/** Loads the SDK and the interpreter in real time, before a test advances its clock. */
async function loadAll(): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { life, until } = createEcsTaskWorld();
    const { status } = await until(life.create(LEAST));
    if (status === "CREATE_COMPLETE") return;
  }
}

await loadAll();

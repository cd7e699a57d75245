import { createResourceLife, type LifeStep, type ResourceAnswer, type ResourceLife } from "@stackyard/aws-sim";
import type { Records } from "@stackyard/core";
import { createMemoryRecords, type Sky, type Untrue } from "@stackyard/core/testing";
import { createEcsTask } from "../../custom-resource/create-ecs-task.ts";
import { toResourceId } from "../../custom-resource/identity.ts";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST, toAws, toFetch } from "../an-ecs-task-world.ts";
import { PLACE } from "../an-ecs-yard.ts";

/** A `Custom::ECSTask` from its creation to its deletion, beside another one: its hands and the truth. */
export interface LivingResource {
  readonly sky: Sky;
  readonly world: EcsTaskWorld;
  /** Another resource of the stack, whose task runs all the time. */
  readonly neighbor: ResourceLife;
  /** What the template says from now on. */
  properties: Readonly<Record<string, unknown>>;
  /** How the function is deployed from now on. */
  mode: "id" | "taskArn";
  /** Operations of ECS that the function's role may not call any more. */
  readonly denied: Set<string>;
  readonly steps: LifeStep[];
  readonly untrue: Untrue[];
  /** How many operations were over when the way back was played. */
  stepsBefore: number;
  /** Two runs had tasks at the look before. */
  wereTwo: boolean;
  /** What was done beside CloudFormation. */
  readonly acts: Set<string>;
  /** Ways back that are played before the last update. */
  readonly backs: ((life: LivingResource) => Promise<void> | void)[];
  /** A planted bug: each success is answered as a failure. */
  isWrong: boolean;
  /** A planted bug: what is asked to stop runs on. */
  isDeaf: boolean;
  /** A planted bug: the way back changes nothing. */
  isStuck: boolean;
  /** Makes the table of the function anew: it is empty. */
  forget(): void;
}

export const MINUTE_MS = 60_000;
/** How long a task runs. */
export const RUNS_MS: number = 4 * MINUTE_MS;

/** Another place for tasks. */
export const OTHER_CLUSTER = "jobs";

/** Opens a life. `hear`: judges each answer to CloudFormation when it is given. */
export function openResourceLife(
  sky: Sky,
  hear: (life: LivingResource, answer: ResourceAnswer) => void,
): LivingResource {
  let records = createMemoryRecords();
  const denied = new Set<string>();
  const open: { life?: LivingResource } = {};
  const current: Records = {
    get: (...given) => records.get(...given),
    put: (...given) => records.put(...given),
    remove: (...given) => records.remove(...given),
    list: (...given) => records.list(...given),
  };
  const world: EcsTaskWorld = createEcsTaskWorld({
    records: current,
    aws: (type, region) => intercept(() => open.life, toAws(world.sim)(type, region)),
    invoke: (event, { deps }) => createEcsTask({ ...deps, physicalId: open.life?.mode ?? "id" }).handler(event),
    async fetch(url, init) {
      const given: ResourceAnswer = JSON.parse(String(init?.body));
      const answer = open.life?.isWrong === true ? { ...given, Status: "FAILED" as const, Reason: "no" } : given;
      if (open.life !== undefined) hear(open.life, answer);
      return toFetch(world.sim)(url, { ...init, body: JSON.stringify(answer) });
    },
  });
  const { sim, clock } = world;
  sim.ecs.addCluster({ ...PLACE, name: OTHER_CLUSTER });
  sky.under(clock, clock.advance);
  const invoke = (event: unknown) => world.function.handler(event);
  const neighbor = createResourceLife({ clock, endpoint: sim.answers, invoke, logicalId: "Seed" });
  const life: LivingResource = {
    ...{ sky, world, neighbor, denied, properties: LEAST, mode: "id" as const },
    ...{
      steps: [],
      untrue: [],
      backs: [],
      stepsBefore: 0,
      wereTwo: false,
      isWrong: false,
      isDeaf: false,
      isStuck: false,
      acts: new Set<string>(),
    },
    forget() {
      records = createMemoryRecords();
    },
  };
  open.life = life;
  return life;
}

interface Sender {
  send(...args: unknown[]): Promise<unknown>;
}

/** Returns a client whose calls of some operations are refused. IAM API reference, "Common errors": `AccessDeniedException`. */
function intercept<Client>(find: () => LivingResource | undefined, client: Client): Client {
  const sender = client as Sender;
  const send = sender.send.bind(client);
  sender.send = async (command, ...given) => {
    const operation = Object(command).constructor.name.replace(/Command$/, "");
    const life = find();
    if (life?.isDeaf === true && operation === "StopTask") return {};
    if (life?.denied.has(operation) !== true) return send(command, ...given);
    const error = new Error(`User is not authorized to perform: ecs:${operation}`);
    throw Object.assign(error, { name: "AccessDeniedException", $fault: "client", $metadata: { httpStatusCode: 400 } });
  };
  return client;
}

/** Returns every task that a resource has ever begun, in every cluster, by the tags that it began with. */
export function listTasksOf({ world: { sim } }: LivingResource, resource: ResourceLife) {
  const [request] = resource.requests;
  const startedBy = request === undefined ? "" : toResourceId(request);
  return sim.ecs.tasks().filter((task) => task.startedBy === startedBy);
}

/** Plays the other resource's creation; its task is not waited for. */
export async function createNeighbor({ world, neighbor }: LivingResource): Promise<void> {
  world.sim.ecs.registerTaskDefinition({ ...PLACE, family: "seed", containerDefinitions: [{ name: "app" }] });
  world.sim.ecs.script("seed", { runsMs: Number.POSITIVE_INFINITY });
  await world.until(neighbor.create({ ...LEAST, TaskDefinition: "seed", Timeout: 0 }));
}

import { findNumber, findText, type SimCall } from "../sim-call.ts";
import {
  type Cluster,
  type Definition,
  type EcsState,
  ecsFaults as faults,
  type Instance,
  type SimTask,
  type StrategyItem,
} from "./ecs-state.ts";
import { toLife } from "./task-life.ts";

/** Where one task goes. */
export interface Seat {
  readonly launchType?: string;
  readonly capacityProvider?: string;
  readonly instance?: Instance;
  /** A new instance has to come first. */
  readonly scaleOutMs?: number;
}

/** An entry of `failures`. */
interface Failure {
  readonly arn?: string;
  readonly reason: string;
  readonly detail?: string;
}

/** Seats and failures of one request. */
export interface Placement {
  readonly seats: readonly Seat[];
  readonly failures: readonly Failure[];
}

/** The input of placement. */
interface PlacementInput {
  readonly state: EcsState;
  readonly call: SimCall;
  readonly cluster: Cluster;
  readonly definition: Definition;
}

/** "AWS Fargate capacity providers": they need not be made. */
const FARGATE = ["FARGATE", "FARGATE_SPOT"];

/**
 * Implements RunTask: Fargate has room, instances have what they have. Constraints by expression and strategies are not
 * evaluated. Sources: developer guide, "Amazon ECS API failure reasons" and "Amazon ECS capacity providers".
 */
export function placeTasks(input: PlacementInput): Placement {
  const { call, cluster, definition, state } = input;
  const need = toNeed(definition, call.input["overrides"]);
  const occupants = [...toOccupants(state.tasks, cluster, call.now)];
  const wantsOwn = hasDistinctInstance(call.input);
  const seats: Seat[] = [];
  const failures: Failure[] = [];
  for (const wish of toWishes(call.input, cluster)) {
    const taken = wantsOwn ? seats.flatMap(({ instance }) => instance ?? []) : [];
    const found = findSeat(wish, cluster, { need, occupants, taken });
    if (found.seat === undefined) failures.push(...found.failures);
    else {
      seats.push(found.seat);
      if (found.seat.instance) occupants.push({ instance: found.seat.instance, need });
    }
  }
  checkProvisioning(state.tasks, cluster, seats, call.now);
  return { seats, failures };
}

/** Implements StartTask: each instance that is named, or why not. */
export function placeOnInstances({ call, cluster, definition, state }: PlacementInput): Placement {
  const named: unknown = call.input["containerInstances"];
  const need = toNeed(definition, call.input["overrides"]);
  const occupants = [...toOccupants(state.tasks, cluster, call.now)];
  const seats: Seat[] = [];
  const failures: Failure[] = [];
  for (const name of Array.isArray(named) ? named.map(String) : []) {
    const instance = cluster.instances.find(({ id, arn }) => id === name || arn === name);
    const arn = instance?.arn ?? toInstanceArn(cluster, name);
    const reason = instance === undefined ? "MISSING" : findObstacle(instance, need, occupants);
    if (instance === undefined || reason !== undefined) failures.push({ arn, reason: reason ?? "MISSING" });
    else {
      seats.push({ launchType: "EC2", instance });
      occupants.push({ instance, need });
    }
  }
  return { seats, failures };
}

/** Returns the requirements of each task. */
function toWishes(input: SimCall["input"], cluster: Cluster): readonly Seat[] {
  const count = findNumber(input, "count") ?? 1;
  const strategy = input["capacityProviderStrategy"];
  if (!Array.isArray(strategy)) {
    return Array.from({ length: count }, () => ({ launchType: findText(input, "launchType") ?? "EC2" }));
  }
  const items: readonly StrategyItem[] = strategy;
  const stranger = items.find(
    ({ capacityProvider: name }) => !FARGATE.includes(name) && !(name in cluster.capacityProviders),
  );
  if (stranger !== undefined) {
    throw faults.parameter(
      `The specified capacity provider '${stranger.capacityProvider}' was not found. Specify a valid name or ARN and try again.`,
    );
  }
  return spreadOverProviders(items, count).map((capacityProvider) => ({ capacityProvider }));
}

interface Room {
  readonly need: Need;
  readonly occupants: readonly Occupant[];
  readonly taken: readonly Instance[];
}

function findSeat(
  wish: Seat,
  cluster: Cluster,
  { need, occupants, taken }: Room,
): { readonly seat?: Seat; readonly failures: readonly Failure[] } {
  const { launchType, capacityProvider } = wish;
  if (launchType === "FARGATE" || FARGATE.includes(capacityProvider ?? "")) {
    return { seat: { launchType: "FARGATE", ...wish }, failures: [] };
  }
  if (capacityProvider === undefined && cluster.instances.length === 0) {
    throw faults.parameter("No Container Instances were found in your cluster.");
  }
  const free = cluster.instances.filter((instance) => !taken.includes(instance));
  const instance = free.find((each) => findObstacle(each, need, occupants) === undefined);
  if (instance !== undefined) return { seat: { launchType: "EC2", ...wish, instance }, failures: [] };
  const scaling = cluster.capacityProviders[capacityProvider ?? ""];
  if (scaling !== undefined) return { seat: { launchType: "EC2", ...wish, ...scaling }, failures: [] };
  const failures = cluster.instances.map((each) => {
    // Instances that a constraint excludes are reported like those without room.
    return {
      arn: each.arn,
      reason: findObstacle(each, need, occupants) ?? "MemberOf placement constraint unsatisfied.",
    };
  });
  return { failures };
}

/**
 * Follows "RunTask": the quota of tasks in the PROVISIONING state of a cluster with managed scaling is a
 * ClientException.
 */
function checkProvisioning(tasks: readonly SimTask[], cluster: Cluster, seats: readonly Seat[], now: number): void {
  const coming = seats.filter(({ scaleOutMs }) => scaleOutMs !== undefined).length;
  const waiting = tasks.filter((task) => {
    return (
      task.cluster === cluster && task.capacityProvider !== undefined && toLife(task, now).stage === "PROVISIONING"
    );
  }).length;
  if (coming > 0 && waiting + coming > cluster.provisioningQuota) {
    throw faults.client("You've reached the limit on the number of tasks you can provision in a cluster.");
  }
}

function* toOccupants(tasks: readonly SimTask[], cluster: Cluster, now: number): Generator<Occupant> {
  for (const task of tasks) {
    if (task.cluster !== cluster || task.instance === undefined || toLife(task, now).stage === "STOPPED") continue;
    yield { instance: task.instance, need: toNeed(task.definition, task.input["overrides"]) };
  }
}

function hasDistinctInstance({ placementConstraints }: SimCall["input"]): boolean {
  return Array.isArray(placementConstraints) && placementConstraints.some(({ type }) => type === "distinctInstance");
}

function toInstanceArn({ arn, name }: Cluster, given: string): string {
  return given.startsWith("arn:") ? given : `${arn.replace(/:cluster\/.*$/, "")}:container-instance/${name}/${given}`;
}

/** CPU units and MiB. */
interface Need {
  readonly cpu: number;
  readonly memory: number;
}

/** The tasks on an instance. */
interface Occupant {
  readonly instance: Instance;
  readonly need: Need;
}

/**
 * Returns a task's reservation: its own size, else the sum of its containers ("TaskDefinition", `cpu` and `memory`;
 * `memoryReservation` before `memory`).
 */
function toNeed({ containerDefinitions, ...definition }: Definition, overrides: unknown): Need {
  const { cpu = definition.cpu, memory = definition.memory, containerOverrides = [] } = Object(overrides);
  const sum = (fieldsOf: (container: object) => number): number => {
    return containerDefinitions.reduce((total, container) => {
      const override = containerOverrides.find((each: { readonly name?: string }) => each.name === container.name);
      return total + fieldsOf({ ...container, ...override });
    }, 0);
  };
  return {
    cpu: cpu === undefined ? sum((each) => Object(each).cpu ?? 0) : Number(cpu),
    memory:
      memory === undefined ? sum((each) => Object(each).memoryReservation ?? Object(each).memory ?? 0) : Number(memory),
  };
}

/**
 * Returns why an instance cannot run a task (developer guide, "Amazon ECS API failure reasons"); undefined if it can.
 */
function findObstacle(instance: Instance, need: Need, occupants: readonly Occupant[]): string | undefined {
  if (!instance.isAgentConnected) return "AGENT";
  if (instance.status !== "ACTIVE") return "INACTIVE";
  const here = occupants.filter((each) => each.instance === instance);
  const used = (field: keyof Need): number => here.reduce((total, each) => total + each.need[field], 0);
  if (used("cpu") + need.cpu > instance.cpu) return "RESOURCE:CPU";
  return used("memory") + need.memory > instance.memory ? "RESOURCE:MEMORY" : undefined;
}

/**
 * Returns which capacity provider each of `count` tasks goes to: bases first, the rest by weight. Source: API
 * reference, "CapacityProviderStrategyItem".
 */
function spreadOverProviders(strategy: readonly StrategyItem[], count: number): readonly string[] {
  const based = strategy.flatMap(({ capacityProvider, base = 0 }) =>
    Array<string>(Math.min(base, count)).fill(capacityProvider),
  );
  const chosen = based.slice(0, count);
  const total = strategy.reduce((sum, { weight = 0 }) => sum + weight, 0);
  for (let rest = 1; chosen.length < count; rest += 1) {
    const weighted = chosen.slice(based.length);
    const lag = ({ capacityProvider, weight = 0 }: StrategyItem): number => {
      return (weight / total) * rest - weighted.filter((name) => name === capacityProvider).length;
    };
    const [next] = strategy.filter(({ weight = 0 }) => weight > 0).toSorted((one, other) => lag(other) - lag(one));
    if (next === undefined) return chosen;
    chosen.push(next.capacityProvider);
  }
  return chosen;
}

import type {
  CapacityProviderStrategyItem,
  ECSClient,
  LaunchType,
  NetworkConfiguration,
  PlacementConstraint,
  PlacementStrategy,
  PropagateTags,
  RunTaskCommandInput,
  StartTaskCommandInput,
  Tag,
} from "@aws-sdk/client-ecs";
import type { Clock } from "@stackyard/core";
import type { TaskOverrides } from "./parse-overrides.ts";

/** What the calls of ECS need. */
export interface EcsDeps {
  readonly ecs: ECSClient;
  readonly clock: Clock;
  /** Ends reads and waits; a call that starts or stops a task is let to its end, so that its answer is known. */
  readonly signal: AbortSignal;
}

/** Tasks to start: `count` of them wherever there is room, or one on each of `instances`. */
export interface TaskOrder {
  readonly cluster: string;
  readonly taskDefinition: string;
  readonly count: number;
  /** Container instances, ids or ARNs. With some, StartTask is used and `count` is not looked at. */
  readonly instances?: readonly string[];
  readonly launchType?: LaunchType;
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
  readonly platformVersion?: string;
  readonly networkConfiguration?: NetworkConfiguration;
  readonly overrides?: TaskOverrides;
  readonly group?: string;
  readonly enableExecuteCommand?: boolean;
  readonly propagateTags?: PropagateTags;
  readonly tags?: readonly Tag[];
  readonly placementConstraints?: readonly PlacementConstraint[];
  readonly placementStrategy?: readonly PlacementStrategy[];
  /** At most 36 characters with `instances`, else 128. */
  readonly startedBy: string;
  /** At most 64 characters. Another one for each try, the same one when a try is repeated after a crash. */
  readonly clientToken: string;
  /**
   * Epoch milliseconds of an earlier, maybe interrupted call of this very try. StartTask knows no client token, so what that
   * call started is looked for first, by `startedBy` and `tags`.
   */
  readonly intendedAt?: number;
}

/** How many tasks an order is about. */
export function expectedCountOf({ instances = [], count }: Pick<TaskOrder, "instances" | "count">): number {
  return instances.length > 0 ? instances.length : count;
}

/** The input of RunTask for so many tasks. */
export function toRunTaskInput(order: TaskOrder, count: number): RunTaskCommandInput {
  const { capacityProviderStrategy, launchType, platformVersion, placementConstraints, placementStrategy } = order;
  return {
    ...toCommonInput(order),
    count,
    clientToken: order.clientToken,
    ...(launchType === undefined ? {} : { launchType }),
    ...(capacityProviderStrategy === undefined ? {} : { capacityProviderStrategy: [...capacityProviderStrategy] }),
    ...(platformVersion === undefined ? {} : { platformVersion }),
    ...(placementConstraints === undefined ? {} : { placementConstraints: [...placementConstraints] }),
    ...(placementStrategy === undefined ? {} : { placementStrategy: [...placementStrategy] }),
  };
}

/** The input of StartTask on these container instances. */
export function toStartTaskInput(order: TaskOrder, instances: readonly string[]): StartTaskCommandInput {
  return { ...toCommonInput(order), containerInstances: [...instances] };
}

function toCommonInput(order: TaskOrder) {
  const { networkConfiguration, overrides, group, enableExecuteCommand, propagateTags, tags = [] } = order;
  return {
    cluster: order.cluster,
    taskDefinition: order.taskDefinition,
    startedBy: order.startedBy,
    ...(networkConfiguration === undefined ? {} : { networkConfiguration }),
    ...(overrides === undefined || Object.keys(overrides).length === 0 ? {} : { overrides: toSdkOverrides(overrides) }),
    ...(group === undefined ? {} : { group }),
    ...(enableExecuteCommand === undefined ? {} : { enableExecuteCommand }),
    ...(propagateTags === undefined ? {} : { propagateTags }),
    ...(tags.length === 0 ? {} : { tags: [...tags] }),
  };
}

/** The SDK's lists are writable, and its kinds of resources are unions of literals that ECS itself checks. */
function toSdkOverrides(overrides: TaskOverrides): NonNullable<RunTaskCommandInput["overrides"]> {
  return overrides as NonNullable<RunTaskCommandInput["overrides"]>;
}

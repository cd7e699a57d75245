import type { Clock, Logger, Records } from "@stackyard/core";
import type { DefinitionCache } from "../definition-cache.ts";
import type { LogDeps } from "../tail-logs.ts";
import type { EcsDeps } from "../task-order.ts";
import type { TaskProperties } from "./parse-properties.ts";
import type { TaskWork, WorkProgress } from "./task-work.ts";

/** A constructor of an SDK client. */
export type SdkClient<Client> = new (config: never) => Client;

/** What the custom resource stands on. */
export interface EcsTaskDeps {
  /** Where requests are remembered. */
  readonly records: Records;
  /** A client of the SDK for a region. Without one: the function's own. */
  readonly aws: <Client>(client: SdkClient<Client>, region?: string) => Client;
  readonly clock: Clock;
  /** Sends answers to CloudFormation; the global `fetch` fits. */
  readonly fetch: typeof globalThis.fetch;
  /** A long random text, under which the addresses of answers are hidden in records. Asked for once. */
  readonly secret: () => Promise<string>;
  /** The state machine that goes on with long work. */
  readonly stateMachineArn: string;
  /**
   * `taskArn`: a run is answered with the ARN of its first task as physical id, as it once was, for templates that use `Ref`
   * so; then each run is a replacement. Default: `id`, one id for the life of the resource.
   */
  readonly physicalId?: "id" | "taskArn";
  /** Default: none. */
  readonly logger?: Logger;
}

/** What a turn of the work is given. */
export interface TurnContext {
  /** As it is now. */
  readonly work: TaskWork;
  /** Physical id, and what the tasks are started by. */
  readonly id: string;
  readonly config: TaskProperties | undefined;
  /** The cluster; empty where the properties name none. */
  readonly cluster: string;
  /** Of the cluster's region. */
  readonly ecs: EcsDeps;
  readonly logs: LogDeps;
  readonly definitions: DefinitionCache;
  readonly deps: EcsTaskDeps;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Notes progress in the midst of a turn. */
  save(changes: Partial<WorkProgress>): Promise<TaskWork>;
  /** Makes sure that an execution goes on with the work, before anything is done that must not be left alone. */
  handOver(): Promise<void>;
}

/** What a turn ends with: go on at once, or after a while. */
export type Turn =
  | { readonly kind: "next"; readonly changes: Partial<WorkProgress> }
  | { readonly kind: "wait"; readonly changes: Partial<WorkProgress>; readonly afterMs: number };

/** The properties of work that has been decided. */
export function configOf({ config }: Pick<TurnContext, "config">): TaskProperties {
  if (config === undefined) throw new Error("The work has properties that cannot be read, and goes on nevertheless.");
  return config;
}

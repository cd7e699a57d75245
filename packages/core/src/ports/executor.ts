import type { Static, TSchema } from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import { APPROVAL } from "../machine/approval-name.ts";
import { parseDuration } from "../machine/document/duration.ts";
import type {
  ConfigReport,
  DocumentConfig,
  ExecutorDefinition,
  TargetIdentity,
  TaskSubject,
  TasksReport,
} from "../machine/executor-definition.ts";
import type { Metadata } from "../machine/stack.ts";
import type { Clock } from "./clock.ts";
import type { Leases, Records } from "./records.ts";

/** The work continues: poll it again with this progress. */
export interface Running<Progress = unknown> {
  readonly kind: "running";
  /** JSON; survives a restart. */
  readonly progress: Progress;
  readonly pollAfterMs: number;
  /** One line for people. */
  readonly message: string;
  /** The earliest time at which what it waits for can let it continue, in epoch milliseconds. Missing: not known. */
  readonly opensAt?: number;
  /** The code of what holds back what it would do next, such as `FROZEN`. Missing: nothing. */
  readonly heldBy?: string;
}

/** The work is done. */
export interface Succeeded<Outputs = unknown> {
  readonly kind: "succeeded";
  readonly outputs: Outputs;
  /** Names of outputs that must not be shown. */
  readonly sensitive?: readonly string[];
  /** The part of its work that it has left undone, within the limits of its config: until a later success, the stack is not healthy. */
  readonly shortfall?: { readonly code: string; readonly message: string };
  /** Starts a run of the same executor and target later. */
  readonly followUp?: { readonly inMs: number; readonly config: Readonly<Record<string, unknown>> };
}

/** The work has failed. */
export interface Failed {
  readonly kind: "failed";
  /** The executor's UPPER_SNAKE code. */
  readonly code: string;
  /** The fault and how to fix it, with secrets masked. */
  readonly message: string;
  /** False: another attempt would fail in the same way. */
  readonly retryable: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** The result of an executor's call. */
export type Step<Progress = unknown, Outputs = unknown> = Running<Progress> | Succeeded<Outputs> | Failed;

/** Short-lived AWS credentials of a task's target. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** An AWS account, region and partition. */
export interface Target extends TargetIdentity {
  readonly partition: string;
  /** The name or ARN of the role to assume there. Default: the credentials of the runner. */
  readonly role?: string;
  readonly externalId?: string;
}

/** A constructor of an SDK client, so that this package imports no SDK. */
export type ClientConstructor<Client> = new (config: never) => Client;

/**
 * The key of a service that a host may provide to executors. `defineService` creates it; the executor's package exports
 * it.
 */
export interface ServiceKey<Service> {
  readonly name: string;
  /** Only a type: the type of the service. */
  readonly service?: Service;
}

/**
 * The credentials of an attempt at the servers of the yard while its lease is valid: its id as the user, and a
 * password.
 */
export interface AttemptAccess {
  readonly attemptId: string;
  /** Returns a secret. It is the same at every server and runner of the yard. */
  password(): Promise<string>;
}

/** The context of a call to an executor. */
export interface ExecutorContext {
  readonly stackId: string;
  readonly machine: string;
  readonly task: string;
  readonly attempt: { readonly id: string; readonly number: number; readonly token: number };
  readonly target?: Target;
  readonly metadata: Metadata;
  /** The sensitive values among config and metadata. The log masks them in each line; programs may print them in pieces. */
  readonly secrets?: readonly unknown[];
  readonly state: string;
  readonly previousState: string | null;
  /** 32 lower-case hex digits, stable over redeliveries of the attempt. */
  readonly idempotencyKey: string;
  /** Aborted when a cancel is requested, the lease is lost, or the process stops; `reason` is the cause. */
  readonly signal: AbortSignal;
  /** True after a cancel was requested: the call is `cancel`, or a `poll` after it. */
  readonly cancelling: boolean;
  readonly deadlineAt: number;
  /** W3C trace context of this call, where it is traced: for programs and requests that it starts. */
  readonly traceContext?: { readonly traceparent: string; readonly tracestate?: string };
  readonly logger: Logger;
  /** Shows a line of progress to people and keeps it in the task's log. A line `▸ TITLE` titles those that follow. */
  report(line: string): void;
  readonly clock: Clock;
  readonly records: Records;
  readonly leases: Leases;
  /** Returns the service that the host provides under this key, for this attempt, or undefined. */
  service<Service>(key: ServiceKey<Service>): Service | undefined;
  /**
   * Returns a client for the task's target, or for another region of its account. Throws `CONFIG_INVALID` if the runner
   * has no AWS configuration, and for a region when the task has no target. It sends nothing after another worker has the attempt.
   */
  aws<Client>(client: ClientConstructor<Client>, region?: string): Client;
  /**
   * Returns the credentials of the task's target, which may expire within the hour: `serveCredentials` of
   * `@stackyard/core/programs` gives them to a program as long as it runs. Throws an `AbortError` after another worker has the
   * attempt; who has them already is not stopped, so use `aws` for requests.
   */
  credentials(): Promise<AwsCredentials>;
}

/** The definition of an executor in a plugin. `defineExecutor` checks it and infers the types from the schemas. */
export interface ExecutorSpec<Config extends TSchema, Progress extends TSchema, Outputs extends TSchema> {
  /** `^[a-z][a-z0-9-]{0,62}$`. */
  readonly name: string;
  readonly config: Config;
  /** Required if `start` can return a running step. */
  readonly progress?: Progress;
  readonly outputs?: Outputs;
  /**
   * False when `start` needs a runner without a time limit, because it runs to the end in one process. Default: true.
   */
  readonly resumable?: boolean;
  exclusiveKey?(subject: TaskSubject, config: Static<Config>): string | undefined;
  timeout?(config: Static<Config>): number | undefined;
  /** A duration. Default `5m`. */
  readonly cancelWithin?: string;
  /** Checks the config in a machine document. This and the next two as in `ExecutorDefinition`. */
  checkConfig?(config: DocumentConfig, report: ConfigReport): void;
  checkTasks?(configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport): void;
  readonly documentSchemas?: ExecutorDefinition["documentSchemas"];
  /**
   * Does what the first task would wait for, such as asking a program for its version. Called when a process with
   * workers starts, in parallel with its first tasks. A failure is only logged: tasks meet it again.
   */
  prepare?(): Promise<void>;
  /** Returns a preview of `start`. Must only read. */
  plan?(ctx: ExecutorContext, config: Static<Config>): Promise<Plan>;
  start(ctx: ExecutorContext, config: Static<Config>): Promise<Step<Static<Progress>, Static<Outputs>>>;
  poll?(
    ctx: ExecutorContext,
    config: Static<Config>,
    progress: Static<Progress>,
  ): Promise<Step<Static<Progress>, Static<Outputs>>>;
  /** Starts to stop the work. After a running step, `poll` is called with `ctx.cancelling` until a final step. */
  cancel?(
    ctx: ExecutorContext,
    config: Static<Config>,
    progress: Static<Progress> | undefined,
  ): Promise<Step<Static<Progress>, Static<Outputs>>>;
}

/** The output of a dry run. */
export interface Plan {
  /** One sentence. */
  readonly summary: string;
  /** True if the work would change nothing; undefined when that is unknown. */
  readonly unchanged?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cost?: PlanCost;
}

/** An estimate of the total cost after the work. */
export interface PlanCost {
  readonly monthly: number;
  readonly currency: "USD";
  /** The number of things without a price. */
  readonly unpriced: number;
  /** Where the prices come from, and of when they are. */
  readonly source: string;
}

/** An executor as the worker calls it: the types of the schemas are checked at run time. */
export interface Executor extends ExecutorDefinition {
  prepare?(): Promise<void>;
  plan?(ctx: ExecutorContext, config: never): Promise<Plan>;
  start(ctx: ExecutorContext, config: never): Promise<Step>;
  poll?(ctx: ExecutorContext, config: never, progress: never): Promise<Step>;
  cancel?(ctx: ExecutorContext, config: never, progress: never): Promise<Step>;
}

/** Returns a step of running work, which is polled again after this many milliseconds. */
export function running<Progress>(input: {
  readonly progress: Progress;
  readonly pollAfterMs: number;
  readonly message: string;
  readonly opensAt?: number;
  readonly heldBy?: string;
}): Running<Progress> {
  return { kind: "running", ...input };
}

/** Returns a step of work that has succeeded with these outputs. */
export function succeeded<Outputs>(
  outputs: Outputs,
  options: Pick<Succeeded, "followUp" | "sensitive" | "shortfall"> = {},
): Succeeded<Outputs> {
  return { kind: "succeeded", outputs, ...options };
}

/** Returns a step of work that has failed. */
export function failed(input: Omit<Failed, "kind">): Failed {
  return { kind: "failed", ...input };
}

/** A service that a host provides to the executors of its worker. `provideService` makes it. */
export interface ProvidedService {
  readonly name: string;
  /** Creates the service for an attempt. Called for each attempt that requests the service. */
  create(attempt: AttemptAccess): unknown;
}

/**
 * Returns the key of a service that hosts may provide to executors. The name is unique in a yard, such as
 * `terraform-state`.
 */
export function defineService<Service>(name: string): ServiceKey<Service> {
  return { name };
}

/** Returns a service for `services` of a worker; executors get the result of `create` by `ctx.service(key)`. */
export function provideService<Service>(
  key: ServiceKey<Service>,
  create: (attempt: AttemptAccess) => Service,
): ProvidedService {
  return { name: key.name, create };
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/;
const DEFAULT_CANCEL_WITHIN = "5m";

/**
 * Creates an executor. The types of `config`, `progress` and outputs come from the schemas, and the worker validates
 * values against them before each call. Throws `PLUGIN_INVALID`.
 */
export function defineExecutor<Config extends TSchema, Progress extends TSchema, Outputs extends TSchema>(
  spec: ExecutorSpec<Config, Progress, Outputs>,
): Executor {
  if (!NAME.test(spec.name)) {
    throw new StackyardError(
      "PLUGIN_INVALID",
      `Invalid executor name ${JSON.stringify(spec.name)}. Begin with a lower-case letter, and use only lower-case letters, digits and hyphens.`,
    );
  }
  if (spec.name === APPROVAL) {
    throw new StackyardError("PLUGIN_INVALID", 'The executor "approval" is built in. Use another name.');
  }
  const cancelWithin = spec.cancelWithin ?? DEFAULT_CANCEL_WITHIN;
  if (parseDuration(cancelWithin) === undefined) {
    throw new StackyardError(
      "PLUGIN_INVALID",
      `The executor "${spec.name}" has the invalid cancelWithin ${JSON.stringify(cancelWithin)}. Use a duration such as "5m".`,
    );
  }
  // The worker passes only values that fit the schemas, which the compiler cannot see across the registry.
  return { ...spec, resumable: spec.resumable ?? true, cancelWithin } as Executor;
}

/** Structured logging. Fields never contain secrets; errors go under `error`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** A logger that discards everything. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

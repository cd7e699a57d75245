import type { NamedResource } from "../sim-call.ts";
import {
  findCustomName,
  type ResolvedResource,
  type ResolvedTemplate,
  type ResourceChange,
} from "./resolve-template.ts";
import { type Phase, STACK_TYPE, type StackEventFacts } from "./run-operation.ts";
import type { ParameterValues, Template } from "./templates.ts";

/** What all operations share. */
export interface CloudFormationState {
  readonly stacks: Map<string, SimStack>;
  readonly failures: ResourceFailure[];
  /** Type and name, with a space between. */
  readonly takenNames: Set<string>;
  /** The text of an object, as CloudFormation reads it with the caller's permissions; undefined: it is not there. */
  readonly findObject: FindObject;
}

/** What fails once. */
export interface ResourceFailure {
  readonly logicalId: string;
  readonly reason: string;
  /** Default: `do`. */
  readonly phase?: Phase;
}

/** Where templates and code lie. */
export type FindObject = (bucket: string, key: string, versionId?: string) => string | undefined;

/** A key and a value, as the API has them. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** What a stack is made from. */
export interface StackContent {
  readonly template: Template;
  readonly parameters: ParameterValues;
  readonly resolved: ResolvedTemplate;
  readonly tags: readonly Tag[];
}

/** A change set. It is evaluated two seconds after it was requested. */
export interface ChangeSet {
  readonly id: string;
  readonly name: string;
  readonly kind: "create" | "update";
  readonly content: StackContent;
  readonly changes: readonly ResourceChange[];
  readonly createdAt: number;
  readonly readyAt: number;
  /** Why it failed. */
  readonly failure: string | undefined;
  /** Of the call that made it. */
  readonly token: string | undefined;
  executedAt?: number;
  executedBy?: string | undefined;
}

/** One event, and the token of the call that began it. */
export interface StackEventRow extends StackEventFacts {
  readonly token: string | undefined;
}

/** A stack with all that ever happened to it. */
export interface SimStack extends NamedResource {
  readonly id: string;
  readonly createdAt: number;
  updatedAt?: number;
  /** Undefined: there is only a change set to create it. */
  content: StackContent | undefined;
  resources: ReadonlyMap<string, ResolvedResource>;
  events: readonly StackEventRow[];
  readonly changeSets: Map<string, ChangeSet>;
}

/** Returns the event with the current status of the stack. */
export function findStatusEvent({ events }: SimStack, now: number): StackEventRow | undefined {
  return events.findLast(({ at, type }) => at <= now && type === STACK_TYPE);
}

/** Returns a status such as `CREATE_COMPLETE`. */
export function statusOf(stack: SimStack, now: number): string {
  return findStatusEvent(stack, now)?.status ?? "REVIEW_IN_PROGRESS";
}

/** Returns the status and execution status of a change set, such as `AVAILABLE`: what can be done with it. */
export function changeSetStatus({ failure, readyAt, executedAt }: ChangeSet, now: number): [string, string] {
  if (now < readyAt) return ["CREATE_IN_PROGRESS", "UNAVAILABLE"];
  if (failure !== undefined) return ["FAILED", "UNAVAILABLE"];
  return ["CREATE_COMPLETE", executedAt === undefined ? "AVAILABLE" : "EXECUTE_COMPLETE"];
}

/**
 * Returns why a resource cannot be created, changed or deleted: a test said so, its name is taken (user guide, "Name
 * type": names are unique in an account and region), or a function's code is not in its bucket (Lambda API reference,
 * "FunctionCode").
 */
export function findFailure(state: CloudFormationState, change: ResourceChange, phase: Phase): string | undefined {
  const { logicalId, resource, action, isReplaced } = change;
  const at = state.failures.findIndex((each) => each.logicalId === logicalId && (each.phase ?? "do") === phase);
  const [planned] = at < 0 ? [] : state.failures.splice(at, 1);
  if (planned !== undefined) return planned.reason;
  if (phase !== "do") return undefined;
  const name = action === "Add" || isReplaced ? findCustomName(resource) : undefined;
  if (name !== undefined && state.takenNames.has(`${resource.type} ${name}`)) {
    const why = `Resource of type '${resource.type}' with identifier '${name}' already exists.`;
    return `Resource handler returned message: "${why}" (RequestToken: 0, HandlerErrorCode: AlreadyExists)`;
  }
  return resource.type === "AWS::Lambda::Function" ? findCodeFailure(state, resource.properties["Code"]) : undefined;
}

function findCodeFailure({ findObject }: CloudFormationState, code: unknown): string | undefined {
  const { S3Bucket: bucket, S3Key: key, S3ObjectVersion: version } = Object(code);
  if (typeof bucket !== "string" || typeof key !== "string") return undefined;
  if (findObject(bucket, key, typeof version === "string" && version !== "" ? version : undefined) !== undefined)
    return undefined;
  const why =
    "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.";
  return `Resource handler returned message: "${why} (Service: Lambda, Status Code: 400)"`;
}

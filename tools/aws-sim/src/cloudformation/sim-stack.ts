import type { ResourceChange } from "./find-changes.ts";
import type { Template } from "./parse-template.ts";
import type { ResolvedResource, ResolvedTemplate } from "./resolve-template.ts";
import { STACK_TYPE, type StackEventFacts } from "./run-operation.ts";
import type { ParameterValues } from "./to-parameters.ts";

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

/** A change set. It is judged two seconds after it was asked for. */
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
  executedAt?: number;
}

/** One event, and the token of the call that began it. */
export interface StackEventRow extends StackEventFacts {
  readonly token: string | undefined;
}

/** A stack with all that ever happened to it. */
export interface SimStack {
  readonly id: string;
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly createdAt: number;
  updatedAt?: number;
  /** Undefined: there is only a change set to create it. */
  content: StackContent | undefined;
  resources: ReadonlyMap<string, ResolvedResource>;
  events: readonly StackEventRow[];
  readonly changeSets: Map<string, ChangeSet>;
}

/** The event that tells how the stack stands now. */
export function findStatusEvent({ events }: SimStack, now: number): StackEventRow | undefined {
  return events.findLast(({ at, type }) => at <= now && type === STACK_TYPE);
}

/** Such as `CREATE_COMPLETE`. */
export function statusOf(stack: SimStack, now: number): string {
  return findStatusEvent(stack, now)?.status ?? "REVIEW_IN_PROGRESS";
}

/** Such as `AVAILABLE`: what can be done with a change set. */
export function changeSetStatus({ failure, readyAt, executedAt }: ChangeSet, now: number): [string, string] {
  if (now < readyAt) return ["CREATE_IN_PROGRESS", "UNAVAILABLE"];
  if (failure !== undefined) return ["FAILED", "UNAVAILABLE"];
  return ["CREATE_COMPLETE", executedAt === undefined ? "AVAILABLE" : "EXECUTE_COMPLETE"];
}

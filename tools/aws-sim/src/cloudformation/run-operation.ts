import { defined } from "@stackyard/core";
import type { ResourceChange } from "./resolve-template.ts";

/** One line of a stack's events. */
export interface StackEventFacts {
  readonly at: number;
  readonly logicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

/** An operation on a stack. */
export interface OperationInput {
  readonly kind: "create" | "update" | "delete";
  readonly stackName: string;
  readonly changes: readonly ResourceChange[];
  readonly startAt: number;
  /** Between two events. */
  readonly stepMs: number;
  /** What has the policy Retain stays when its creation is rolled back. Default: true. */
  readonly retainsNew?: boolean;
  /** Returns why the resource cannot be created, changed or deleted; undefined if it can. */
  readonly findFailure: (change: ResourceChange, phase: Phase) => string | undefined;
}

/** What is done to a resource when it fails. */
export type Phase = "do" | "undo" | "delete";

/** How an operation goes. It is known when it begins; who looks sees what has happened until then. */
export interface Operation {
  readonly events: readonly StackEventFacts[];
  readonly outcome: "done" | "undone" | "stuck";
}

/** The resource type of a stack in its own events. */
export const STACK_TYPE = "AWS::CloudFormation::Stack";

type Tell = (change: ResourceChange, status: string, reason?: string) => void;

interface Course {
  readonly input: OperationInput;
  readonly tell: Tell;
  reportStack(status: string, reason?: string): void;
}

/**
 * Plays an operation. Source: user guide, "Understand stack creation events" and "Stack failure options": statuses and
 * their order; when a resource fails, those in progress are cancelled, and what was done is undone in reverse order.
 */
export function runOperation(input: OperationInput): Operation {
  const events: StackEventFacts[] = [];
  const add = (logicalId: string, type: string, status: string, reason?: string): void => {
    const at = input.startAt + events.length * input.stepMs;
    events.push(defined({ at, logicalId, type, status, reason }));
  };
  const course: Course = {
    input,
    tell: ({ logicalId, resource }, status, reason) => add(logicalId, resource.type, status, reason),
    reportStack: (status, reason) => add(input.stackName, STACK_TYPE, status, reason),
  };
  course.reportStack(`${input.kind.toUpperCase()}_IN_PROGRESS`, "User Initiated");
  return { outcome: input.kind === "delete" ? runDelete(course) : runChange(course), events };
}

function runChange(course: Course): Operation["outcome"] {
  const { kind, changes } = course.input;
  const work = changes.filter(({ action }) => action !== "Remove");
  const done: ResourceChange[] = [];
  for (const [index, change] of work.entries()) {
    const failed = doChange(course, change, work[index + 1]);
    if (failed.length > 0) return undo(course, done, failed);
    done.push(change);
  }
  if (kind === "create") {
    course.reportStack("CREATE_COMPLETE");
    return "done";
  }
  course.reportStack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
  for (const change of changes) if (change.action === "Remove" || change.isReplaced) reportDelete(course, change);
  course.reportStack("UPDATE_COMPLETE");
  return "done";
}

/** Returns what failed: nothing, or the resource and the one in progress at the same time. */
function doChange({ input, tell }: Course, change: ResourceChange, next?: ResourceChange): readonly ResourceChange[] {
  const verb = toVerb(change);
  tell(
    change,
    `${verb}_IN_PROGRESS`,
    change.isReplaced
      ? "Requested update requires the creation of a new physical resource; hence creating one."
      : undefined,
  );
  const why = input.findFailure(change, "do");
  if (why === undefined) {
    if (verb === "CREATE") tell(change, "CREATE_IN_PROGRESS", "Resource creation Initiated");
    tell(change, `${verb}_COMPLETE`);
    return [];
  }
  if (next !== undefined) tell(next, `${toVerb(next)}_IN_PROGRESS`);
  tell(change, `${verb}_FAILED`, why);
  if (next === undefined) return [change];
  tell(next, `${toVerb(next)}_FAILED`, `Resource ${toVerb(next) === "CREATE" ? "creation" : "update"} cancelled`);
  return [change, next];
}

function undo(
  course: Course,
  done: readonly ResourceChange[],
  failed: readonly ResourceChange[],
): Operation["outcome"] {
  const { kind } = course.input;
  const prefix = kind === "create" ? "ROLLBACK" : "UPDATE_ROLLBACK";
  const what = kind === "create" || failed[0]?.action === "Add" ? "create" : "update";
  const names = failed.map(({ logicalId }) => logicalId).join(", ");
  const by = kind === "create" ? " Rollback requested by user." : "";
  course.reportStack(`${prefix}_IN_PROGRESS`, `The following resource(s) failed to ${what}: [${names}].${by}`);
  const backwards = done.toReversed();
  const stuck = backwards.find((change) => !undoChange(course, change));
  if (stuck !== undefined) {
    const verb = stuck.action === "Add" ? "delete" : "update";
    course.reportStack(`${prefix}_FAILED`, `The following resource(s) failed to ${verb}: [${stuck.logicalId}].`);
    return "stuck";
  }
  if (kind === "update") course.reportStack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
  course.reportStack(`${prefix}_COMPLETE`);
  return "undone";
}

function undoChange(course: Course, change: ResourceChange): boolean {
  if (change.action === "Add") return reportDelete(course, change, "undo");
  course.tell(change, "UPDATE_IN_PROGRESS");
  const why = course.input.findFailure(change, "undo");
  course.tell(change, why === undefined ? "UPDATE_COMPLETE" : "UPDATE_FAILED", why);
  return why === undefined;
}

function runDelete(course: Course): Operation["outcome"] {
  const stuck = course.input.changes.toReversed().filter((change) => !reportDelete(course, change));
  const names = stuck.map(({ logicalId }) => logicalId).join(", ");
  if (stuck.length === 0) course.reportStack("DELETE_COMPLETE");
  else course.reportStack("DELETE_FAILED", `The following resource(s) failed to delete: [${names}].`);
  return stuck.length === 0 ? "done" : "stuck";
}

/**
 * Follows the user guide, "DeletionPolicy": what is retained is skipped, when its creation is rolled back too, unless
 * the policy or the call (API reference, "ExecuteChangeSet", RetainExceptOnCreate) says otherwise.
 */
function reportDelete({ input, tell }: Course, change: ResourceChange, phase: Phase = "delete"): boolean {
  const { deletionPolicy } = change.resource;
  const policies = phase === "delete" ? ["Retain", "RetainExceptOnCreate"] : ["Retain"];
  const isRetained = phase === "delete" || input.retainsNew !== false;
  if (isRetained && policies.includes(deletionPolicy)) {
    tell(change, "DELETE_SKIPPED");
    return true;
  }
  tell(change, "DELETE_IN_PROGRESS");
  const why = input.findFailure(change, phase);
  tell(change, why === undefined ? "DELETE_COMPLETE" : "DELETE_FAILED", why);
  return why === undefined;
}

function toVerb({ action }: ResourceChange): "CREATE" | "UPDATE" {
  return action === "Add" ? "CREATE" : "UPDATE";
}

import { RunTaskCommand } from "@aws-sdk/client-ecs";
import { findAwsFault } from "@stackyard/aws";
import { isTransientReason, toPlacementMessage, toReasonText } from "./placement.ts";
import { type StartAnswer, startOnInstances } from "./start-on-instances.ts";
import { type EcsDeps, expectedCountOf, type TaskOrder, toRunTaskInput } from "./task-order.ts";
import { type AwsFailure, toAwsFailure } from "./to-aws-failure.ts";

/** What became of one try; `taskArns` are all tasks that run for the order now, those of earlier tries first. */
export type StartResult =
  | { readonly kind: "started"; readonly taskArns: readonly string[] }
  /** Reasons that pass: try again, or stop what did start. */
  | {
      readonly kind: "retry";
      /** The call itself was refused: the same order with the same token again. Else the next try takes another token. */
      readonly isSameTry: boolean;
      readonly taskArns: readonly string[];
      readonly reasons: readonly string[];
      readonly code: "ECS_PLACEMENT_FAILED";
      readonly message: string;
    }
  /** Another try would not help; what did start must be stopped. */
  | {
      readonly kind: "failed";
      readonly taskArns: readonly string[];
      readonly code: "ECS_PLACEMENT_FAILED" | AwsFailure["code"];
      readonly message: string;
      /** AWS could not serve the call now, and may later. */
      readonly retryable: boolean;
    };

/**
 * One try to start what is missing of an order. The same order with the same `alreadyStarted` may be sent again after a
 * crash and starts nothing twice: RunTask by its client token (and the tasks that a ConflictException names are adopted),
 * StartTask by `intendedAt`. Errors of AWS are answers, not throws.
 */
export async function startTasks(
  deps: EcsDeps,
  order: TaskOrder,
  alreadyStarted: readonly string[],
): Promise<StartResult> {
  const missing = expectedCountOf(order) - alreadyStarted.length;
  if (missing <= 0) return { kind: "started", taskArns: alreadyStarted };
  const onInstances = order.instances !== undefined && order.instances.length > 0;
  try {
    const answer = onInstances
      ? await startOnInstances(deps, order, alreadyStarted)
      : await runTasks(deps, order, missing);
    return toResult(order, alreadyStarted, answer);
  } catch (error) {
    const what = `${onInstances ? "StartTask" : "RunTask"} in "${order.cluster}"`;
    return deps.signal.aborted ? toInterrupted(alreadyStarted, what) : toErrorResult(error, alreadyStarted, what);
  }
}

async function runTasks({ ecs }: EcsDeps, order: TaskOrder, count: number): Promise<StartAnswer> {
  try {
    const { tasks = [], failures = [] } = await ecs.send(new RunTaskCommand(toRunTaskInput(order, count)));
    return { tasks, failures };
  } catch (error) {
    const adopted = findAdopted(error);
    if (adopted.length === 0) throw error;
    return { tasks: adopted.map((taskArn) => ({ taskArn })), failures: [] };
  }
}

/** RunTask API, ConflictException: `resourceIds` are the tasks that the client token has started with other parameters. */
function findAdopted(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.name !== "ConflictException") return [];
  const ids: unknown = "resourceIds" in error ? error.resourceIds : [];
  return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === "string" && id !== "") : [];
}

function toResult(order: TaskOrder, alreadyStarted: readonly string[], { tasks, failures }: StartAnswer): StartResult {
  const taskArns = [...new Set([...alreadyStarted, ...tasks.flatMap(({ taskArn }) => taskArn ?? [])])];
  const expected = expectedCountOf(order);
  if (failures.length === 0 && taskArns.length >= expected) return { kind: "started", taskArns };
  const reasons = failures.map(toReasonText);
  const message = toPlacementMessage({ placed: taskArns.length, expected }, reasons);
  // ECS names no reasons when a try is repeated after a crash: it answers with what the first one has started.
  const passes = failures.every(({ reason }) => isTransientReason(reason));
  const code = "ECS_PLACEMENT_FAILED";
  if (passes) return { kind: "retry", isSameTry: false, taskArns, reasons, code, message };
  return { kind: "failed", taskArns, code, message, retryable: false };
}

/** What was asked may have been done: the same order tells, when it is sent again. */
function toInterrupted(taskArns: readonly string[], what: string): StartResult {
  const message = `${what} was interrupted before its outcome was known.`;
  return { kind: "failed", taskArns, code: "ECS_AWS_ERROR", message, retryable: true };
}

function toErrorResult(error: unknown, taskArns: readonly string[], what: string): StartResult {
  const failure = toAwsFailure(error, what);
  const passes = findAwsFault(error).throttled || isTransientReason(toLimitText(error));
  if (!passes) return { kind: "failed", taskArns, ...failure };
  const { message } = failure;
  return { kind: "retry", isSameTry: true, taskArns, reasons: [message], code: "ECS_PLACEMENT_FAILED", message };
}

/** ECS tells limits on what is provisioned or runs at once by these two. */
function toLimitText(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return ["ClientException", "LimitExceededException"].includes(error.name) ? error.message : undefined;
}

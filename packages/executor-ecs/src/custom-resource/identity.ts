import { createHash } from "node:crypto";
import type { Tag } from "@aws-sdk/client-ecs";
import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import { keepStart } from "@stackyard/core";

type Subject = Pick<CustomResourceRequest, "StackId" | "LogicalResourceId">;

/**
 * Returns the `startedBy` of a resource's tasks, also its physical id: 32 hex digits, computed as in all versions, so
 * that running tasks of older deployments are found. It is an identifier and not a secret.
 */
export function toResourceId({ StackId, LogicalResourceId }: Subject): string {
  return createHash("md5").update(StackId).update(LogicalResourceId).digest("hex");
}

/**
 * Returns the client token of one try of RunTask, 64 characters: ECS returns the same tasks for the same token (RunTask
 * API, `clientToken`). Later tries of one request have other tokens, because they request only the missing tasks.
 * Attempts begin with 1.
 */
export function toClientToken(requestId: string, attempt: number): string {
  return createHash("sha256").update(`${requestId}${attempt}`).digest("hex");
}

/**
 * Returns the name of a request's execution (Step Functions API, StartExecution, `name`: 80 characters of few kinds),
 * also used in keys. CloudFormation's ids fit unchanged.
 */
export function toExecutionName(requestId: string): string {
  if (/^[A-Za-z0-9_-]{1,80}$/.test(requestId)) return requestId;
  return createHash("sha256").update(requestId).digest("hex");
}

/** Names of the tags that each task has. */
export const TASK_TAGS = {
  stack: "stackyard:stack",
  logicalId: "stackyard:logical-id",
  request: "stackyard:request",
  /** Only if tasks' ARNs are physical ids: the ARN in the response of the task's run. */
  physicalId: "stackyard:physical-id",
} as const;

/** Returns the tags of tasks that a request starts. */
export function toTaskTags(request: Subject & Pick<CustomResourceRequest, "RequestId">): Tag[] {
  return [
    { key: TASK_TAGS.stack, value: toTagValue(request.StackId) },
    { key: TASK_TAGS.logicalId, value: toTagValue(request.LogicalResourceId) },
    { key: TASK_TAGS.request, value: toTagValue(request.RequestId) },
  ];
}

/**
 * Replaces invalid characters. ECS API, Tag: up to 256 characters, letters, digits, white space and `+ - = . _ : / @`.
 */
function toTagValue(text: string): string {
  return keepStart(text.replace(/[^\p{L}\p{N}\s+\-=._:/@]/gu, "_"), 256);
}

/**
 * Returns the physical id of a response. Create returns the resource's own, later requests the one they contain, so
 * that no update is a replacement. With tasks' ARNs as ids, a run returns its first one; a failed update keeps the old
 * one, because CloudFormation rolls back to it.
 */
export function toPhysicalId(
  { request, taskArns }: { readonly request: CustomResourceRequest; readonly taskArns: readonly string[] },
  { id, mode, status }: { readonly id: string; readonly mode: "id" | "taskArn"; readonly status: "SUCCESS" | "FAILED" },
): string {
  const { RequestType, PhysicalResourceId } = request;
  const brought = RequestType === "Create" ? undefined : PhysicalResourceId;
  const isRun = RequestType === "Create" || (RequestType === "Update" && status === "SUCCESS");
  return (mode === "taskArn" && isRun ? taskArns[0] : undefined) ?? brought ?? id;
}

import { createHash } from "node:crypto";
import type { Tag } from "@aws-sdk/client-ecs";
import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";

type Subject = Pick<CustomResourceRequest, "StackId" | "LogicalResourceId">;

/**
 * What a resource's tasks are started by, and its physical id: 32 hex digits, made as they always were, so that running
 * tasks of older deployments are found. It is an identifier and no secret.
 */
export function toResourceId({ StackId, LogicalResourceId }: Subject): string {
  return createHash("md5").update(StackId).update(LogicalResourceId).digest("hex");
}

/**
 * The client token of one try of RunTask, 64 characters: ECS gives the same tasks for the same token (RunTask API,
 * `clientToken`). Tries of one request have other tokens, since they ask for the rest only. Attempts begin with 1.
 */
export function toClientToken(requestId: string, attempt: number): string {
  return createHash("sha256").update(`${requestId}${attempt}`).digest("hex");
}

/**
 * The name of a request's execution (Step Functions API, StartExecution, `name`: 80 characters of few kinds), and the part
 * of keys that is the request's. What CloudFormation sends fits as it is.
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
  /** Only where tasks' ARNs are physical ids: the ARN under which the task's run was answered. */
  physicalId: "stackyard:physical-id",
} as const;

/** The tags of tasks that a request starts. */
export function toTaskTags(request: Subject & Pick<CustomResourceRequest, "RequestId">): Tag[] {
  return [
    { key: TASK_TAGS.stack, value: toTagValue(request.StackId) },
    { key: TASK_TAGS.logicalId, value: toTagValue(request.LogicalResourceId) },
    { key: TASK_TAGS.request, value: toTagValue(request.RequestId) },
  ];
}

/** ECS API, Tag: up to 256 characters, letters, digits, white space and `+ - = . _ : / @`. */
function toTagValue(text: string): string {
  return text.replace(/[^\p{L}\p{N}\s+\-=._:/@]/gu, "_").slice(0, 256);
}

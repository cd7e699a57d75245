import type { TaskWork } from "./task-work.ts";

/**
 * The physical id of an answer. Create gives the resource's own, later requests give back what they brought, so that no
 * update is a replacement. With tasks' ARNs as ids, a run is answered with its first one; an update that failed keeps what it
 * had, since CloudFormation goes back to that.
 */
export function toPhysicalId(
  { request, taskArns }: Pick<TaskWork, "request" | "taskArns">,
  { id, mode, status }: { readonly id: string; readonly mode: "id" | "taskArn"; readonly status: "SUCCESS" | "FAILED" },
): string {
  const { RequestType, PhysicalResourceId } = request;
  const brought = RequestType === "Create" ? undefined : PhysicalResourceId;
  const isRun = RequestType === "Create" || (RequestType === "Update" && status === "SUCCESS");
  return (mode === "taskArn" && isRun ? taskArns[0] : undefined) ?? brought ?? id;
}

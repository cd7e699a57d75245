import type { TaskProperties } from "./parse-properties.ts";
import type { TaskWork } from "./task-work.ts";

/** Seconds: CloudFormation waits for an hour, or for `ServiceTimeout`, and an answer takes its time. */
const LONGEST = 3_540;
const BEFORE_SERVICE_TIMEOUT = 60;

/** When the work must have ended, counted from the request. What is not waited for must at least have been started by then. */
export function toDeadline(
  { timeout, serviceTimeout }: Pick<TaskProperties, "timeout" | "serviceTimeout">,
  { receivedAt }: Pick<TaskWork, "receivedAt">,
): number {
  const limits = [LONGEST, timeout === 0 ? LONGEST : timeout];
  if (serviceTimeout !== undefined) limits.push(serviceTimeout - BEFORE_SERVICE_TIMEOUT);
  return receivedAt + Math.max(0, Math.min(...limits)) * 1_000;
}

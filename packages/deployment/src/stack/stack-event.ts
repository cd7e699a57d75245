import type { StackEvent } from "@aws-sdk/client-cloudformation";

/** One event of a stack: something that happened to a resource or to the stack itself. */
export interface ResourceEvent {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly logicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string | undefined;
  /** Of the stack itself, not of a resource or a nested stack. */
  readonly isStack: boolean;
}

/** From the API's form. */
export function toResourceEvent(event: StackEvent): ResourceEvent {
  const {
    EventId: id = "",
    LogicalResourceId: logicalId = "",
    ResourceType: type = "",
    ResourceStatus: status,
  } = event;
  return {
    id,
    logicalId,
    type,
    status: status ?? "",
    reason: event.ResourceStatusReason,
    at: (event.Timestamp ?? new Date(0)).toISOString(),
    isStack: event.PhysicalResourceId !== undefined && event.PhysicalResourceId === event.StackId,
  };
}

/** How an operation on a stack went, by its events. */
export interface OperationSummary {
  /** The stack's last status. */
  readonly status: string;
  /** Resources that failed, each with why, the cause first; those that were only stopped beside it are left out. */
  readonly failures: readonly ResourceEvent[];
  /** Resources that still stand although they should not: kept by their policy, or not to be deleted. */
  readonly left: readonly string[];
}

const CANCELLED = /^Resource (creation|update|deletion) cancelled/i;

/** Sums the events of one operation up, oldest first. */
export function summarize(events: readonly ResourceEvent[]): OperationSummary {
  const ofResources = events.filter(({ isStack }) => !isStack);
  const failed = ofResources.filter(
    ({ status, reason }) => status.endsWith("_FAILED") && !CANCELLED.test(reason ?? ""),
  );
  const last = new Map(ofResources.map((event) => [event.logicalId, event.status]));
  const left = [...last].flatMap(([id, status]) => (/^DELETE_(FAILED|SKIPPED)$/.test(status) ? [id] : []));
  const status = events.findLast(({ isStack }) => isStack)?.status ?? "";
  return { status, failures: failed, left };
}

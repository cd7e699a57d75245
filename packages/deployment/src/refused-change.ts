import { type CloudFormationClient, DescribeEventsCommand, type OperationEvent } from "@aws-sdk/client-cloudformation";
import { runOptional } from "@stackyard/aws";
import { trimEndOf } from "@stackyard/core";

/** The change set that CloudFormation refuses. */
interface RefusedChange {
  readonly StackName: string;
  readonly ChangeSetName: string;
}

/** CloudFormation validates while it makes a change set, and its reason then only says where the reasons are. */
const ELSEWHERE = /\bDescribeEvents\b|\bEarlyValidation\b/;
const MAX_REASONS = 5;

/**
 * Returns why CloudFormation refuses a change: its reason, or the resources that did not pass its validation (API reference,
 * "DescribeEvents"). Where these may not be read, the reason says which call names them.
 */
export async function explainRefusal(client: CloudFormationClient, at: RefusedChange, reason: string): Promise<string> {
  const said = trimEndOf(reason.trim(), ".");
  if (!ELSEWHERE.test(reason)) return said || "no reason is given";
  const found = await runOptional(() => loadFailures(client, at)).catch(() => []);
  return found.length === 0 ? said : found.join("; ");
}

async function loadFailures(client: CloudFormationClient, { ChangeSetName, StackName }: RefusedChange) {
  const command = new DescribeEventsCommand({ ChangeSetName, StackName, Filters: { FailedEvents: true } });
  const { OperationEvents = [] } = await client.send(command);
  return [...new Set(OperationEvents.flatMap(describe))].slice(0, MAX_REASONS);
}

function describe({ LogicalResourceId, ResourceType, ...event }: OperationEvent): readonly string[] {
  const reason = event.ValidationStatusReason ?? event.HookStatusReason ?? event.ResourceStatusReason;
  if (reason === undefined) return [];
  const who = LogicalResourceId === undefined ? (event.ValidationPath ?? "the template") : LogicalResourceId;
  return [`${who}${ResourceType === undefined ? "" : ` (${ResourceType})`}: ${trimEndOf(reason, ".")}`];
}

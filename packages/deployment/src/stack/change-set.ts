import {
  type CloudFormationClient,
  CreateChangeSetCommand,
  type CreateChangeSetCommandInput,
  DeleteChangeSetCommand,
  paginateDescribeChangeSet,
} from "@aws-sdk/client-cloudformation";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, StackyardError } from "@stackyard/core";

/** What a change set would do to one resource. */
export interface PlannedChange {
  readonly action: string;
  readonly logicalId: string;
  readonly type: string;
  /** `True`: the resource is made anew; `Conditional`: that is seen only then. */
  readonly replacement: string | undefined;
}

/** A change set that can be executed, or one that was empty and is gone. */
export type PreparedChange =
  | {
      readonly kind: "ready";
      readonly stackId: string;
      readonly name: string;
      readonly changes: readonly PlannedChange[];
    }
  | { readonly kind: "unchanged" };

const POLL_MS = 2_000;
/** Reasons of empty change sets (API reference, "DescribeChangeSet"; user guide, "Troubleshooting", "No updates to perform"). */
const NO_CHANGES = /didn't contain changes|No updates are to be performed/;

/**
 * Makes a change set and waits until CloudFormation has judged it. One that fails or changes nothing is deleted. Throws
 * `CONFIG_INVALID` with CloudFormation's reason.
 */
export async function prepareChangeSet(
  client: CloudFormationClient,
  input: CreateChangeSetCommandInput & { readonly ChangeSetName: string; readonly StackName: string },
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PreparedChange> {
  const stackId = await create(client, input);
  const at = { StackName: stackId, ChangeSetName: input.ChangeSetName };
  for (;;) {
    const { status, reason, changes } = await load(client, at);
    if (status === "CREATE_COMPLETE") return { kind: "ready", stackId, name: input.ChangeSetName, changes };
    if (status === "FAILED") {
      await dropChangeSet(client, at);
      if (NO_CHANGES.test(reason)) return { kind: "unchanged" };
      throw new StackyardError(
        "CONFIG_INVALID",
        `CloudFormation refuses the change: ${reason || "it gives no reason"}.`,
      );
    }
    await clock.sleep(POLL_MS, signal);
    if (signal.aborted) {
      await dropChangeSet(client, at);
      throw new StackyardError("INTERRUPTED", "Interrupted. Nothing was changed.");
    }
  }
}

async function create(client: CloudFormationClient, input: CreateChangeSetCommandInput): Promise<string> {
  try {
    const { StackId = "" } = await client.send(new CreateChangeSetCommand(input));
    return StackId;
  } catch (error) {
    throw toAwsError(error, `CloudFormation refuses the change of ${input.StackName}.`);
  }
}

interface ChangeSetAddress {
  readonly StackName: string;
  readonly ChangeSetName: string;
}

async function load(client: CloudFormationClient, at: ChangeSetAddress) {
  const changes: PlannedChange[] = [];
  let status = "";
  let reason = "";
  try {
    for await (const page of paginateDescribeChangeSet({ client }, at)) {
      status = page.Status ?? "";
      reason = page.StatusReason ?? "";
      for (const { ResourceChange } of page.Changes ?? []) {
        if (ResourceChange === undefined) continue;
        const { Action: action = "", LogicalResourceId: logicalId = "", ResourceType: type = "" } = ResourceChange;
        changes.push({ action, logicalId, type, replacement: ResourceChange.Replacement });
      }
    }
  } catch (error) {
    throw toAwsError(error, "CloudFormation does not say what it thinks of the change.");
  }
  return { status, reason, changes };
}

/** Takes a change set away; one that is gone already is no matter. */
export async function dropChangeSet(client: CloudFormationClient, at: ChangeSetAddress): Promise<void> {
  try {
    await client.send(new DeleteChangeSetCommand(at));
  } catch (error) {
    const { name } = findAwsFault(error);
    if (name === "ChangeSetNotFoundException" || name === "ChangeSetNotFound") return;
    throw toAwsError(error, `The change set ${at.ChangeSetName} cannot be deleted.`);
  }
}

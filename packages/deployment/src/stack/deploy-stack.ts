import {
  type CloudFormationClient,
  type CreateChangeSetCommandInput,
  DeleteStackCommand,
  ExecuteChangeSetCommand,
} from "@aws-sdk/client-cloudformation";
import { toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import { dropChangeSet, type PlannedChange, prepareChangeSet } from "./change-set.ts";
import { findStack, type StackFacts } from "./find-stack.ts";
import { type FollowDeps, findLastEventId, followStack } from "./follow-stack.ts";
import { judgeStatus } from "./judge-status.ts";
import type { StackParameter } from "./plan-parameters.ts";
import { type OperationSummary, summarize } from "./stack-event.ts";

/** What a stack shall become. */
export interface DeployInput {
  readonly name: string;
  /** As it stands now; undefined: it is new. */
  readonly existing: StackFacts | undefined;
  readonly templateUrl: string;
  readonly parameters: readonly StackParameter[];
  readonly tags: Readonly<Record<string, string>>;
  /** Whether a role of the template has a name of its own. */
  readonly namesRoles: boolean;
  /** Only tells what would change. */
  readonly dryRun: boolean;
}

/** How it went. What fails is thrown. */
export type DeployResult =
  | { readonly kind: "planned"; readonly changes: readonly PlannedChange[] }
  | { readonly kind: "unchanged" }
  | { readonly kind: "created" | "updated"; readonly stack: StackFacts | undefined };

/**
 * Creates or updates a stack through a change set and waits for its end. Nothing to change is success. A creation that was
 * rolled back before is cleared away first. Throws `RECORD_CONFLICT` when the stack cannot be changed now,
 * `CONFIG_INVALID` when CloudFormation refuses, `OUTCOME_NEGATIVE` when it failed and all was undone, `LEFT_BEHIND` when
 * something stays, `TIMED_OUT` and `INTERRUPTED` while CloudFormation goes on.
 */
export async function deployStack(
  client: CloudFormationClient,
  input: DeployInput,
  deps: FollowDeps,
): Promise<DeployResult> {
  const verdict = judgeStatus(input.existing?.status);
  if (verdict.kind === "refused") {
    throw new StackyardError("RECORD_CONFLICT", `The stack ${input.name} cannot be changed now. ${verdict.reason}`);
  }
  if (verdict.kind === "replace" && input.existing !== undefined) {
    if (input.dryRun) throw new StackyardError("RECORD_CONFLICT", `${input.name} ${ROLLED_BACK}`);
    await removeStack(client, input.existing.id, deps);
  }
  const type = verdict.kind === "update" ? "UPDATE" : "CREATE";
  const prepared = await prepare(client, input, type, deps);
  if (prepared.kind === "unchanged") return prepared;
  const at = { StackName: prepared.stackId, ChangeSetName: prepared.name };
  if (input.dryRun) {
    await dropChangeSet(client, at);
    if (type === "CREATE") await dropShell(client, prepared.stackId);
    return { kind: "planned", changes: prepared.changes };
  }
  await execute(client, at, deps);
  const stack = await findStack(client, prepared.stackId);
  return { kind: type === "CREATE" ? "created" : "updated", stack };
}

const ROLLED_BACK =
  "is what a failed creation has left, empty; a dry run cannot look past it. Deploying clears it away first.";

async function prepare(client: CloudFormationClient, input: DeployInput, type: "CREATE" | "UPDATE", deps: FollowDeps) {
  const request = {
    StackName: input.name,
    ChangeSetType: type,
    TemplateURL: input.templateUrl,
    ChangeSetName: `stackyard-${deps.clock.now().toString(36)}`,
    Parameters: [...input.parameters],
    Tags: Object.entries(input.tags).map(([Key, Value]) => ({ Key, Value })),
    Capabilities: [input.namesRoles ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"],
  } satisfies CreateChangeSetCommandInput;
  try {
    return await prepareChangeSet(client, request, deps);
  } catch (error) {
    // A refused creation leaves an empty stack in review, which nobody would look for.
    if (input.existing === undefined) await dropShell(client, input.name).catch(() => {});
    throw error;
  }
}

async function execute(
  client: CloudFormationClient,
  at: { readonly StackName: string; readonly ChangeSetName: string },
  deps: FollowDeps,
): Promise<void> {
  const after = await findLastEventId(client, at.StackName);
  try {
    const ClientRequestToken = at.ChangeSetName;
    await client.send(new ExecuteChangeSetCommand({ ...at, ClientRequestToken, RetainExceptOnCreate: true }));
  } catch (error) {
    throw toAwsError(error, "CloudFormation does not begin with the change.");
  }
  const summary = summarize(await followStack(client, { stackId: at.StackName, after }, deps));
  if (!/^(CREATE|UPDATE)_COMPLETE$/.test(summary.status)) throw toFailure(summary);
}

function toFailure({ status, failures, left }: OperationSummary): StackyardError {
  const told = failures
    .slice(0, 5)
    .map(({ logicalId, type, reason }) => `${logicalId} (${type}): ${reason ?? "no reason"}`);
  const why = told.length > 0 ? told.join("\n") : "CloudFormation names no resource; look at the events of the stack.";
  const isUndone = /^(UPDATE_)?ROLLBACK_COMPLETE$/.test(status) && left.length === 0;
  const details = { status, failed: failures.map(({ logicalId }) => logicalId), left };
  if (isUndone) {
    const hint = "All was undone. Correct it and deploy again.";
    return new StackyardError("OUTCOME_NEGATIVE", `The stack failed: ${why}`, { details: { ...details, hint } });
  }
  const rest = left.length > 0 ? ` Left behind: ${left.join(", ")}.` : "";
  const hint = "Look at the stack in CloudFormation, take away what is left, then deploy again.";
  const message = `The stack failed and stands in ${status}: ${why}.${rest}`;
  return new StackyardError("LEFT_BEHIND", message, { details: { ...details, hint } });
}

/** Deletes the shell of a creation that was rolled back, and waits. */
async function removeStack(client: CloudFormationClient, stackId: string, deps: FollowDeps): Promise<void> {
  const after = await findLastEventId(client, stackId);
  try {
    await client.send(new DeleteStackCommand({ StackName: stackId }));
  } catch (error) {
    throw toAwsError(error, "The rolled back creation cannot be cleared away.");
  }
  const summary = summarize(await followStack(client, { stackId, after }, deps));
  if (summary.status !== "DELETE_COMPLETE") throw toFailure(summary);
}

/** A stack that has only had a change set holds nothing. */
async function dropShell(client: CloudFormationClient, name: string): Promise<void> {
  const shell = await findStack(client, name);
  if (shell?.status === "REVIEW_IN_PROGRESS") await client.send(new DeleteStackCommand({ StackName: shell.id }));
}

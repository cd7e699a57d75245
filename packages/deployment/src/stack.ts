import {
  type CloudFormationClient,
  CreateChangeSetCommand,
  type CreateChangeSetCommandInput,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  type Parameter,
  paginateDescribeChangeSet,
  paginateDescribeStackEvents,
  paginateDescribeStacks,
  type Stack,
  type StackEvent,
} from "@aws-sdk/client-cloudformation";
import { callAws, findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, retry, StackyardError } from "@stackyard/core";
import { type Place, parsePlace } from "./published-objects.ts";
import { explainRefusal } from "./refused-change.ts";

/** The desired state of a stack. */
export interface DeployInput {
  readonly name: string;
  /** The present state; undefined for a new stack. */
  readonly existing: StackFacts | undefined;
  readonly templateUrl: string;
  readonly parameters: readonly Parameter[];
  readonly tags: Readonly<Record<string, string>>;
  /** True if a role of the template has an explicit name. */
  readonly namesRoles: boolean;
  /** True to report what would change without changing anything. */
  readonly dryRun: boolean;
}

/** The result of a deployment. A failure is thrown. */
export type DeployResult =
  | { readonly kind: "planned"; readonly changes: readonly PlannedChange[] }
  | { readonly kind: "unchanged" }
  | { readonly kind: "created" | "updated"; readonly stack: StackFacts | undefined };

/**
 * Creates or updates a stack through a change set and waits for its end. No changes count as success. Deletes a
 * creation that was rolled back first. Throws `RECORD_CONFLICT` when the stack cannot be changed now, `CONFIG_INVALID`
 * when CloudFormation rejects it, `OUTCOME_NEGATIVE` when it failed and was rolled back, `LEFT_BEHIND` when resources
 * remain, `TIMED_OUT` and `INTERRUPTED` while CloudFormation continues.
 */
export async function deployStack(
  client: CloudFormationClient,
  input: DeployInput,
  deps: FollowDeps,
): Promise<DeployResult> {
  const verdict = evaluateStatus(input.existing?.status);
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
  const { at, changes } = prepared;
  if (input.dryRun) {
    await dropChangeSet(client, at, deps);
    if (type === "CREATE") await dropShell(client, input, deps);
    return { kind: "planned", changes };
  }
  await execute(client, at, deps);
  const stack = await findStack(client, at.StackName);
  return { kind: type === "CREATE" ? "created" : "updated", stack };
}

const ROLLED_BACK =
  "is what a failed creation has left, empty; a dry run cannot look past it. Deploying clears it away first.";

async function prepare(client: CloudFormationClient, input: DeployInput, type: "CREATE" | "UPDATE", deps: FollowDeps) {
  const ChangeSetName = `stackyard-${deps.clock.now().toString(36)}`;
  const request = {
    StackName: input.name,
    ChangeSetType: type,
    TemplateURL: input.templateUrl,
    ChangeSetName,
    // The SDK repeats a call whose answer was lost.
    ClientToken: ChangeSetName,
    Parameters: [...input.parameters],
    Tags: Object.entries(input.tags).map(([Key, Value]) => ({ Key, Value })),
    Capabilities: [input.namesRoles ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"],
  } satisfies CreateChangeSetCommandInput;
  try {
    return await prepareChangeSet(client, request, deps);
  } catch (error) {
    // A refused creation leaves an empty stack in REVIEW_IN_PROGRESS.
    await dropShell(client, input, deps).catch(() => {});
    throw error;
  }
}

async function execute(client: CloudFormationClient, at: ChangeSetAddress, deps: FollowDeps): Promise<void> {
  const after = await findLastEventId(client, at.StackName);
  const ClientRequestToken = at.ChangeSetName;
  const command = new ExecuteChangeSetCommand({ ...at, ClientRequestToken, RetainExceptOnCreate: true });
  const policy = { what: "CloudFormation does not begin with the change." };
  await callAws(() => whileBusy(deps, () => client.send(command)), policy);
  const summary = summarize(await followStack(client, { stackId: at.StackName, after }, deps));
  if (!/^(CREATE|UPDATE)_COMPLETE$/.test(summary.status)) throw toFailure(summary);
}

function toFailure({ status, failures, left }: OperationSummary): StackyardError {
  const told = failures
    .slice(0, 5)
    .map(({ logicalId, type, reason }) => `${logicalId} (${type}): ${reason ?? "no reason"}`);
  const why = told.length > 0 ? told.join("\n") : "CloudFormation reported no resource. Check the events of the stack.";
  const isUndone = /^(UPDATE_)?ROLLBACK_COMPLETE$/.test(status) && left.length === 0;
  const details = { status, failed: failures.map(({ logicalId }) => logicalId), left };
  if (isUndone) {
    const hint = "All was undone. Correct it and deploy again.";
    return new StackyardError("OUTCOME_NEGATIVE", `The stack failed: ${why}`, { details: { ...details, hint } });
  }
  const rest = left.length > 0 ? ` Left behind: ${left.join(", ")}.` : "";
  const hint = "Look at the stack in CloudFormation, take away what is left, then deploy again.";
  const message = `The stack failed with status ${status}: ${why}.${rest}`;
  return new StackyardError("LEFT_BEHIND", message, { details: { ...details, hint } });
}

/** Deletes what a creation has left, which is empty, and waits. */
async function removeStack(client: CloudFormationClient, stackId: string, deps: FollowDeps): Promise<void> {
  const after = await findLastEventId(client, stackId);
  const policy = { what: "The empty stack cannot be cleared away." };
  await callAws(() => client.send(new DeleteStackCommand({ StackName: stackId })), policy);
  const summary = summarize(await followStack(client, { stackId, after }, deps));
  if (summary.status !== "DELETE_COMPLETE") throw toFailure(summary);
}

/**
 * Deletes a stack that has only had our change set, and so is empty. Waits, so that it can be deployed at once. One that was there
 * before has a change set of others, who review it.
 */
async function dropShell(
  client: CloudFormationClient,
  { name, existing }: Pick<DeployInput, "name" | "existing">,
  deps: FollowDeps,
): Promise<void> {
  if (existing?.status === "REVIEW_IN_PROGRESS") return;
  const shell = await findStack(client, name);
  if (shell?.status === "REVIEW_IN_PROGRESS") await removeStack(client, shell.id, { ...deps, onEvent: () => {} });
}

/** The effect of a change set on one resource. */
interface PlannedChange {
  readonly action: string;
  readonly logicalId: string;
  readonly type: string;
  /** `True`: the resource is replaced; `Conditional`: that is known only during the change. */
  readonly replacement: string | undefined;
}

const POLL_MS = 2_000;
/** Reasons of empty change sets (API reference, "DescribeChangeSet"; user guide, "Troubleshooting", "No updates to perform"). */
const NO_CHANGES = /didn't contain changes|No updates are to be performed/;

/**
 * Creates a change set and waits until CloudFormation has evaluated it: it is ready, or it changes nothing. Deletes one
 * that fails or changes nothing. Throws `CONFIG_INVALID` with CloudFormation's reason.
 */
async function prepareChangeSet(
  client: CloudFormationClient,
  input: CreateChangeSetCommandInput & { readonly ChangeSetName: string; readonly StackName: string },
  deps: FollowDeps,
) {
  const { clock, signal } = deps;
  const at = { StackName: await create(client, input), ChangeSetName: input.ChangeSetName };
  for (;;) {
    const policy = { what: "CloudFormation does not say what it thinks of the change." };
    const { status, reason, changes } = await callAws(() => whileBusy(deps, () => load(client, at)), policy);
    if (status === "CREATE_COMPLETE") return { kind: "ready", at, changes } as const;
    if (status === "FAILED") return endFailed(client, at, reason, deps);
    await clock.sleep(POLL_MS, signal);
    if (signal.aborted) {
      await dropChangeSet(client, at, deps);
      throw new StackyardError("INTERRUPTED", "Interrupted. Nothing was changed.");
    }
  }
}

/** Deletes a change set that has failed. Throws `CONFIG_INVALID` unless it would have changed nothing. */
async function endFailed(client: CloudFormationClient, at: ChangeSetAddress, reason: string, deps: FollowDeps) {
  const isEmpty = NO_CHANGES.test(reason);
  // Its events go with it.
  const why = isEmpty ? "" : await explainRefusal(client, at, reason);
  await dropChangeSet(client, at, deps);
  if (isEmpty) return { kind: "unchanged" } as const;
  throw new StackyardError("CONFIG_INVALID", `CloudFormation refuses the change: ${why}.`);
}

async function create(client: CloudFormationClient, input: CreateChangeSetCommandInput): Promise<string> {
  const policy = { what: `CloudFormation refuses the change of ${input.StackName}.` };
  const { StackId = "" } = await callAws(() => client.send(new CreateChangeSetCommand(input)), policy);
  return StackId;
}

interface ChangeSetAddress {
  readonly StackName: string;
  readonly ChangeSetName: string;
}

const BUSY_TRIES = 20;

/** Repeats a call while CloudFormation is at work on the change set, for a minute. */
function whileBusy<Result>({ clock, signal }: FollowDeps, call: () => Promise<Result>): Promise<Result> {
  return retry(call, {
    tries: BUSY_TRIES,
    isRetryable: (error) => !signal.aborted && isBusy(error),
    pause: () => clock.sleep(FOLLOW_MS, signal),
  });
}

function isBusy(error: unknown): boolean {
  const { name = "" } = findAwsFault(error);
  return name.startsWith("InvalidChangeSetStatus") && error instanceof Error && /in progress/.test(error.message);
}

async function load(client: CloudFormationClient, at: ChangeSetAddress) {
  const changes: PlannedChange[] = [];
  let status = "";
  let reason = "";
  for await (const page of paginateDescribeChangeSet({ client }, at)) {
    status = page.Status ?? "";
    reason = page.StatusReason ?? "";
    for (const { ResourceChange } of page.Changes ?? []) {
      if (ResourceChange === undefined) continue;
      const { Action: action = "", LogicalResourceId: logicalId = "", ResourceType: type = "" } = ResourceChange;
      changes.push({ action, logicalId, type, replacement: ResourceChange.Replacement });
    }
  }
  return { status, reason, changes };
}

/** Deletes a change set; does nothing when it is already gone. */
async function dropChangeSet(client: CloudFormationClient, at: ChangeSetAddress, deps: FollowDeps): Promise<void> {
  const policy = { what: `The change set ${at.ChangeSetName} cannot be deleted.`, instead: { gone: undefined } };
  await callAws(() => whileBusy(deps, () => client.send(new DeleteChangeSetCommand(at))), policy);
}

/** The dependencies of watching an operation. */
interface FollowDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once with each event, oldest first. */
  readonly onEvent: (event: ResourceEvent) => void;
  /** Milliseconds until `TIMED_OUT`. */
  readonly timeoutMs: number;
}

const FOLLOW_MS = 3_000;

/** Returns the id of a stack's newest event; undefined without one. Later events belong to the current change. */
async function findLastEventId(client: CloudFormationClient, stackId: string): Promise<string | undefined> {
  const [newest] = await loadEventsAfter(client, stackId, undefined, 1);
  return newest?.id;
}

/**
 * Waits until an operation that started after the event `after` has ended, and returns its events, oldest first. Retries
 * transient errors. Throws `TIMED_OUT` and `INTERRUPTED`; CloudFormation continues in both cases.
 */
async function followStack(
  client: CloudFormationClient,
  { stackId, after }: { readonly stackId: string; readonly after: string | undefined },
  { clock, signal, onEvent, timeoutMs }: FollowDeps,
): Promise<readonly ResourceEvent[]> {
  const endsAt = clock.now() + timeoutMs;
  const all: ResourceEvent[] = [];
  for (;;) {
    const fresh = await loadFresh(client, stackId, all.at(-1)?.id ?? after);
    for (const event of fresh) onEvent(event);
    all.push(...fresh);
    const last = all.findLast(({ isStack }) => isStack);
    if (last !== undefined && !last.status.endsWith("_IN_PROGRESS")) return all;
    if (clock.now() >= endsAt) throw goesOn("TIMED_OUT", "Timed out before the stack operation finished.");
    await clock.sleep(FOLLOW_MS, signal);
    if (signal.aborted) throw goesOn("INTERRUPTED", "Interrupted.");
  }
}

async function loadFresh(client: CloudFormationClient, stackId: string, after: string | undefined) {
  const policy = { what: "Cannot read the stack's events. The operation itself continues.", instead: { passing: [] } };
  return (await callAws(() => loadEventsAfter(client, stackId, after), policy)).toReversed();
}

/** Loads events, newest first. An answer that does not show the event `after` is older than it, and has no later one. */
async function loadEventsAfter(
  client: CloudFormationClient,
  stackId: string,
  after: string | undefined,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly ResourceEvent[]> {
  const events: ResourceEvent[] = [];
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client }, { StackName: stackId })) {
    for (const event of StackEvents.map(toResourceEvent)) {
      if (event.id === after || events.length >= most) return events;
      events.push(event);
    }
  }
  return after === undefined ? events : [];
}

function goesOn(code: "TIMED_OUT" | "INTERRUPTED", message: string): StackyardError {
  const hint = "CloudFormation continues; `stackyard apps ls` shows the status.";
  return new StackyardError(code, message, { details: { hint } });
}

/** One event of a stack: something that happened to a resource or to the stack itself. */
export interface ResourceEvent {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly logicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string | undefined;
  /** True for the stack itself, not a resource or a nested stack. */
  readonly isStack: boolean;
}

/** Converts an event of the API. */
export function toResourceEvent(event: StackEvent): ResourceEvent {
  return {
    id: event.EventId ?? "",
    logicalId: event.LogicalResourceId ?? "",
    type: event.ResourceType ?? "",
    status: event.ResourceStatus ?? "",
    reason: event.ResourceStatusReason,
    at: (event.Timestamp ?? new Date(0)).toISOString(),
    isStack: event.PhysicalResourceId !== undefined && event.PhysicalResourceId === event.StackId,
  };
}

/** The course of an operation on a stack, by its events. */
interface OperationSummary {
  /** The stack's last status. */
  readonly status: string;
  /** Failed resources with their reasons, the cause first; cancelled resources are omitted. */
  readonly failures: readonly ResourceEvent[];
  /** Resources that still exist: retained by their policy, or could not be deleted. */
  readonly left: readonly string[];
}

const CANCELLED = /^Resource (creation|update|deletion) cancelled/i;

/** Sums the events of one operation up, oldest first. */
export function summarize(events: readonly ResourceEvent[]): OperationSummary {
  const ofResources = events.filter(({ isStack }) => !isStack);
  const isFailure = ({ status, reason }: ResourceEvent) => status.endsWith("_FAILED") && !CANCELLED.test(reason ?? "");
  const last = new Map(ofResources.map((event) => [event.logicalId, event.status]));
  const left = [...last].flatMap(([id, status]) => (/^DELETE_(FAILED|SKIPPED)$/.test(status) ? [id] : []));
  const status = events.findLast(({ isStack }) => isStack)?.status ?? "";
  return { status, failures: ofResources.filter(isFailure), left };
}

/** The present state of a stack. */
export interface StackFacts {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string | undefined;
  /** Values of NoEcho parameters are asterisks. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly tags: ReadonlyMap<string, string>;
  /** ISO 8601. */
  readonly changedAt: string;
}

/** Finds a stack by name or id; undefined when it does not exist or was deleted. */
export async function findStack(client: CloudFormationClient, name: string): Promise<StackFacts | undefined> {
  const what = `Cannot read the status of the stack ${name} from CloudFormation.`;
  const command = new DescribeStacksCommand({ StackName: name });
  const [stack] = (await callAws(() => client.send(command), { what, instead: { gone: undefined } }))?.Stacks ?? [];
  return stack && toFacts(stack);
}

/** Lists all stacks of the account and region that are not deleted. */
export async function listStacks(client: CloudFormationClient): Promise<readonly StackFacts[]> {
  const found: StackFacts[] = [];
  try {
    for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {})) found.push(...Stacks.map(toFacts));
  } catch (error) {
    throw toAwsError(error, "CloudFormation does not list its stacks.");
  }
  return found;
}

function toFacts(stack: Stack): StackFacts {
  const { StackId: id = "", StackName: name = "", StackStatus: status = "", StackStatusReason: reason } = stack;
  const changedAt = stack.LastUpdatedTime ?? stack.CreationTime ?? new Date(0);
  return {
    id,
    name,
    status,
    reason,
    changedAt: changedAt.toISOString(),
    parameters: new Map(
      stack.Parameters?.map(({ ParameterKey = "", ParameterValue = "" }) => [ParameterKey, ParameterValue]),
    ),
    outputs: Object.fromEntries(
      stack.Outputs?.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]) ?? [],
    ),
    tags: new Map(stack.Tags?.map(({ Key = "", Value = "" }) => [Key, Value])),
  };
}

/** The possible action on a stack in its present status. */
type StatusVerdict =
  /** `replace`: an empty shell of a creation that was rolled back goes first. */
  { readonly kind: "create" | "update" | "replace" } | { readonly kind: "refused"; readonly reason: string };

const STUCK: Readonly<Record<string, string>> = {
  UPDATE_ROLLBACK_FAILED:
    "Its last update could not be undone. Go on with `aws cloudformation continue-update-rollback`, then deploy again.",
  ROLLBACK_FAILED:
    "Its creation could not be undone. Delete it in CloudFormation, see what it leaves, then deploy again.",
  CREATE_FAILED: "Its creation failed and was not undone. Delete it in CloudFormation, then deploy again.",
  DELETE_FAILED: "It could not be deleted. Finish that in CloudFormation, then deploy again.",
};

/**
 * Decides a deployment's action by the stack's status; undefined: the stack does not exist. Source: user guide, "Stack
 * status codes".
 */
export function evaluateStatus(status: string | undefined): StatusVerdict {
  if (status === undefined || status === "REVIEW_IN_PROGRESS" || status === "DELETE_COMPLETE")
    return { kind: "create" };
  if (status === "ROLLBACK_COMPLETE") return { kind: "replace" };
  if (status.endsWith("_IN_PROGRESS")) {
    const reason = `Something else is at work on it (${status}). Wait for its end, then deploy again.`;
    return { kind: "refused", reason };
  }
  const reason = STUCK[status];
  return reason === undefined ? { kind: "update" } : { kind: "refused", reason: `${status}. ${reason}` };
}

/** Tags on our stacks with the source of their deployment. */
export const STACK_TAGS = {
  template: "stackyard:template",
  yard: "stackyard:yard",
  release: "stackyard:release",
  bucket: "stackyard:bucket",
  prefix: "stackyard:prefix",
} as const;

/** Returns the source of a stack's deployment; undefined if it is not ours, or its tags were changed. */
export function findDeployedPlace({ tags }: Pick<StackFacts, "tags">): Place | undefined {
  const bucket = tags.get(STACK_TAGS.bucket);
  if (bucket === undefined) return undefined;
  try {
    return parsePlace(bucket, tags.get(STACK_TAGS.prefix));
  } catch {
    return undefined;
  }
}

/**
 * Returns a stack's name: `stackyard-main` for the whole yard, `stackyard-main-task-runner` for a part of it. Names of
 * stacks have no `_`.
 */
export function toStackName(yard: string, template: string): string {
  const start = `stackyard-${yard.replaceAll("_", "-")}`;
  return template === "yard" ? start : `${start}-${template}`;
}

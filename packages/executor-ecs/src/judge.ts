import { isThrottleText } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import type { TaskOverrides } from "./parse-overrides.ts";

/** Containers with relevant exit codes: all, the essential ones, or those of these names. */
export type CheckContainers = "all" | "essential" | readonly string[];

/** A container of a task as DescribeTasks shows it; `essential` comes from the task definition. */
interface JudgedContainer {
  readonly name?: string | undefined;
  readonly exitCode?: number | null | undefined;
  readonly reason?: string | null | undefined;
  readonly essential?: boolean | undefined;
}

/** The containers of a task definition. What else runs in a task was put there by others, such as an agent of GuardDuty. */
export interface DefinedNames {
  readonly all: readonly string[];
  readonly essential: readonly string[];
}

/** A stopped task as DescribeTasks shows it. */
export interface JudgedTask {
  readonly taskArn?: string | undefined;
  readonly stopCode?: string | null | undefined;
  readonly stoppedReason?: string | null | undefined;
  readonly containers?: readonly JudgedContainer[] | null | undefined;
}

/** Why a task counts as failed, most basic first. */
type JudgedCode = "ECS_TASK_NOT_STARTED" | "ECS_EXIT_CODE" | "ECS_TASK_STOPPED";

/** One finding. */
export interface TaskFailure {
  readonly code: JudgedCode;
  readonly taskArn: string;
  readonly container?: string;
  readonly exitCode?: number;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  /** The container's own. */
  readonly reason?: string;
}

/** Success, or all failures; the first one sets the code. */
export type Judgement =
  | { readonly kind: "ok" }
  | { readonly kind: "failed"; readonly failures: readonly [TaskFailure, ...TaskFailure[]] };

const ORDER: readonly JudgedCode[] = ["ECS_TASK_NOT_STARTED", "ECS_EXIT_CODE", "ECS_TASK_STOPPED"];

/** Stop codes of work that was ended early, whatever the exit codes are (ECS API, Task, `stopCode`). */
const STOPPED_FROM_OUTSIDE: ReadonlySet<string> = new Set([
  "UserInitiated",
  "SpotInterruption",
  "TerminationNotice",
  "InfrastructureHealth",
  "ServiceSchedulerInitiated",
]);

/**
 * Evaluates whether stopped tasks succeeded. `all` and `essential` mean containers of the task definition; without it, every
 * container that is not marked as not essential, or all. No task at all is a failure.
 */
export function judge(
  tasks: readonly JudgedTask[],
  checkContainers: CheckContainers = "all",
  names?: DefinedNames,
): Judgement {
  const isByName = names === undefined || (checkContainers !== "all" && checkContainers !== "essential");
  const check = isByName ? checkContainers : names[checkContainers];
  const found =
    tasks.length === 0 ? [nothingRan("", "No task was started.")] : tasks.flatMap((task) => evaluateTask(task, check));
  const [first, ...rest] = found.sort((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code));
  return first === undefined ? { kind: "ok" } : { kind: "failed", failures: [first, ...rest] };
}

function evaluateTask(task: JudgedTask, check: CheckContainers): TaskFailure[] {
  const containers = task.containers ?? [];
  const shown = toShownStop(task);
  if (containers.length === 0) return [{ ...nothingRan(task.taskArn ?? "", "The task has no containers."), ...shown }];
  const failures = findChecked(containers, check).flatMap((container) => evaluateContainer(task, container));
  if (failures.length > 0 || !STOPPED_FROM_OUTSIDE.has(task.stopCode ?? "")) return failures;
  return [{ code: "ECS_TASK_STOPPED", taskArn: task.taskArn ?? "", ...shown }];
}

function evaluateContainer(task: JudgedTask, { name, exitCode, reason }: JudgedContainer): TaskFailure[] {
  if (exitCode === 0) return [];
  const hasCode = typeof exitCode === "number";
  const failure: TaskFailure = {
    code: hasCode ? "ECS_EXIT_CODE" : "ECS_TASK_NOT_STARTED",
    taskArn: task.taskArn ?? "",
    ...defined({ container: name }),
    ...(hasCode ? { exitCode } : {}),
    ...toShownStop(task),
    ...(reason ? { reason } : {}),
  };
  return [failure];
}

/** Returns the containers to check. A missing one has no exit code either. */
function findChecked(containers: readonly JudgedContainer[], check: CheckContainers): readonly JudgedContainer[] {
  if (check === "all") return containers;
  if (check === "essential") return containers.filter(({ essential }) => essential !== false);
  return check.map((name) => containers.find((container) => container.name === name) ?? { name });
}

/** The most containers of others that are named. */
const MOST_FOREIGN = 5;

/** Names the containers that others have put into the tasks and that did not end with 0. They are never judged. */
export function describeForeign(tasks: readonly JudgedTask[], names: DefinedNames | undefined): readonly string[] {
  const containers = names === undefined ? [] : tasks.flatMap((task) => task.containers ?? []);
  const foreign = containers.filter(({ name = "", exitCode }) => !names?.all.includes(name) && exitCode !== 0);
  const said = foreign.map(({ name, exitCode, reason }) => {
    const how = reason || (typeof exitCode === "number" ? `exit code ${exitCode}` : "no exit code");
    return `"${name}" is not in the task definition, and was not judged (${how}).`;
  });
  return [...new Set(said)].slice(0, MOST_FOREIGN);
}

function nothingRan(taskArn: string, reason: string): TaskFailure {
  return { code: "ECS_TASK_NOT_STARTED", taskArn, reason };
}

function toShownStop({ stopCode, stoppedReason }: JudgedTask): Pick<TaskFailure, "stopCode" | "stoppedReason"> {
  return { ...(stopCode ? { stopCode } : {}), ...(stoppedReason ? { stoppedReason } : {}) };
}

/** The parts of a task definition that decide whether it can run (ECS API, TaskDefinition). */
interface CheckedDefinition {
  readonly taskDefinitionArn?: string | undefined;
  readonly networkMode?: string | undefined;
  readonly status?: string | undefined;
  readonly containerDefinitions?: readonly { readonly name?: string | undefined }[] | undefined;
}

/** The run that a definition is checked for. */
interface CheckedRun {
  readonly launchType?: string | undefined;
  readonly capacityProviderStrategy?: readonly { readonly capacityProvider?: string | undefined }[] | undefined;
  readonly networkConfiguration?: unknown;
  readonly overrides?: TaskOverrides | undefined;
  readonly check?: CheckContainers | undefined;
}

/** Why a run cannot work; checked before anything is started. */
interface DefinitionFault {
  readonly code: "ECS_TASK_DEFINITION" | "ECS_NETWORK" | "ECS_PROPERTIES_INVALID";
  readonly message: string;
}

/** Returns the first reason why a definition cannot run; undefined when it can. */
export function checkDefinition(definition: CheckedDefinition, run: CheckedRun): DefinitionFault | undefined {
  return checkStatus(definition) ?? checkNetwork(definition, run) ?? checkNames(definition, run);
}

/** Returns true if the tasks would run on Fargate, Spot or not. */
export function isFargate({ launchType, capacityProviderStrategy = [] }: CheckedRun): boolean {
  return (
    launchType === "FARGATE" ||
    capacityProviderStrategy.some(({ capacityProvider = "" }) => FARGATE.has(capacityProvider))
  );
}

const FARGATE: ReadonlySet<string> = new Set(["FARGATE", "FARGATE_SPOT"]);

function checkStatus({ status, taskDefinitionArn }: CheckedDefinition): DefinitionFault | undefined {
  if (status === undefined || status === "ACTIVE") return undefined;
  const message = `The task definition ${toLastPart(taskDefinitionArn)} is ${status}. Name an active revision, or the family for its latest.`;
  return { code: "ECS_TASK_DEFINITION", message };
}

/**
 * Checks the network configuration (RunTask API, `networkConfiguration`): required for the network mode awsvpc, "and it
 * isn't supported for other network modes".
 */
function checkNetwork(definition: CheckedDefinition, run: CheckedRun): DefinitionFault | undefined {
  const { networkMode = "bridge" } = definition;
  const isAwsvpc = networkMode === "awsvpc";
  const hasNetwork = run.networkConfiguration !== undefined;
  if (isAwsvpc && hasNetwork) return undefined;
  const name = `The task definition ${toLastPart(definition.taskDefinitionArn)} has the network mode ${networkMode}`;
  if (isAwsvpc) return toNetworkFault(`${name}: name subnets in its network configuration.`);
  if (isFargate(run)) return toNetworkFault(`${name}, and Fargate needs awsvpc.`);
  return hasNetwork ? toNetworkFault(`${name}, which does not support a network configuration. Remove it.`) : undefined;
}

function toNetworkFault(message: string): DefinitionFault {
  return { code: "ECS_NETWORK", message };
}

function checkNames(definition: CheckedDefinition, { overrides, check }: CheckedRun): DefinitionFault | undefined {
  const names = (definition.containerDefinitions ?? []).flatMap(({ name }) => name ?? []);
  const overridden = (overrides?.containerOverrides ?? []).map(({ name }) => name);
  const checked = Array.isArray(check) ? (check as readonly string[]) : [];
  const unknown = [...new Set([...overridden, ...checked])].filter((name) => !names.includes(name));
  if (unknown.length === 0) return undefined;
  const told = `No container is called ${toList(unknown)} in ${toLastPart(definition.taskDefinitionArn)}; it has ${toList(names)}.`;
  return { code: "ECS_PROPERTIES_INVALID", message: told };
}

/** Returns the name or id at the end of an ARN, in any form of the ARN. */
export function toLastPart(arn = ""): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

function toList(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => `"${name}"`).join(", ");
}

/** Why a task was not placed, from RunTask or StartTask. */
interface PlacementFailure {
  readonly arn?: string | undefined;
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
}

/**
 * Transient reasons (ECS developer guide, "API failure reasons"): RESOURCE:* and AGENT; Fargate's "Capacity is
 * unavailable at this time"; and limits on how many tasks are provisioned or run at once. So is what was throttled.
 */
const TRANSIENT: readonly RegExp[] = [
  /^RESOURCE:/,
  /^AGENT$/,
  /capacity is (currently )?unavailable/i,
  /capacity ?unavailable/i,
  /insufficient capacity/i,
  /provisioning (capacity )?(limit|quota)/i,
  /(limit|quota|maximum number)\b.*\b(tasks?|vcpus?|provision\w*|concurrent\w*)/i,
  // The cluster is scaled to zero, or its instances are still booting.
  /no container instances were found/i,
];

/** Roles that cannot be assumed yet: the task's, the infrastructure's, or the service-linked one of a first cluster. */
const UNKNOWN_ROLE =
  /unable to assume\b.*\brole\b|service.linked role|role .*(cannot be|can't be|could not be) assumed|role is (invalid|not valid)/i;

/** Returns true for a refusal that passes once IAM knows a new role everywhere. */
export function isUnknownRole(message: string): boolean {
  return UNKNOWN_ROLE.test(message);
}

/** Returns true if placement may succeed later without any change. */
export function isTransientReason(reason: string | undefined): boolean {
  if (reason === undefined) return false;
  return isThrottleText(reason) || TRANSIENT.some((pattern) => pattern.test(reason.trim()));
}

/** Formats `RESOURCE:MEMORY (detail) arn:…`, for people. */
export function toReasonText({ arn, reason, detail }: PlacementFailure): string {
  return [reason ?? "no reason was reported", detail && `(${detail})`, arn].filter(Boolean).join(" ");
}

/** Formats the kinds of reasons, with the number of tasks for each. */
export function toPlacementMessage(
  { placed, expected }: { readonly placed: number; readonly expected: number },
  reasons: readonly string[],
): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const told = [...counts].map(([reason, count]) => (count === 1 ? reason : `${count} times ${reason}`));
  const why = told.length === 0 ? "ECS named neither tasks nor failures" : told.join("; ");
  return `${placed} of ${expected} tasks found a place: ${why}.`;
}

/** The machine was removed; the work did not fail (ECS API, Task, `stopCode`). */
const INTERRUPTED: ReadonlySet<string> = new Set(["SpotInterruption", "TerminationNotice", "InfrastructureHealth"]);

const PULL = /CannotPull/;
const TIMED_OUT = /time(d[ -]?)?out|deadline exceeded|request cancell?ed/i;

/**
 * Returns true if another attempt may succeed: each failure was an interruption, a lack of capacity, a slow
 * registry or network interface, or a new execution role.
 */
export function isRetryable(failures: readonly TaskFailure[]): boolean {
  return failures.length > 0 && failures.every(passes);
}

/** Fargate gives up an interface that EC2 provides too late: apache/airflow#15000. */
const INTERFACE = /network interface provisioning/i;
/** An execution role that is seconds old is denied what it may read: aws/copilot-cli#5984. */
const DENIED_START = /^ResourceInitializationError\b.*\bAccessDenied/is;

/** Returns true for a start that failed before any container ran, for a reason that can pass. */
function isStartFailure(text: string): boolean {
  return INTERFACE.test(text) || DENIED_START.test(text) || (PULL.test(text) && TIMED_OUT.test(text));
}

function passes({ stopCode = "", stoppedReason = "", reason = "", exitCode }: TaskFailure): boolean {
  if (INTERRUPTED.has(stopCode)) return true;
  if (exitCode !== undefined) return false;
  const texts = [stoppedReason, reason];
  return texts.some((text) => isTransientReason(text) || isStartFailure(text));
}

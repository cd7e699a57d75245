/** Whose exit codes count: every container's, those of essential containers, or those of these names. */
export type CheckContainers = "all" | "essential" | readonly string[];

/** A container of a task as DescribeTasks shows it; `essential` comes from the task definition. */
export interface JudgedContainer {
  readonly name?: string | undefined;
  readonly exitCode?: number | null | undefined;
  readonly reason?: string | null | undefined;
  readonly essential?: boolean | undefined;
}

/** A stopped task as DescribeTasks shows it. */
export interface JudgedTask {
  readonly taskArn?: string | undefined;
  readonly stopCode?: string | null | undefined;
  readonly stoppedReason?: string | null | undefined;
  readonly containers?: readonly JudgedContainer[] | null | undefined;
}

/** Why a task counts as failed, most basic first. */
export type JudgedCode = "ECS_TASK_NOT_STARTED" | "ECS_EXIT_CODE" | "ECS_TASK_STOPPED";

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

/** All went well, or everything that did not; the first failure gives the code. */
export type Judgement =
  | { readonly kind: "ok" }
  | { readonly kind: "failed"; readonly failures: readonly [TaskFailure, ...TaskFailure[]] };

const ORDER: readonly JudgedCode[] = ["ECS_TASK_NOT_STARTED", "ECS_EXIT_CODE", "ECS_TASK_STOPPED"];

/** Somebody or something ended the work early, whatever the exit codes say (ECS API, Task, `stopCode`). */
const STOPPED_FROM_OUTSIDE: ReadonlySet<string> = new Set([
  "UserInitiated",
  "SpotInterruption",
  "TerminationNotice",
  "InfrastructureHealth",
  "ServiceSchedulerInitiated",
]);

/**
 * Whether stopped tasks did their work. The names of essential containers come from the task definition; without them,
 * `essential` checks every container that does not say of itself that it is not essential. No task at all is a failure.
 */
export function judge(
  tasks: readonly JudgedTask[],
  checkContainers: CheckContainers = "all",
  essentialNames?: readonly string[],
): Judgement {
  const check = checkContainers === "essential" && essentialNames !== undefined ? essentialNames : checkContainers;
  const found =
    tasks.length === 0 ? [nothingRan("", "There is no task.")] : tasks.flatMap((task) => judgeTask(task, check));
  const [first, ...rest] = found.sort((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code));
  return first === undefined ? { kind: "ok" } : { kind: "failed", failures: [first, ...rest] };
}

function judgeTask(task: JudgedTask, check: CheckContainers): TaskFailure[] {
  const containers = task.containers ?? [];
  const shown = toShownStop(task);
  if (containers.length === 0) return [{ ...nothingRan(task.taskArn ?? "", "The task has no containers."), ...shown }];
  const failures = findChecked(containers, check).flatMap((container) => judgeContainer(task, container));
  if (failures.length > 0 || !STOPPED_FROM_OUTSIDE.has(task.stopCode ?? "")) return failures;
  return [{ code: "ECS_TASK_STOPPED", taskArn: task.taskArn ?? "", ...shown }];
}

function judgeContainer(task: JudgedTask, { name, exitCode, reason }: JudgedContainer): TaskFailure[] {
  if (exitCode === 0) return [];
  const hasCode = typeof exitCode === "number";
  const failure: TaskFailure = {
    code: hasCode ? "ECS_EXIT_CODE" : "ECS_TASK_NOT_STARTED",
    taskArn: task.taskArn ?? "",
    ...(name === undefined ? {} : { container: name }),
    ...(hasCode ? { exitCode } : {}),
    ...toShownStop(task),
    ...(reason ? { reason } : {}),
  };
  return [failure];
}

/** A name that the task does not have has no exit code either. */
function findChecked(containers: readonly JudgedContainer[], check: CheckContainers): readonly JudgedContainer[] {
  if (check === "all") return containers;
  if (check === "essential") return containers.filter(({ essential }) => essential !== false);
  return check.map((name) => containers.find((container) => container.name === name) ?? { name });
}

function nothingRan(taskArn: string, reason: string): TaskFailure {
  return { code: "ECS_TASK_NOT_STARTED", taskArn, reason };
}

function toShownStop({ stopCode, stoppedReason }: JudgedTask): Pick<TaskFailure, "stopCode" | "stoppedReason"> {
  return { ...(stopCode ? { stopCode } : {}), ...(stoppedReason ? { stoppedReason } : {}) };
}

/** A state of a task (developer guide, "Amazon ECS task lifecycle"). */
export type Stage =
  | "PROVISIONING"
  | "PENDING"
  | "ACTIVATING"
  | "RUNNING"
  | "DEACTIVATING"
  | "STOPPING"
  | "DEPROVISIONING"
  | "STOPPED";

/** Why a task ended (API reference, "Task", `stopCode`). */
type StopCode =
  | "TaskFailedToStart"
  | "EssentialContainerExited"
  | "UserInitiated"
  | "ServiceSchedulerInitiated"
  | "SpotInterruption"
  | "TerminationNotice"
  | "InfrastructureHealth";

/** How tasks of a family go. All times are from the clock of the simulation; without a script a task runs 10 s and exits with 0. */
export interface TaskScript {
  /** Length of RUNNING, until the essential containers exit. Infinity: until it is stopped. Default: 10 s. */
  readonly runsMs?: number;
  /** Lengths of the other states, and Infinity for the one that the task never leaves. */
  readonly stagesMs?: Partial<Record<Exclude<Stage, "RUNNING" | "STOPPED">, number>>;
  /** By container; a number is its exit code. */
  readonly containers?: Readonly<Record<string, number | ContainerScript>>;
  /** The task ends before a container runs. */
  readonly failsToStart?: string | { readonly stoppedReason: string; readonly containerReason?: string };
  /** Its containers are not shown once it has ended. */
  readonly hasNoContainers?: boolean;
  /** It is ended by something other than StopTask. */
  readonly endedBy?: { readonly afterMs: number; readonly code: StopCode; readonly reason: string };
  /** What containers do between SIGTERM and their exit. Default: 1 s. Longer than their `stopTimeout`: SIGKILL. */
  readonly stopsInMs?: number;
  /** DescribeTasks says MISSING and ListTasks leaves it out for so long: the API is eventually consistent. */
  readonly missingMs?: number;
  /** ECS has lost it: MISSING from then on. */
  readonly lostAfterMs?: number;
}

/** How one container goes. */
interface ContainerScript {
  /** Default: 0. */
  readonly exitCode?: number;
  /** From the beginning of RUNNING. Default: `runsMs` for essential ones; others run until they are stopped. */
  readonly exitsAfterMs?: number;
  /** Such as an `OutOfMemoryError`. */
  readonly reason?: string;
  /** It ends for an unknown reason. */
  readonly hasNoExitCode?: boolean;
  /** In the place of 143, which a process has that does not handle SIGTERM. */
  readonly exitCodeOnStop?: number;
  /** Over `stopsInMs` of the task. */
  readonly stopsInMs?: number;
  /** Lines of its log, `afterMs` from the beginning of RUNNING. A text alone is written at once. */
  readonly logs?: readonly (string | { readonly afterMs: number; readonly message: string })[];
}

/**
 * Scripts of what goes wrong most. Sources of the texts: developer guide, "Stopped tasks error messages", "CannotPullContainer
 * task errors", "OutOfMemory container errors", "Fargate Spot termination notices".
 */
export const taskScripts = {
  /**
   * Scripts a failed start as on Fargate: the reason is in the task. On EC2 it is in the container, and the task only
   * "failed to start".
   */
  cannotPull: (image: string): TaskScript => ({
    failsToStart: `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: not found`,
  }),
  runsOn: (): TaskScript => ({ runsMs: Number.POSITIVE_INFINITY }),
} as const;

/** What the course of a task depends on. */
interface CourseInput {
  readonly createdAt: number;
  /** Only such tasks attach a network interface at the start and detach it at the end. */
  readonly isAwsvpc: boolean;
  readonly containers: readonly CourseContainer[];
  readonly script: TaskScript;
  /** StopTask, or an interruption that a test has ordered. */
  readonly stop: StopOrder | undefined;
}

/** A container of the task definition. */
interface CourseContainer {
  readonly name: string;
  readonly isEssential: boolean;
  readonly stopTimeoutMs: number;
}

/** An end from outside. */
export interface StopOrder {
  readonly at: number;
  readonly code: StopCode;
  readonly reason: string;
}

/** A whole life, also what has not happened yet. Instants that never come are Infinity. */
export interface Course {
  readonly stages: readonly { readonly stage: Stage; readonly at: number }[];
  readonly runningAt: number;
  /** When the task's desired status becomes STOPPED, and why. */
  readonly end: StopOrder;
  readonly executionStoppedAt: number;
  readonly stoppedAt: number;
  readonly containers: readonly ContainerCourse[];
}

/** A container's part. */
export interface ContainerCourse {
  readonly name: string;
  readonly endedAt: number;
  readonly exitCode: number | undefined;
  readonly reason: string | undefined;
  readonly script: ContainerScript;
}

const RUNS_MS = 10_000;
const STOPS_IN_MS = 1_000;
const NEVER = Number.POSITIVE_INFINITY;
/** Of the length that small tasks have; AWS promises none. */
const STAGES_MS = {
  PROVISIONING: 3_000,
  PENDING: 4_000,
  ACTIVATING: 1_000,
  DEACTIVATING: 0,
  STOPPING: 0,
  DEPROVISIONING: 2_000,
};
/** What a process has that SIGTERM or SIGKILL ended: 128 and the signal's number. */
const TERMINATED = 143;
const KILLED = 137;

/**
 * Plays a task's life. Sources: developer guide, "Amazon ECS task lifecycle"; API reference, "StopTask": SIGTERM, and SIGKILL
 * when `stopTimeout` has passed; "ContainerDefinition", `essential`: when one such container exits, all others are stopped.
 */
export function toCourse(input: CourseInput): Course {
  const lengths = { ...STAGES_MS, ...input.script.stagesMs };
  const begin = toBegin(input, lengths);
  const end = findEnd(input, begin.runningAt);
  const hasRun = end.at > begin.runningAt;
  const signalAt = end.at + lengths.DEACTIVATING;
  const containers = input.containers.map((each) =>
    hasRun ? runContainer(input, each, { runningAt: begin.runningAt, signalAt }) : skipContainer(input, each, end),
  );
  const executionStoppedAt = Math.max(signalAt, ...containers.map(({ endedAt }) => endedAt));
  const releaseAt = executionStoppedAt + lengths.STOPPING;
  const stoppedAt = releaseAt + (input.isAwsvpc ? lengths.DEPROVISIONING : 0);
  const ending = [
    ...(lengths.DEACTIVATING > 0 && hasRun ? [{ stage: "DEACTIVATING" as const, at: end.at }] : []),
    ...(hasRun ? [{ stage: "STOPPING" as const, at: signalAt }] : []),
    ...(input.isAwsvpc ? [{ stage: "DEPROVISIONING" as const, at: releaseAt }] : []),
    { stage: "STOPPED" as const, at: stoppedAt },
  ];
  const all = [...begin.stages.filter(({ at }) => at < end.at), ...ending];
  // A state without duration is not visible.
  const stages = all.filter(({ at }, index) => at !== all[index + 1]?.at);
  return { stages, runningAt: hasRun ? begin.runningAt : NEVER, end, executionStoppedAt, stoppedAt, containers };
}

function toBegin({ createdAt, isAwsvpc, script }: CourseInput, lengths: typeof STAGES_MS) {
  // Without awsvpc there is nothing to provision, unless the script says so: a new instance, for example.
  const pendingAt = createdAt + (isAwsvpc ? lengths.PROVISIONING : (script.stagesMs?.PROVISIONING ?? 0));
  const activatingAt = pendingAt + lengths.PENDING;
  const runningAt = activatingAt + lengths.ACTIVATING;
  const stages: Course["stages"] = [
    { stage: "PROVISIONING", at: pendingAt > createdAt ? createdAt : NEVER },
    { stage: "PENDING", at: pendingAt },
    { stage: "ACTIVATING", at: activatingAt },
    { stage: "RUNNING", at: runningAt },
  ];
  return { runningAt, stages };
}

/** Returns the first event that may end it. */
function findEnd({ script, containers, stop }: CourseInput, runningAt: number): StopOrder {
  const { failsToStart, endedBy } = script;
  const ends: StopOrder[] = containers
    .filter(({ isEssential }) => isEssential)
    .map((each) => ({
      at: toOwnEnd(script, each, runningAt),
      code: "EssentialContainerExited",
      reason: "Essential container in task exited",
    }));
  if (endedBy !== undefined) ends.push({ ...endedBy, at: runningAt + endedBy.afterMs });
  if (failsToStart !== undefined) {
    const reason = typeof failsToStart === "string" ? failsToStart : failsToStart.stoppedReason;
    ends.push({ at: runningAt, code: "TaskFailedToStart", reason });
  }
  if (stop !== undefined) ends.push(stop);
  return ends.reduce((first, each) => (each.at < first.at || isFailedStart(each, first) ? each : first));
}

/** Returns true for a failed start. A container that exits immediately has still run. */
function isFailedStart(each: StopOrder, first: StopOrder): boolean {
  return each.at === first.at && each.code === "TaskFailedToStart" && each.at !== NEVER;
}

function toOwnEnd(script: TaskScript, { name, isEssential }: CourseContainer, runningAt: number): number {
  const { exitsAfterMs = isEssential ? (script.runsMs ?? RUNS_MS) : NEVER } = toContainerScript(script, name);
  // Even a container that exits at once is seen running for a moment.
  return runningAt + Math.max(1, exitsAfterMs);
}

function runContainer(
  { script }: CourseInput,
  container: CourseContainer,
  { runningAt, signalAt }: { readonly runningAt: number; readonly signalAt: number },
): ContainerCourse {
  const own = toContainerScript(script, container.name);
  const ownEnd = toOwnEnd(script, container, runningAt);
  const facts = { name: container.name, script: own };
  if (ownEnd <= signalAt) {
    const exitCode = own.hasNoExitCode ? undefined : (own.exitCode ?? 0);
    return { ...facts, endedAt: ownEnd, exitCode, reason: own.reason };
  }
  const stopsInMs = own.stopsInMs ?? script.stopsInMs ?? STOPS_IN_MS;
  const isKilled = stopsInMs > container.stopTimeoutMs;
  const endedAt = signalAt + Math.min(stopsInMs, container.stopTimeoutMs);
  return { ...facts, endedAt, exitCode: isKilled ? KILLED : (own.exitCodeOnStop ?? TERMINATED), reason: undefined };
}

function skipContainer({ script }: CourseInput, { name }: CourseContainer, end: StopOrder): ContainerCourse {
  const { failsToStart } = script;
  const why = typeof failsToStart === "object" ? failsToStart.containerReason : undefined;
  const reason = end.code === "TaskFailedToStart" ? why : undefined;
  return { name, endedAt: end.at, exitCode: undefined, reason, script: toContainerScript(script, name) };
}

function toContainerScript({ containers }: TaskScript, name: string): ContainerScript {
  const script = containers?.[name] ?? {};
  return typeof script === "number" ? { exitCode: script } : script;
}

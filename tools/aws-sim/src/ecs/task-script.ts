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
export type StopCode =
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
  /** Somebody or something other than StopTask ends it. */
  readonly endedBy?: { readonly afterMs: number; readonly code: StopCode; readonly reason: string };
  /** What containers do between SIGTERM and their exit. Default: 1 s. Longer than their `stopTimeout`: SIGKILL. */
  readonly stopsInMs?: number;
  /** DescribeTasks says MISSING and ListTasks leaves it out for so long: the API is eventually consistent. */
  readonly missingMs?: number;
  /** ECS has lost it: MISSING from then on. */
  readonly lostAfterMs?: number;
}

/** How one container goes. */
export interface ContainerScript {
  /** Default: 0. */
  readonly exitCode?: number;
  /** From the beginning of RUNNING. Default: `runsMs` for essential ones; others run until they are stopped. */
  readonly exitsAfterMs?: number;
  /** Such as an `OutOfMemoryError`. */
  readonly reason?: string;
  /** It ends, and nobody knows how. */
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
  /** As on Fargate: the text stands in the task. On EC2 it stands in the container, and the task only "failed to start". */
  cannotPull: (image: string): TaskScript => ({
    failsToStart: `CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: not found`,
  }),
  cannotPullOnInstance: (image: string): TaskScript => ({
    failsToStart: {
      stoppedReason: "Task failed to start",
      containerReason: `CannotPullContainerError: Error response from daemon: manifest for ${image} not found`,
    },
  }),
  noSecret: (): TaskScript => ({
    failsToStart:
      "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed",
  }),
  outOfMemory: (container: string): TaskScript => ({
    containers: {
      [container]: { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
    },
  }),
  interrupted: (afterMs: number): TaskScript => ({
    runsMs: Number.POSITIVE_INFINITY,
    endedBy: { afterMs, code: "SpotInterruption", reason: "Your Spot Task was interrupted." },
  }),
  /** No agent takes it. */
  neverStarts: (stage: "PROVISIONING" | "PENDING" | "ACTIVATING" = "PENDING"): TaskScript => ({
    stagesMs: { [stage]: Number.POSITIVE_INFINITY },
  }),
  runsOn: (): TaskScript => ({ runsMs: Number.POSITIVE_INFINITY }),
} as const;

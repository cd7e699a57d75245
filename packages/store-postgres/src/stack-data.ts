import { isMap, type Stack } from "@stackyard/core";

type TaskRun = Stack["runs"][number];

/** The stored record of a stack. */
export type StackData = Omit<Stack, "state" | "runs" | "automaticEntries"> & {
  readonly _state: string;
  /** Without ids that the parts of a run make. */
  readonly runs: readonly (Omit<TaskRun, "attemptId"> & { readonly attemptId?: string | undefined })[];
  /** The first instant, then how many milliseconds each later one follows its predecessor. */
  readonly automatic: readonly number[];
};

/** All keys, so that none is forgotten. One that is undefined is not written. */
type AllKeys<Data> = { readonly [Key in keyof Required<Data>]: Data[Key] | undefined };

/**
 * Returns the stored record: with the names that the predecessor's readers expect, and our additional fields. What changes
 * with each step comes first and what remains comes last, because Postgres logs an updated row only between the bytes at
 * its beginning and its end that stay the same. Statements read `enteredAt` and `machineHash` at both ends: see `REVISION`
 * and `ENTERED_AT`.
 */
export function toStackData(stack: Stack): string {
  const data: AllKeys<StackData> = {
    enteredAt: stack.enteredAt,
    updatedAt: stack.updatedAt,
    _state: stack.state,
    previousState: stack.previousState,
    entry: stack.entry,
    tasks: stack.tasks,
    attempts: stack.attempts,
    runs: stack.runs.map((run) => toRunData(stack, run)),
    timers: stack.timers,
    firedInstants: stack.firedInstants,
    automatic: toSteps(stack.automaticEntries),
    begun: stack.begun,
    stalled: stack.stalled,
    pending: stack.pending,
    heldBack: stack.heldBack,
    failed: stack.failed,
    lastFailure: stack.lastFailure,
    deed: stack.deed,
    deeds: stack.deeds,
    commit: stack.commit,
    overdue: stack.overdue,
    awaitsRuns: stack.awaitsRuns,
    outputs: stack.outputs,
    approvals: stack.approvals,
    endsFrom: stack.endsFrom,
    failures: stack.failures,
    visits: stack.visits,
    askedBy: stack.askedBy,
    metadataBy: stack.metadataBy,
    approved: stack.approved,
    releases: stack.releases,
    secretVersions: stack.secretVersions,
    keptSecrets: stack.keptSecrets,
    lead: stack.lead,
    metadata: stack.metadata,
    createdAt: stack.createdAt,
    incarnation: stack.incarnation,
    machine: stack.machine,
    id: stack.id,
    machineHash: stack.machineHash,
  };
  return JSON.stringify(data);
}

/** Returns true for a record that `toStackData` has written. It was checked when it was made. */
export function isOurs(value: unknown): value is StackData {
  return isMap(value) && "incarnation" in value && "runs" in value && "_state" in value;
}

/** Returns why the parts of a record that have another form than in a stack cannot be read; undefined when they can. */
export function findDataFault({ runs, automatic = [] }: StackData): string | undefined {
  if (!Array.isArray(runs) || !runs.every(isMap)) return '"runs" is not a list of objects';
  const isNumbers = Array.isArray(automatic) && automatic.every((each) => typeof each === "number");
  return isNumbers ? undefined : '"automatic" is not a list of numbers';
}

/** Returns the argument of `toStackData`, of a record without a fault. */
export function fromStackData(data: StackData): Stack {
  const { _state: state, automatic = [], runs, ...rest } = data;
  return {
    ...rest,
    state,
    runs: runs.map((run) => fromRunData(data, run)),
    automaticEntries: fromSteps(automatic),
  };
}

type Names = Pick<Stack, "id" | "incarnation">;

function toRunData(stack: Names, run: TaskRun): StackData["runs"][number] {
  return run.attemptId === toPlainId(stack, run) ? { ...run, attemptId: undefined } : run;
}

function fromRunData(stack: Names, run: StackData["runs"][number]): TaskRun {
  return { ...run, attemptId: run.attemptId ?? toPlainId(stack, run) };
}

/** Most ids of attempts: an id with an encoded part is another text, and is written. */
function toPlainId({ id, incarnation }: Names, { entry, task, attempt }: Omit<TaskRun, "attemptId">): string {
  return `${id}/${incarnation}/${entry}/${task}/${attempt}`;
}

function toSteps(instants: readonly number[]): readonly number[] {
  return instants.map((instant, index) => instant - (instants[index - 1] ?? 0));
}

function fromSteps(steps: readonly number[]): readonly number[] {
  let instant = 0;
  return steps.map((step) => {
    instant += step;
    return instant;
  });
}

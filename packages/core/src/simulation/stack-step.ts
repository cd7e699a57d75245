import { type Static, Type } from "typebox";
import { type Attempt, beginAttempt, claimAtBirth, toClaimWithinMs } from "../attempt/attempt.ts";
import { attemptIdOf } from "../machine/attempt-id.ts";
import { compileWhenUsed } from "../machine/compile-when-used.ts";
import { defined } from "../machine/json.ts";
import { MAX_NAME, MAX_TASK_NAME } from "../machine/limits.ts";
import type { Machine } from "../machine/machine.ts";
import { MASK } from "../machine/secrets.ts";
import type { Approval, Stack, TaskRun } from "../machine/stack.ts";
import type { SimulatedYard } from "./simulated-yard.ts";

const Instant = Type.String({
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$",
  description: "ISO 8601 in UTC.",
});
const Name = Type.String({ minLength: 1, maxLength: MAX_TASK_NAME });
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const Metadata = Type.Record(Type.String(), Scalar);
const count = (minimum: number) => Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER });
const Sender = Type.Object({
  kind: Type.Enum(["person", "token", "workload", "local", "aws", "host", "stack", "anonymous"]),
  id: Type.String(),
  name: Type.String(),
  owner: Type.Optional(Type.String()),
});

const SimulatedAttempt = Type.Object({
  task: Name,
  entry: Type.Optional({ ...count(0), description: "Default: the present one." }),
  attempt: count(1),
  dispatchedAt: Type.Optional({ ...Instant, description: "Of one that has not ended." }),
  executor: Type.Optional(Name),
  timeoutMs: Type.Optional(count(1)),
  cancelling: Type.Optional(Type.Enum(["requested", "timed-out"])),
  abandoned: Type.Optional(Type.Literal(true, { description: "Its task was settled by hand." })),
});

const OpenApproval = Type.Object({
  id: Type.String(),
  from: Type.Array(Type.String()),
  count: count(1),
  own: Type.Optional(Type.Literal(true)),
  comment: Type.Optional(Type.Literal("required")),
  of: Type.Optional(Type.String()),
  digest: Type.Optional(Type.String()),
  askedBy: Type.Optional(Sender),
  changedBy: Type.Optional(Type.Array(Sender)),
  askedAt: Instant,
  expiresAt: Instant,
  given: Type.Array(Type.Object({ by: Sender, at: Instant, comment: Type.Optional(Type.String()) })),
});

/** A stack with which a simulation may begin. Sensitive values are `***`. */
export const SimulationStack = Type.Object({
  id: Type.String({ minLength: 1, maxLength: MAX_NAME }),
  machine: Type.String({ minLength: 1, maxLength: MAX_NAME }),
  hash: Type.Optional(
    Type.String({ pattern: "^[0-9a-f]{64}$", description: "Its revision. Default: the newest that is loaded." }),
  ),
  now: Type.Optional({ ...Instant, description: "When the stack was so. Default: the clock of the simulation." }),
  state: Name,
  previousState: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  metadata: Type.Optional(Metadata),
  visits: Type.Optional(Type.Record(Type.String(), count(0), { description: "How often each state was entered." })),
  entry: Type.Optional({ ...count(0), description: "Counts the entries into states." }),
  createdAt: Type.Optional(Instant),
  enteredAt: Type.Optional(Instant),
  tasks: Type.Optional(
    Type.Array(
      Type.Object({
        name: Name,
        status: Type.Enum(["PENDING", "SATISFIED", "ERROR"]),
        detail: Type.Optional(
          Type.Enum(["WAITING", "QUEUED", "RUNNING", "RETRYING", "APPROVING", "SKIPPED", "CANCELLED"]),
        ),
        errorMessage: Type.Optional(Type.String()),
        errorCode: Type.Optional(Type.String()),
      }),
      { description: "Tasks of the present state." },
    ),
  ),
  attempts: Type.Optional(
    Type.Array(SimulatedAttempt, {
      description: "The newest of each task in this entry, and all that have not ended.",
    }),
  ),
  timers: Type.Optional(
    Type.Array(
      Type.Object({
        id: Name,
        event: Name,
        dueAt: Instant,
        task: Type.Optional(Name),
        jitterMs: Type.Optional(count(0)),
        instant: Type.Optional({ ...Instant, description: "The instant that a timer with `at` or `cron` fires for." }),
        repeats: Type.Optional(Type.Object({ cron: Type.String(), zone: Type.String() })),
      }),
    ),
  ),
  firedInstants: Type.Optional(
    Type.Record(Type.String(), Type.Object({ event: Name, instant: Instant, times: count(1) }), {
      description: "The last instant of each timer with `at` that has fired in this entry, by the timer's id.",
    }),
  ),
  approvals: Type.Optional(Type.Record(Type.String(), OpenApproval, { description: "Open approvals, by task." })),
  approved: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        of: Type.String(),
        digest: Type.String({ description: "Of the text, and of the tasks that run by the approval." }),
        by: Type.Array(Type.Object({ name: Name, id: Type.Optional(Type.String()) })),
        at: Instant,
        settled: Type.Optional(Type.Literal(true, { description: "The task was settled by hand." })),
      }),
      { description: "What people have approved with `of`, by the task of the approval." },
    ),
  ),
  outputs: Type.Optional(
    Type.Record(Type.String(), Metadata, { description: "Outputs of this entry's tasks, by task." }),
  ),
  releases: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        id: Name,
        incarnation: Type.String(),
        createdAt: Instant,
        task: Type.String(),
        event: Type.String(),
        value: Scalar,
        at: Instant,
      }),
      { description: "The releases that have set metadata, by its key." },
    ),
  ),
  failures: Type.Optional(
    Type.Record(Type.String(), count(0), { description: "Failures that count for the retries of a task." }),
  ),
  stalled: Type.Optional(Type.Object({ code: Type.String(), reason: Type.String() })),
  begun: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        needs: Type.Array(Type.String()),
        isApproval: Type.Optional(Type.Literal(true)),
        approved: Type.Optional(Type.Array(Type.String())),
      }),
      { description: "What the tasks of the present entry began with." },
    ),
  ),
  pending: Type.Optional(
    Type.Array(Type.Union([Type.Literal("NEXT"), Type.Literal("FAILED"), Type.Literal("TIMEOUT")]), {
      description: "Events of the engine that the state has not handled.",
    }),
  ),
  failed: Type.Optional(Type.Boolean()),
  overdue: Type.Optional(Type.Boolean()),
  awaitsRuns: Type.Optional(Type.Literal(true, { description: "It waits for attempts of earlier entries." })),
});
export type SimulationStack = Static<typeof SimulationStack>;

const validator = compileWhenUsed(SimulationStack);

/** Returns the stack of a step, or its fault. */
export function readSimulationStack(
  value: unknown,
): { readonly kind: "stack"; readonly stack: SimulationStack } | { readonly kind: "fault"; readonly reason: string } {
  if (validator.Check(value)) return { kind: "stack", stack: value };
  const [fault] = validator.Errors(value);
  const place = fault === undefined ? "" : `${fault.instancePath}: ${fault.message}`;
  return { kind: "fault", reason: `"stack" is not a stack as a snapshot has it. stack${place}.` };
}

/** Attempts of simulations have ids under this incarnation, since that of the snapshot's stack is not known. */
const INCARNATION = "snapshot";

/** Puts a stack into a simulation, with its attempts that have not ended. `machine`: its revision. */
export function putStack(yard: SimulatedYard, given: SimulationStack, machine: Machine): void {
  const stack = toStack(given, machine, yard.now);
  yard.stacks.set(stack.id, stack);
  for (const run of stack.runs) {
    const attempt = toAttempt(stack, run, machine);
    yard.attempts.set(attempt.attemptId, attempt);
  }
}

function toStack(given: SimulationStack, machine: Machine, now: number): Stack {
  const { id, state, previousState = null, metadata = {}, entry = 0, tasks = [], attempts = [], timers = [] } = given;
  const enteredAt = given.enteredAt === undefined ? now : Date.parse(given.enteredAt);
  const secrets = Object.keys(metadata).filter(
    (key) => machine.metadata.keys.get(key)?.sensitive === true || metadata[key] === MASK,
  );
  const { visits, outputs, failures, stalled, failed, overdue, awaitsRuns, pending } = given;
  const own = attempts.filter((each) => (each.entry ?? entry) === entry);
  return {
    id,
    machine: machine.name,
    machineHash: machine.hash,
    state,
    previousState,
    tasks,
    metadata,
    createdAt: given.createdAt === undefined ? enteredAt : Date.parse(given.createdAt),
    updatedAt: now,
    enteredAt,
    incarnation: INCARNATION,
    entry,
    attempts: Object.fromEntries(own.map(({ task, attempt }) => [task, attempt])),
    runs: attempts.flatMap((each) => toJob(each, id, entry)),
    timers: timers.map(({ dueAt, instant, ...timer }) => ({
      ...timer,
      dueAt: Date.parse(dueAt),
      ...(instant !== undefined && { instant: Date.parse(instant) }),
    })),
    automaticEntries: [],
    ...defined({ visits, outputs, failures, stalled, failed, overdue, awaitsRuns, pending }),
    ...(given.begun && { begun: toBegun(given.begun) }),
    ...(given.firedInstants && { firedInstants: toFiredInstants(given.firedInstants) }),
    ...(given.releases && { releases: toReleases(given.releases) }),
    ...(given.approvals && { approvals: toApprovals(given.approvals) }),
    ...(given.approved && { approved: toApproved(given.approved) }),
    ...(secrets.length > 0 && { secretVersions: Object.fromEntries(secrets.map((key) => [key, 1])) }),
  };
}

function toBegun(given: NonNullable<SimulationStack["begun"]>): NonNullable<Stack["begun"]> {
  const begun = Object.entries(given).map(([task, { needs, isApproval, approved }]) => {
    return [task, { needs, ...defined({ isApproval, approved }) }] as const;
  });
  return Object.fromEntries(begun);
}

type GivenAttempt = NonNullable<SimulationStack["attempts"]>[number];

function toJob({ dispatchedAt, ...given }: GivenAttempt, stackId: string, present: number): readonly TaskRun[] {
  if (dispatchedAt === undefined) return [];
  const { task, attempt, entry = present } = given;
  const attemptId = attemptIdOf({ stackId, incarnation: INCARNATION, entry, task, attempt });
  return [{ ...given, attemptId, entry, dispatchedAt: Date.parse(dispatchedAt) }];
}

function toFiredInstants(given: NonNullable<SimulationStack["firedInstants"]>): NonNullable<Stack["firedInstants"]> {
  const fired = Object.entries(given).map(
    ([id, each]) => [id, { ...each, instant: Date.parse(each.instant) }] as const,
  );
  return Object.fromEntries(fired);
}

function toReleases(given: NonNullable<SimulationStack["releases"]>): NonNullable<Stack["releases"]> {
  const releases = Object.entries(given).map(([key, { createdAt, at, ...release }]) => {
    return [key, { ...release, createdAt: Date.parse(createdAt), at: Date.parse(at) }] as const;
  });
  return Object.fromEntries(releases);
}

function toApprovals(given: NonNullable<SimulationStack["approvals"]>): Readonly<Record<string, Approval>> {
  const approvals = Object.entries(given).map(([task, { askedAt, expiresAt, given: votes, ...rest }]) => {
    const approval: Approval = {
      ...rest,
      askedAt: Date.parse(askedAt),
      expiresAt: Date.parse(expiresAt),
      given: votes.map(({ at, ...vote }) => ({ ...vote, at: Date.parse(at) })),
    };
    return [task, approval] as const;
  });
  return Object.fromEntries(approvals);
}

function toApproved(given: NonNullable<SimulationStack["approved"]>): NonNullable<Stack["approved"]> {
  const approved = Object.entries(given).map(([task, each]) => [task, { ...each, at: Date.parse(each.at) }] as const);
  return Object.fromEntries(approved);
}

const DEFAULT_TIMEOUT_MS = 3_600_000;

/** Returns the attempt as if a worker had claimed it when it was sent. */
function toAttempt(
  { id: stackId }: Stack,
  { attemptId, task, dispatchedAt, ...run }: TaskRun,
  machine: Machine,
): Attempt {
  const timeoutMs = run.timeoutMs ?? machine.tasks.get(task)?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const claimWithinMs = toClaimWithinMs(timeoutMs, true);
  const attempt = beginAttempt({ attemptId, stackId, task, timeoutMs, claimWithinMs }, dispatchedAt);
  return claimAtBirth(attempt, { owner: "", leaseMs: 0, now: dispatchedAt });
}

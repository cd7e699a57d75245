import { defined } from "../machine/json.ts";
import { maskSecrets } from "../machine/secrets.ts";
import type { Stack } from "../machine/stack.ts";
import type { SimulationStack } from "../simulation/stack-step.ts";
import { toPrinted } from "./to-printed.ts";

/** Returns a stack as the first step of a simulation has it, as of an instant: sensitive values are `***`. */
export function toSimulationStack(stack: Stack, now: number): SimulationStack {
  const { approvals, ...printed } = toPrinted.stack(stack);
  const { id, machine, state, previousState, metadata, entry, visits, failures } = printed;
  const { stalled, failed, overdue, awaitsRuns } = printed;
  return {
    id,
    machine,
    hash: printed.machineHash,
    now: toInstant(now),
    state,
    previousState,
    metadata,
    visits: { ...visits },
    entry,
    createdAt: toInstant(printed.createdAt),
    enteredAt: toInstant(printed.enteredAt),
    tasks: [...printed.tasks],
    attempts: toAttempts(stack),
    timers: printed.timers.map(({ id: timerId, event, dueAt, task, jitterMs, instant, repeats }) => ({
      id: timerId,
      event,
      dueAt: toInstant(dueAt),
      ...defined({ task, jitterMs }),
      ...(instant !== undefined && { instant: toInstant(instant) }),
      ...(repeats && { repeats: { ...repeats } }),
    })),
    ...defined({ failed, overdue, awaitsRuns, stalled: stalled && { ...stalled } }),
    ...(failures && { failures: { ...failures } }),
    ...(approvals && { approvals: toApprovals(approvals) }),
    // Each reference in them is a text afterwards.
    ...(stack.outputs && { outputs: maskSecrets(stack.outputs) as NonNullable<SimulationStack["outputs"]> }),
  };
}

type Attempts = NonNullable<SimulationStack["attempts"]>;

function toAttempts({ attempts, runs, entry }: Stack): Attempts {
  const ended = Object.entries(attempts)
    .filter(
      ([task, attempt]) => !runs.some((run) => run.entry === entry && run.task === task && run.attempt === attempt),
    )
    .map(([task, attempt]) => ({ task, entry, attempt }));
  const open = runs.map(({ task, entry: own, attempt, dispatchedAt, executor, timeoutMs, cancelling, abandoned }) => ({
    task,
    entry: own,
    attempt,
    dispatchedAt: toInstant(dispatchedAt),
    ...defined({ executor, timeoutMs, cancelling, abandoned }),
  }));
  return [...ended, ...open];
}

function toApprovals(approvals: NonNullable<Stack["approvals"]>): NonNullable<SimulationStack["approvals"]> {
  const shown = Object.entries(approvals).map(([task, { from, changedBy, askedAt, expiresAt, given, ...rest }]) => {
    const approval = {
      ...rest,
      from: [...from],
      ...(changedBy && { changedBy: [...changedBy] }),
      askedAt: toInstant(askedAt),
      expiresAt: toInstant(expiresAt),
      given: given.map(({ at, ...vote }) => ({ ...vote, at: toInstant(at) })),
    };
    return [task, approval] as const;
  });
  return Object.fromEntries(shown);
}

function toInstant(ms: number): string {
  return new Date(ms).toISOString();
}

import { toPrintedMessage } from "../aggregate/history-line.ts";
import { listHeldSecrets } from "../machine/decide/stack-secrets.ts";
import { isOverdue } from "../machine/decide/timers.ts";
import { defined } from "../machine/json.ts";
import { createMaskText, type MaskText } from "../machine/mask-text.ts";
import { MASK, maskMetadata, maskSecrets, toShownMetadata } from "../machine/secrets.ts";
import type { LastFailure, Stack } from "../machine/stack.ts";
import type { DeadLetter, HistoryEntry, ParkedEvent } from "../ports/stack-store.ts";
import type { SimulationStack } from "../simulation/stack-step.ts";

/** Values for display: every sensitive value is replaced by `***`. */
export const toPrinted = {
  /** Returns the record without its secrets; texts that quote one are masked. */
  stack(stack: Stack): Stack {
    const { secretVersions: _, keptSecrets: __, outputs: ___, ...rest } = stack;
    const metadata = maskMetadata(toShownMetadata(stack));
    const mask = createMaskText(listHeldSecrets(stack));
    const tasks = stack.tasks.map(({ errorCode, errorMessage, ...task }) => ({
      ...task,
      ...defined({ errorCode: errorCode && mask(errorCode), errorMessage: errorMessage && mask(errorMessage) }),
    }));
    const stalled = stack.stalled && { ...stack.stalled, reason: mask(stack.stalled.reason) };
    const timers = stack.timers.map(({ refused, skipped, ...timer }) => ({
      ...timer,
      ...defined({
        refused: refused && { ...refused, reason: mask(refused.reason) },
        skipped: skipped && { ...skipped, reason: mask(skipped.reason) },
      }),
    }));
    const lastFailure = stack.lastFailure && printFailure(stack.lastFailure, mask);
    const releases = stack.releases && printReleases(stack);
    const printed = { ...rest, metadata, tasks, timers, ...defined({ stalled, lastFailure, releases }) };
    return stack.approvals === undefined ? printed : { ...printed, approvals: printComments(stack.approvals, mask) };
  },

  /** Returns a line of the history with its references masked. */
  entry<Entry extends HistoryEntry>(entry: Entry): Entry {
    const { metadata, outputs } = entry;
    return {
      ...entry,
      ...defined({ metadata: metadata && maskSecrets(metadata), outputs: outputs && maskSecrets(outputs) }),
    };
  },

  /** Returns the message of a parked event or a dead letter for display. */
  message({ event, masked }: Pick<ParkedEvent | DeadLetter, "event" | "masked">): Readonly<Record<string, unknown>> {
    return toPrintedMessage(event.message, masked);
  },
} as const;

/** A value of a key that became sensitive later is in the note of the release that has set it. */
function printReleases({ releases = {}, secretVersions = {} }: Stack): NonNullable<Stack["releases"]> {
  const printed = Object.entries(releases).map(([key, release]) => {
    return [key, Object.hasOwn(secretVersions, key) ? { ...release, value: MASK } : release] as const;
  });
  return Object.fromEntries(printed);
}

/** Returns a failure without the sensitive values that its texts quote. */
export function printFailure(failure: LastFailure, mask: MaskText): LastFailure {
  const { code, message, acknowledged } = failure;
  const reason = acknowledged?.reason && mask(acknowledged.reason);
  const mark = acknowledged && { ...acknowledged, ...defined({ reason }) };
  return {
    ...failure,
    ...defined({ code: code && mask(code), message: message && mask(message), acknowledged: mark }),
  };
}

function printComments(approvals: NonNullable<Stack["approvals"]>, mask: MaskText): NonNullable<Stack["approvals"]> {
  const printed = Object.entries(approvals).map(([task, approval]) => {
    const given = approval.given.map(({ comment, ...each }) => ({
      ...each,
      ...(comment && { comment: mask(comment) }),
    }));
    return [task, { ...approval, given }] as const;
  });
  return Object.fromEntries(printed);
}

/** Returns a stack as the first step of a simulation has it, as of an instant: sensitive values are `***`. */
export function toSimulationStack(stack: Stack, now: number): SimulationStack {
  const { approvals, ...printed } = toPrinted.stack(stack);
  const { id, machine, state, previousState, metadata, entry, visits, failures } = printed;
  const { stalled, failed, awaitsRuns, firedInstants, begun, pending } = printed;
  // A simulation has no dead letters, and one has fired.
  const standing = printed.timers.filter(({ refused }) => refused?.givenUpAt === undefined);
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
    timers: standing.map(({ id: timerId, event, dueAt, task, jitterMs, instant, repeats }) => ({
      id: timerId,
      event,
      dueAt: toInstant(dueAt),
      ...defined({ task, jitterMs }),
      ...(instant !== undefined && { instant: toInstant(instant) }),
      ...(repeats && { repeats: { ...repeats } }),
    })),
    ...defined({ failed, overdue: isOverdue(stack) || undefined, awaitsRuns, stalled: stalled && { ...stalled } }),
    ...(failures && { failures: { ...failures } }),
    ...(begun && { begun: toBegun(begun) }),
    ...(pending && { pending: [...pending] }),
    ...(firedInstants && { firedInstants: toFiredInstants(firedInstants) }),
    ...(printed.releases && { releases: toReleases(printed.releases) }),
    ...(approvals && { approvals: toApprovals(approvals) }),
    ...(printed.approved && { approved: toApproved(printed.approved) }),
    // Each reference in them is a text afterwards.
    ...(stack.outputs && { outputs: maskSecrets(stack.outputs) as NonNullable<SimulationStack["outputs"]> }),
  };
}

type Begun = NonNullable<SimulationStack["begun"]>;

function toBegun(begun: NonNullable<Stack["begun"]>): Begun {
  const copied = Object.entries(begun).map(([task, { needs, isApproval, approved }]): [string, Begun[string]] => {
    return [task, { needs: [...needs], ...defined({ isApproval, approved: approved && [...approved] }) }];
  });
  return Object.fromEntries(copied);
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

function toFiredInstants(fired: NonNullable<Stack["firedInstants"]>): NonNullable<SimulationStack["firedInstants"]> {
  const shown = Object.entries(fired).map(([id, each]) => [id, { ...each, instant: toInstant(each.instant) }] as const);
  return Object.fromEntries(shown);
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

function toApproved(approved: NonNullable<Stack["approved"]>): NonNullable<SimulationStack["approved"]> {
  const shown = Object.entries(approved).map(([task, { by, at, ...rest }]) => {
    const each = { ...rest, by: by.map((each) => ({ ...each })), at: toInstant(at) };
    return [task, each] as const;
  });
  return Object.fromEntries(shown);
}

function toReleases(releases: NonNullable<Stack["releases"]>): NonNullable<SimulationStack["releases"]> {
  const shown = Object.entries(releases).map(([key, { createdAt, at, ...release }]) => {
    return [key, { ...release, createdAt: toInstant(createdAt), at: toInstant(at) }] as const;
  });
  return Object.fromEntries(shown);
}

function toInstant(ms: number): string {
  return new Date(ms).toISOString();
}

import type { StackInput } from "../aggregate/stack-input.ts";
import { toErrorText } from "../errors/error-text.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import type { DueItem } from "../ports/work-queue.ts";

/** What working due items needs. */
export interface WorkDueDeps {
  readonly store: Pick<Store, "findAttempt">;
  readonly clock: Clock;
  readonly work: (inputs: readonly StackInput[]) => Promise<readonly DeliveryOutcome[]>;
}

const DONE: DeliveryOutcome = { kind: "done" };

/**
 * Works items that were taken a while ago, or before their time. Timers and parked events are looked at in the stack as it
 * is; a deadline would be believed, so whether it still stands is asked first: a claim or a wait for a key moves it.
 */
export async function workDue(deps: WorkDueDeps, items: readonly DueItem[]): Promise<readonly DeliveryOutcome[]> {
  const looked = await Promise.all(items.map((item) => lookAt(deps, item)));
  const outcomes = looked.map((found) => ("kind" in found ? found : DONE));
  const inputs = looked.flatMap((found, index) =>
    "kind" in found ? [] : found.inputs.map((input) => ({ index, input })),
  );
  // What ends an attempt comes before what its end may arm or drop.
  inputs.sort((a, b) => Number(b.input.kind === "deadline") - Number(a.input.kind === "deadline"));
  const worked = await deps.work(inputs.map(({ input }) => input));
  for (const [place, { index }] of inputs.entries()) outcomes[index] = worked[place] ?? DONE;
  return outcomes;
}

async function lookAt(
  deps: WorkDueDeps,
  item: DueItem,
): Promise<DeliveryOutcome | { readonly inputs: readonly StackInput[] }> {
  try {
    const stands = item.kind !== "deadline" || (await isPassed(deps, item));
    return { inputs: stands ? toInputs(item) : [] };
  } catch (error) {
    return { kind: "retry", reason: toErrorText(error) };
  }
}

async function isPassed(
  { store, clock }: WorkDueDeps,
  { attemptId, why }: Extract<DueItem, { kind: "deadline" }>,
): Promise<boolean> {
  const attempt = await store.findAttempt(attemptId);
  if (attempt === undefined || attempt.status === "settled") return false;
  // Once a cancel is asked for, its own time counts, which never moves.
  if (attempt.cancelling !== undefined) return why === "cancel";
  return why === "deadline" && attempt.status !== "queued" && attempt.deadlineAt <= clock.now();
}

/** A due item as the engine works it; none for kinds that others work. */
export function toInputs(item: DueItem): readonly StackInput[] {
  switch (item.kind) {
    case "timer":
      return [{ kind: "timers", stackId: item.stackId }];
    case "parked":
      return [{ kind: "parked", stackId: item.stackId }];
    case "deadline": {
      const { stackId, attemptId, task, why } = item;
      return [{ kind: "deadline", stackId, attemptId, task, why }];
    }
    default:
      return [];
  }
}

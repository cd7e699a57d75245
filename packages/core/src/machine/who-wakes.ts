import { isHeld } from "./decide/task-states.ts";
import { isArmed } from "./decide/timers.ts";
import type { Stack, TaskState } from "./stack.ts";
import { evaluateHealth, findStall } from "./stack-health.ts";

/**
 * Who ends a wait. `run`: an attempt, whose deadline comes. `timer`: an instant. `parked`: an event that is decided again.
 * `task`: another task of the stack. `person`: the stack is listed as one that needs a person.
 */
type Waker = "run" | "timer" | "parked" | "task" | "person";

/** What waits in a stack, and what ends it. Without a waker it would wait without end, and unseen. */
interface Wait {
  readonly what: string;
  readonly waker?: Waker;
}

/** Lists all that waits in a stack and what ends each of it. `parked`: how many of its events are parked. Pure. */
export function listWaits(stack: Stack, parked = 0): readonly Wait[] {
  const isSeen = evaluateHealth(stack).needsPerson;
  const person: Pick<Wait, "waker"> = isSeen ? { waker: "person" } : {};
  const waits: Wait[] = stack.tasks.flatMap((task) => {
    return task.status === "PENDING" ? [{ what: `task ${task.name}`, ...(findTaskWaker(stack, task) ?? person) }] : [];
  });
  for (const name of stack.pending ?? []) waits.push({ what: name, ...person });
  if (findStall(stack) !== undefined) waits.push({ what: "stalled", ...person });
  for (const timer of stack.timers) {
    if (isArmed(timer)) continue;
    const isRetried = timer.refused?.givenUpAt === undefined && parked > 0;
    const waker: Pick<Wait, "waker"> = isRetried ? { waker: "parked" } : person;
    waits.push({ what: `timer ${timer.id}`, ...waker });
  }
  return waits;
}

function findTaskWaker(stack: Stack, { name, detail }: TaskState): { readonly waker: Waker } | undefined {
  const isOpen = stack.runs.some(
    (run) => run.task === name && run.entry === stack.entry && run.abandoned === undefined,
  );
  if (isOpen && detail !== "WAITING") return { waker: "run" };
  if (stack.timers.some((timer) => timer.task === name)) return { waker: "timer" };
  if (detail !== "WAITING") return undefined;
  if (isHeld({ stack })) return { waker: "run" };
  const moving = stack.tasks.some((other) => {
    return other.name !== name && other.status === "PENDING" && other.detail !== "WAITING";
  });
  return moving ? { waker: "task" } : undefined;
}

import { FAILED, NEXT } from "../machine.ts";
import type { PendingEvent, Stack } from "../stack.ts";

/** Returns the stack with an event of the engine that its state has not handled: it waits with the entry. */
export function withPending(stack: Stack, name: PendingEvent): Stack {
  const { pending = [] } = stack;
  return pending.includes(name) ? stack : { ...stack, pending: [...pending, name] };
}

/** Returns the stack after its state has handled such an event, without the mark that it was not. */
export function withoutPending(stack: Stack, name: PendingEvent): Stack {
  const { pending = [], ...rest } = stack;
  const others = pending.filter((each) => each !== name);
  const kept: Stack = others.length === 0 ? rest : { ...rest, pending: others };
  if (name === NEXT) {
    const { stalled, ...unmarked } = kept;
    return unmarked;
  }
  if (name === FAILED) {
    const { failed, ...unmarked } = kept;
    return unmarked;
  }
  const { overdue, ...unmarked } = kept;
  return unmarked;
}

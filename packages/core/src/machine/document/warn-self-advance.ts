import type { FlowHandler } from "./check-flow.ts";
import { type CompileContext, onValue } from "./compile-context.ts";
import { quote } from "./wording.ts";

/** Warns of events that lead from a state to itself, once an event. */
export function warnSelfAdvance(
  { problems }: CompileContext,
  name: string,
  on: ReadonlyMap<string, FlowHandler> = new Map(),
): void {
  for (const [event, { advances }] of on) {
    const self = advances.find(({ target }) => target === name);
    if (!self) continue;
    const message = `${event} leads from ${quote(name)} to itself: its tasks begin anew.`;
    problems.warn("self-advance", onValue(self.field), message);
  }
}

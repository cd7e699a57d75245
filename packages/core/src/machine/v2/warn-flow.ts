import { findWaysOut, type LeadingState } from "../decide/way-out.ts";
import { type CompileContext, onValue } from "../document/compile-context.ts";
import type { Field } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { FAILED, NEXT, TIMEOUT } from "../machine.ts";
import type { HandlerDraft, RaisingEntry, StateDraft } from "./state-drafts.ts";

type States = ReadonlyMap<string, StateDraft>;

/** Events that the engine sends to the states themselves. */
export const INTERNAL: readonly string[] = [NEXT, FAILED, TIMEOUT];

/** Warns of protected states that the engine itself may lead to the end of the stack, without a confirmation. */
export function warnProtected({ problems }: CompileContext, states: States, raising: readonly RaisingEntry[]): void {
  const out = findWaysOut([...states].map(toLeading));
  const findEnds = (state: StateDraft, event: string) =>
    state.on?.get(event)?.advances.filter(({ target }) => out.has(target)) ?? [];
  for (const [name, state] of states) {
    if (!state.protected) continue;
    const internal = INTERNAL.flatMap((event) => findEnds(state, event).map(({ field }) => ({ event, field })));
    const raised = raising.flatMap(({ raise, target }) => {
      const { text: event, field } = raise;
      return target === name && findEnds(state, event).length > 0 ? [{ event, field }] : [];
    });
    const timed = state.after.flatMap(({ event, field }) => {
      return event !== undefined && findEnds(state, event).length > 0 ? [{ event, field }] : [];
    });
    for (const { event, field } of [...internal, ...timed, ...raised]) {
      const message = `${event} may lead from the protected state ${quote(name)} into a terminal one without a confirmation.`;
      problems.warn("protected-left-automatically", onValue(field), message);
    }
  }
}

const NONE: ReadonlyMap<string, HandlerDraft> = new Map();

function toLeading([name, { terminal = false, on = NONE }]: readonly [string, StateDraft]): LeadingState {
  const handlers = [...on].map(([event, { entries }]) => {
    const reactions = entries.map(({ advance, raise }) => ({
      advance: advance === undefined ? [] : [advance.target],
      ...(raise && { raise: raise.text }),
    }));
    return [event, reactions] as const;
  });
  return { name, terminal, on: new Map(handlers) };
}

/** A timer that leads to a state with the same instant. */
interface InstantEdge {
  readonly event: string;
  readonly field: Field;
  readonly to: string;
}

/**
 * Warns of timers with `at` that lead on to states with the same instant, and back: once it has passed, they fire at once, again
 * and again.
 */
export function warnInstants({ problems }: CompileContext, states: States): void {
  for (const [name, state] of states) {
    for (const source of new Set(listInstants(state).map(({ source: text }) => text))) {
      const [edge] = listEdges(states, name, source).filter(({ to }) =>
        mayReturn(states, { from: to, to: name, source }),
      );
      if (edge === undefined) continue;
      const message = `Once the instant ${quote(source)} has passed, ${edge.event} leads back to ${quote(name)} at once, again and again. Set a later instant with the event, or use in or cron.`;
      problems.warn("endless-loop", onValue(edge.field), message);
    }
  }
}

function listInstants({ after }: StateDraft) {
  return after.flatMap(({ when, event, field }) => {
    return when?.kind === "at" && event !== undefined ? [{ source: when.at.source, event, field }] : [];
  });
}

/** Lists where a state's timers of an instant always lead, as far as that has the instant too, and no entry sets metadata. */
function listEdges(states: States, name: string, source: string): readonly InstantEdge[] {
  const state = states.get(name);
  if (state === undefined) return [];
  return listInstants(state).flatMap(({ source: own, event, field }) => {
    const handler = state.on?.get(event);
    if (own !== source || handler === undefined || handler.isConditional) return [];
    if (handler.entries.some(({ set }) => set.size > 0)) return [];
    return handler.advances.flatMap(({ target }) => {
      const next = states.get(target);
      const hasIt = next !== undefined && listInstants(next).some((each) => each.source === source);
      return hasIt ? [{ event, field, to: target }] : [];
    });
  });
}

function mayReturn(
  states: States,
  { from, to, source }: { readonly from: string; readonly to: string; readonly source: string },
): boolean {
  const reached = new Set([from]);
  // A set that grows during the iteration is iterated to its new end.
  for (const name of reached) for (const edge of listEdges(states, name, source)) reached.add(edge.to);
  return reached.has(to);
}

import { type CompileContext, onValue } from "../document/compile-context.ts";
import type { Field } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { FAILED, NEXT, TIMEOUT } from "../machine.ts";
import type { HandlerDraft } from "./read-handlers.ts";
import type { StateDraft } from "./read-state.ts";

/** Warns of protected states that the engine itself may lead into a terminal one: nobody is asked to confirm that. */
export function checkProtected({ problems }: CompileContext, states: ReadonlyMap<string, StateDraft>): void {
  for (const [name, state] of states) {
    if (!state.protected) continue;
    for (const { event, field } of findAutomatic(state, states)) {
      const message = `${event} may lead from the protected state ${quote(name)} into a terminal one, and nobody is asked to confirm it.`;
      problems.warn("protected-left-automatically", onValue(field), message);
    }
  }
}

interface AutomaticExit {
  readonly event: string;
  readonly field: Field;
}

function findAutomatic(state: StateDraft, states: ReadonlyMap<string, StateDraft>): readonly AutomaticExit[] {
  const ends = (handler: HandlerDraft | undefined) =>
    handler?.advances.filter(({ target }) => states.get(target)?.terminal) ?? [];
  const internal = [NEXT, FAILED, TIMEOUT].flatMap((event) => {
    return ends(state.on?.get(event)).map(({ field }) => ({ event, field }));
  });
  const timed = state.after.flatMap(({ event, field }) => {
    return event !== undefined && ends(state.on?.get(event)).length > 0 ? [{ event, field }] : [];
  });
  return [...internal, ...timed];
}

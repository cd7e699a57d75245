import { ADVICE_TO_UPGRADE, checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onKey, onMissing, onValue } from "../document/compile-context.ts";
import { type AdvanceDraft, readAdvance, readTarget, refuseAction } from "../document/read-advance.ts";
import type { StateReferences } from "../document/references.ts";
import {
  type Field,
  findField,
  findText,
  isListField,
  isMapField,
  type MapNode,
  toFields,
  toItems,
} from "../document/tree.ts";
import { describe, quote, suggest } from "../document/wording.ts";
import { FAILED, NEXT, TIMEOUT } from "../machine.ts";

/** What a state does on one event. */
export interface HandlerDraft {
  readonly field: Field;
  readonly advances: readonly AdvanceDraft[];
}

/** Handlers by event; undefined when `on` is no map. */
export function readHandlers(
  context: CompileContext,
  on: Field | undefined,
  references: StateReferences,
): ReadonlyMap<string, HandlerDraft> | undefined {
  if (on === undefined) return new Map();
  if (!isMapField(on)) {
    const message = `on must be a map from events to lists of actions, but it is ${describe(on.node)}.`;
    context.problems.error("on-not-map", onValue(on), message);
    return undefined;
  }
  const handlers = new Map<string, HandlerDraft>();
  for (const [event, field] of toFields(on)) {
    if (event !== NEXT) checkEvent(context, event, { field, references });
    handlers.set(event, { field, advances: readActions(context, field, references) });
  }
  return handlers;
}

interface Handled {
  readonly field: Field;
  readonly references: StateReferences;
}

function checkEvent({ problems }: CompileContext, event: string, { field, references }: Handled): void {
  if (references.events.use(event)) return;
  const system = /^(TASK_(COMPLETED|ERROR)|RETRY_(FAILED|PENDING)_TASKS)$/.test(event);
  const newer = event === FAILED || event === TIMEOUT ? ADVICE_TO_UPGRADE : "";
  const message = system
    ? `${event} is handled by the engine; a state can only handle declared events and NEXT.`
    : `The event ${quote(event)} is not declared in events.${newer || suggest(references.events.resolve(event))}`;
  problems.error("on-event-undeclared", onKey(field), message);
}

function readActions(context: CompileContext, field: Field, references: StateReferences): readonly AdvanceDraft[] {
  if (!isListField(field)) {
    const advice = findText(field) === undefined ? ' Put "- " before the action.' : ADVICE_TO_UPGRADE;
    const message = `A handler must be a list of actions, but this is ${describe(field.node)}.${advice}`;
    context.problems.error("handler-not-list", onValue(field), message);
    return [];
  }
  return toItems(field).flatMap((item) => readAction(context, item, references) ?? []);
}

function readAction(context: CompileContext, item: Field, references: StateReferences): AdvanceDraft | undefined {
  if (!isMapField(item)) {
    const message = `An action must be a map such as {action: advance, state: NAME}, but this is ${describe(item.node)}.`;
    context.problems.error("action-not-map", onValue(item), message);
    return undefined;
  }
  const action = findField(item, "action");
  const name = action && findText(action);
  const takesState = name !== "no-op";
  const known = takesState ? ["action", "state"] : ["action"];
  checkKeys(context, item, {
    known,
    code: "action-unknown-key",
    owner: takesState ? "an action" : "a no-op",
    newer: ["when", "set"],
  });
  if (name === "advance") return readAdvance(context, item, references.states);
  if (action && name !== "no-op") refuseAction(context, action);
  else if (!action) checkIdle(context, item, references);
  return undefined;
}

// The predecessor took such an entry for an advance that lacks its action: a state in it must exist.
function checkIdle(context: CompileContext, item: Field<MapNode>, { states }: StateReferences): void {
  const message = 'This entry has no action and does nothing. Write "action: advance".';
  context.problems.warn("action-missing", onMissing(item, "action"), message);
  const state = findField(item, "state");
  if (state) readTarget(context, state, states);
}

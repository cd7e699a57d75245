import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onKey, onMissing, onValue, suggestOrList } from "../document/compile-context.ts";
import type { References, StateReferences } from "../document/references.ts";
import { NEXT } from "../machine.ts";
import {
  type Field,
  findField,
  findText,
  isListField,
  isMapField,
  isNull,
  type MapNode,
  toFields,
  toItems,
} from "../tree.ts";
import { describe, quote, suggest } from "../wording.ts";

/** What a state does on one event. */
export interface HandlerDraft {
  readonly field: Field;
  readonly advances: readonly AdvanceDraft[];
}

/** One `advance`; `meant` is the known state that it names or almost names. */
export interface AdvanceDraft {
  readonly target: string;
  readonly meant?: string;
  readonly field: Field;
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
  const message = system
    ? `${event} is handled by the engine; a state can only handle declared events and NEXT.`
    : `The event ${quote(event)} is not declared in events.${suggest(references.events.resolve(event))}`;
  problems.error("on-event-undeclared", onKey(field), message);
}

function readActions(context: CompileContext, field: Field, references: StateReferences): readonly AdvanceDraft[] {
  if (!isListField(field)) {
    const message = `A handler must be a list of actions, but this is ${describe(field.node)}. Put "- " before the action.`;
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
  checkKeys(context, item, { known, code: "action-unknown-key", owner: takesState ? "an action" : "a no-op" });
  if (name === "advance") return readAdvance(context, item, references);
  if (action) checkOther(context, action, name);
  else checkIdle(context, item, references);
  return undefined;
}

// The predecessor took such an entry for an advance that lacks its action: a state in it must exist.
function checkIdle(context: CompileContext, item: Field<MapNode>, { states }: StateReferences): void {
  const message = 'This entry has no action and does nothing. Write "action: advance".';
  context.problems.warn("action-missing", onMissing(item, "action"), message);
  const state = findField(item, "state");
  if (state) readTarget(context, state, states);
}

function checkOther({ problems }: CompileContext, action: Field, name: string | undefined): void {
  if (name === "no-op") return;
  const near = name === undefined ? " Known: advance, no-op." : suggestOrList(name, ["advance", "no-op"]);
  problems.error("action-unknown", onValue(action), `The action ${describe(action.node)} is not known.${near}`);
}

function readAdvance(
  context: CompileContext,
  item: Field<MapNode>,
  references: StateReferences,
): AdvanceDraft | undefined {
  const { states } = references;
  const state = findField(item, "state");
  if (state === undefined || isNull(state)) {
    const message = "advance needs state: the name of the state to enter.";
    context.problems.error("advance-state-required", state ? onValue(state) : onMissing(item, "state"), message);
    return undefined;
  }
  return readTarget(context, state, states);
}

function readTarget(context: CompileContext, state: Field, states: References): AdvanceDraft | undefined {
  const target = findText(state);
  if (target === undefined) return refuseTarget(context, state, states);
  const meant = states.resolve(target);
  if (meant !== target) {
    context.problems.error(
      "advance-state-undefined",
      onValue(state),
      `There is no state ${quote(target)}.${suggest(meant)}`,
    );
  }
  return { target, field: state, ...(meant !== undefined && { meant }) };
}

function refuseTarget({ problems }: CompileContext, state: Field, states: References): AdvanceDraft | undefined {
  const text = state.node.kind === "scalar" ? (state.node.plain ?? String(state.node.value)) : undefined;
  const meant = text === undefined ? undefined : states.resolve(text);
  const hint = text !== undefined && meant === text ? ` Write it in quotes: ${quote(text)}.` : "";
  const message = `state must be the name of a state, but it is ${describe(state.node)}.${hint}`;
  problems.error("advance-state-undefined", onValue(state), message);
  return text === undefined ? undefined : { target: text, field: state, ...(meant !== undefined && { meant }) };
}

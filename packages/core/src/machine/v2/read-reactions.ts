import { checkKeys } from "../document/check-document.ts";
import {
  type AdvanceDraft,
  readAdvance,
  readTarget,
  refuseAction,
  type StateReferences,
} from "../document/check-flow.ts";
import { onKey, onMissing, onValue } from "../document/compile-context.ts";
import {
  type Field,
  findField,
  findScalar,
  findText,
  isListField,
  isMapField,
  isNull,
  type MapNode,
  toFields,
  toItems,
} from "../document/tree.ts";
import { describe, quote, suggest } from "../document/wording.ts";
import type { Expression, ExpressionPlace, Template } from "../expression/expression.ts";
import { FAILED, NEXT, TIMEOUT } from "../machine.ts";
import { type EventDraft, isReserved } from "./read-events.ts";
import { readDuration, readExpression, readTemplate, suggestWithin, type V2Context } from "./read-fields.ts";
import { checkDeclared, type MetadataDraft } from "./read-metadata.ts";

/** What the parts of a state refer to. */
export interface StateScope {
  readonly references: StateReferences;
  /** Undefined when they could not be read. */
  readonly events: ReadonlyMap<string, EventDraft> | undefined;
  readonly metadata: MetadataDraft;
  /** What its conditions may name. */
  readonly place: ExpressionPlace;
}

/** What a state does on one event. */
export interface HandlerDraft {
  readonly field: Field;
  readonly entries: readonly EntryDraft[];
  /** The states that it may lead to. */
  readonly advances: readonly AdvanceDraft[];
}

const INTERNAL: ReadonlySet<string> = new Set([NEXT, FAILED, TIMEOUT]);

/** Handlers by event; undefined when `on` is no map. */
export function readHandlers(
  context: V2Context,
  on: Field | undefined,
  scope: StateScope,
): ReadonlyMap<string, HandlerDraft> | undefined {
  if (on === undefined) return new Map();
  if (!isMapField(on)) {
    const message = `on must be a map from events to reactions, but it is ${describe(on.node)}.`;
    context.problems.error("on-not-map", onValue(on), message);
    return undefined;
  }
  const handlers = new Map<string, HandlerDraft>();
  for (const [event, field] of toFields(on)) {
    if (!INTERNAL.has(event)) checkEvent(context, event, { field, scope });
    const entries = readReaction(context, field, scope);
    handlers.set(event, { field, entries, advances: entries.flatMap(({ advance }) => advance ?? []) });
  }
  return handlers;
}

interface Handled {
  readonly field: Field;
  readonly scope: StateScope;
}

function checkEvent({ problems }: V2Context, event: string, { field, scope }: Handled): void {
  const { events } = scope.references;
  if (events.use(event)) return;
  const message = isReserved(event)
    ? `${event} is handled by the engine; a state can only handle declared events, NEXT, FAILED and TIMEOUT.`
    : `The event ${quote(event)} is not declared in events.${suggest(events.resolve(event))}`;
  problems.error("on-event-undeclared", onKey(field), message);
}

/** One entry of a reaction. */
export interface EntryDraft {
  readonly field: Field;
  readonly isConditional: boolean;
  readonly when?: Expression;
  readonly advance?: AdvanceDraft;
  readonly set: ReadonlyMap<string, Template>;
}

/** What a state does on an event: a state's name, `no-op`, or a list of entries of which the first that holds counts. */
function readReaction(context: V2Context, field: Field, scope: StateScope): readonly EntryDraft[] {
  if (isListField(field)) return readEntries(context, field, scope);
  if (findText(field) === "no-op") return [toPlainEntry(field)];
  if (isMapField(field) || (field.node.kind === "scalar" && field.node.value === null)) {
    const advice = isMapField(field) ? ' Put "- " before it.' : ' To do nothing write "no-op".';
    const message = `A reaction must be a state's name, no-op or a list of entries, but this is ${describe(field.node)}.${advice}`;
    context.problems.error("handler-not-list", onValue(field), message);
    return [];
  }
  const advance = readTarget(context, field, scope.references.states);
  return advance ? [toPlainEntry(field, advance)] : [];
}

function toPlainEntry(field: Field, advance?: AdvanceDraft): EntryDraft {
  return { field, isConditional: false, set: new Map(), ...(advance && { advance }) };
}

function readEntries(context: V2Context, list: Field, scope: StateScope): readonly EntryDraft[] {
  const items = isListField(list) ? toItems(list) : [];
  if (items.length === 0) {
    const message = 'This list is empty. To handle the event without doing anything write "no-op".';
    context.problems.error("handler-empty", onValue(list), message);
  }
  const entries = items.flatMap((item) => readEntry(context, item, scope) ?? []);
  warnUnreachable(context, entries);
  return entries;
}

function warnUnreachable({ problems }: V2Context, entries: readonly EntryDraft[]): void {
  const last = entries.findIndex(({ isConditional }) => !isConditional);
  for (const { field } of last === -1 ? [] : entries.slice(last + 1)) {
    const message = 'This entry is never reached: one before it has no "when", and only the first that holds is taken.';
    problems.warn("reaction-unreachable", onValue(field), message);
  }
}

const KEYS = ["when", "action", "state", "set"];

function readEntry(context: V2Context, item: Field, scope: StateScope): EntryDraft | undefined {
  if (!isMapField(item)) {
    const message = `An entry must be a map such as {action: advance, state: NAME}, but this is ${describe(item.node)}.`;
    context.problems.error("action-not-map", onValue(item), message);
    return undefined;
  }
  const isNoOp = findText(findField(item, "action") ?? item) === "no-op";
  const known = isNoOp ? KEYS.filter((key) => key !== "state") : KEYS;
  checkKeys(context, item, { known, code: "action-unknown-key", owner: isNoOp ? "a no-op" : "an entry" });
  const advance = readAction(context, item, scope);
  const when = findField(item, "when");
  const condition = when && readCondition(context, when, scope);
  return {
    field: item,
    isConditional: when !== undefined,
    set: readSet(context, findField(item, "set"), scope),
    ...(condition && { when: condition }),
    ...(advance && { advance }),
  };
}

function readAction(context: V2Context, item: Field<MapNode>, scope: StateScope): AdvanceDraft | undefined {
  const action = findField(item, "action");
  if (action === undefined) {
    const message = 'This entry has no action. Write "action: advance" or "action: no-op".';
    context.problems.error("action-required", onMissing(item, "action"), message);
    const state = findField(item, "state");
    return state && readTarget(context, state, scope.references.states);
  }
  const name = findText(action);
  if (name === "advance") return readAdvance(context, item, scope.references.states);
  if (name !== "no-op") refuseAction(context, action);
  return undefined;
}

function readCondition(context: V2Context, when: Field, scope: StateScope): Expression | undefined {
  return readExpression(context, when, { code: "when-not-string", place: scope.place });
}

/** Metadata that an entry sets, by key. A sensitive key may be set from sensitive values, no other one may. */
function readSet(
  context: V2Context,
  set: Field | undefined,
  { metadata, place }: StateScope,
): ReadonlyMap<string, Template> {
  if (set === undefined) return new Map();
  if (!isMapField(set)) {
    const message = `set must be a map of metadata keys to values, but it is ${describe(set.node)}.`;
    context.problems.error("set-not-map", onValue(set), message);
    return new Map();
  }
  const templates = new Map<string, Template>();
  for (const [key, field] of toFields(set)) {
    checkDeclared(context, field, key, metadata);
    if (findScalar(field) === undefined) {
      const message = `Metadata is flat: a value of set must be a text, number, boolean or null, but this is ${describe(field.node)}.`;
      context.problems.error("set-value-not-scalar", onValue(field), message);
      continue;
    }
    const sensitive = metadata.place.sensitive.has(key) ? "always" : "never";
    const template = readTemplate(context, field, { ...place, sensitive });
    if (template) templates.set(key, template);
  }
  return templates;
}

/** An entry of `after`, as far as it could be read. */
export interface AfterDraft {
  readonly field: Field;
  readonly inMs?: number;
  readonly event?: string;
}

/** Reads the events that a state sends itself; `handled` is undefined where `on` could not be read. */
export function readAfter(context: V2Context, after: Field | undefined, scope: AfterScope): readonly AfterDraft[] {
  if (after === undefined) return [];
  if (!isListField(after)) {
    const message = `after must be a list such as [{in: 72h, event: NAME}], but it is ${describe(after.node)}.`;
    context.problems.error("after-not-list", onValue(after), message);
    return [];
  }
  return toItems(after).flatMap((item) => readTimer(context, item, scope) ?? []);
}

/** What `after` refers to. */
interface AfterScope extends Pick<StateScope, "events"> {
  readonly handled: { has(event: string): boolean } | undefined;
}

function readTimer(context: V2Context, item: Field, scope: AfterScope): AfterDraft | undefined {
  if (!isMapField(item)) {
    const message = `An entry of after must be a map such as {in: 72h, event: NAME}, but this is ${describe(item.node)}.`;
    context.problems.error("after-not-map", onValue(item), message);
    return undefined;
  }
  checkKeys(context, item, { known: ["in", "event"], code: "after-unknown-key", owner: "an entry of after" });
  if (findField(item, "in") === undefined) {
    const message = "The entry needs in: how long the stack must have been in this state, such as 72h.";
    context.problems.error("after-in-required", onMissing(item, "in"), message);
  }
  const inMs = readDuration(context, item, "in");
  const event = readEvent(context, item, scope);
  return { field: item, ...(inMs !== undefined && { inMs }), ...(event !== undefined && { event }) };
}

function readEvent(context: V2Context, item: Field<MapNode>, scope: AfterScope): string | undefined {
  const field = findField(item, "event");
  if (field === undefined || isNull(field)) {
    const spot = field ? onValue(field) : onMissing(item, "event");
    context.problems.error("after-event-required", spot, "The entry needs event: the event to send.");
    return undefined;
  }
  const name = findText(field);
  const fault = name === undefined ? undefined : findFault(context, name, scope);
  if (name !== undefined && fault === undefined) return name;
  const { code, message } = fault ?? {
    code: "after-event-undeclared",
    message: `event must be the name of a declared event, but it is ${describe(field.node)}.`,
  };
  context.problems.error(code, onValue(field), message);
  return undefined;
}

interface Fault {
  readonly code: string;
  readonly message: string;
}

function findFault(context: V2Context, name: string, { events, handled }: AfterScope): Fault | undefined {
  if (events === undefined) return undefined;
  const event = events.get(name);
  if (event === undefined) {
    const message = `The event ${quote(name)} is not declared in events.${suggestWithin(context, name, events.keys())}`;
    return { code: "after-event-undeclared", message };
  }
  if (handled && !handled.has(name)) {
    const message = `This state does not handle ${quote(name)}, so it would be refused when it is due. Add it to on.`;
    return { code: "after-event-not-handled", message };
  }
  if (event.metadata.length === 0) return undefined;
  const keys = event.metadata.map(({ text }) => quote(text)).join(", ");
  const message = `${quote(name)} must bring metadata (${keys}), and a timer brings none.`;
  return { code: "after-event-needs-metadata", message };
}

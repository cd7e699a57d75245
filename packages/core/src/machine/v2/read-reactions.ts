import { checkKeys } from "../document/check-keys.ts";
import { onMissing, onValue } from "../document/compile-context.ts";
import { type AdvanceDraft, readAdvance, readTarget, refuseAction } from "../document/read-advance.ts";
import { type Field, findField, findText, isListField, isMapField, type MapNode, toItems } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import type { Expression, Template } from "../expression/expression.ts";
import { readExpression } from "./read-expression.ts";
import { readSet } from "./read-set.ts";
import type { StateScope } from "./state-scope.ts";
import type { V2Context } from "./v2-context.ts";

/** One entry of a reaction. */
export interface EntryDraft {
  readonly field: Field;
  readonly isConditional: boolean;
  readonly when?: Expression;
  readonly advance?: AdvanceDraft;
  readonly set: ReadonlyMap<string, Template>;
}

/** What a state does on an event: a state's name, `no-op`, or a list of entries of which the first that holds counts. */
export function readReaction(context: V2Context, field: Field, scope: StateScope): readonly EntryDraft[] {
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

import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import type { Spot } from "../document/problem-list.ts";
import { type Field, findField, findText, isListField, isMapField, toFields, toItems } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { checkDescription } from "./check-description.ts";
import { explainName, isName, isReserved } from "./names.ts";
import { readTextList, type TextItem } from "./read-text-list.ts";

/** A declared event. */
export interface EventDraft {
  readonly field: Field;
  /** Keys that must come with it. */
  readonly metadata: readonly TextItem[];
}

/**
 * Declared events by name, of a list or a map. Misspelt and reserved ones are in it too, so that one fault is not told
 * again wherever the event is used. Undefined when there is nothing to go by.
 */
export function readEvents(
  context: CompileContext,
  events: Field | undefined,
): ReadonlyMap<string, EventDraft> | undefined {
  if (events === undefined) return new Map();
  if (isMapField(events)) return readEventMap(context, toFields(events));
  if (isListField(events)) return readEventList(context, toItems(events));
  const message = `events must be a list of names or a map, but it is ${describe(events.node)}. Without events leave it out.`;
  context.problems.error("events-not-list", onValue(events), message);
  return undefined;
}

function readEventList(context: CompileContext, items: readonly Field[]): ReadonlyMap<string, EventDraft> {
  const declared = new Map<string, EventDraft>();
  for (const item of items) {
    const name = findText(item);
    if (name === undefined) {
      const hint = item.node.kind === "scalar" && item.node.value !== null ? " Write it in quotes." : "";
      const message = `An event must be a name, but this is ${describe(item.node)}.${hint}`;
      context.problems.error("event-not-string", onValue(item), message);
    } else if (declared.has(name)) {
      context.problems.error("event-duplicate", onValue(item), `The event ${quote(name)} is declared twice.`);
    } else {
      checkName(context, name, onValue(item));
      declared.set(name, { field: item, metadata: [] });
    }
  }
  return declared;
}

function readEventMap(context: CompileContext, fields: ReadonlyMap<string, Field>): ReadonlyMap<string, EventDraft> {
  const declared = new Map<string, EventDraft>();
  for (const [name, field] of fields) {
    checkName(context, name, onKey(field));
    declared.set(name, { field, metadata: readEvent(context, field) });
  }
  return declared;
}

function checkName({ problems }: CompileContext, name: string, spot: Spot): void {
  if (isReserved(name)) {
    const message = `${name} is reserved: the engine or an operator sends it. Remove it from events.`;
    problems.error("event-reserved", spot, message);
  } else if (!isName(name)) {
    problems.error("event-name-pattern", spot, `${quote(name)} is no event name. ${explainName(name)}`);
  }
}

function readEvent(context: CompileContext, field: Field): readonly TextItem[] {
  if (!isMapField(field)) {
    const message = `An event must be a map such as {metadata: [image]}, but this is ${describe(field.node)}. Without anything write {}.`;
    context.problems.error("event-not-map", onValue(field), message);
    return [];
  }
  checkKeys(context, field, { known: ["description", "metadata"], code: "event-unknown-key", owner: "an event" });
  checkDescription(context, field);
  const metadata = findField(field, "metadata");
  const rule = {
    code: "event-metadata-not-list",
    what: "metadata of an event must be a list of the keys that come with it",
  };
  return (metadata && readTextList(context, metadata, rule)) ?? [];
}

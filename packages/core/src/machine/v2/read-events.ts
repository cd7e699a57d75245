import { checkKeys } from "../document/check-document.ts";
import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import type { Spot } from "../document/problem-list.ts";
import { type Field, findField, findText, isListField, isMapField, toFields, toItems } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { SYSTEM_EVENTS } from "../event-message.ts";
import { FAILED, NEXT, TIMEOUT } from "../machine.ts";
import { checkDescription, readTextList, type TextItem } from "./read-fields.ts";

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

/** What names of events and states look like, as the text of a regular expression without its anchors. */
export const NAME = "[A-Z0-9][A-Z0-9_-]{0,62}";

/** Names that no event may have: the engine sends events of that name itself, or operators do. */
export const RESERVED_EVENTS: readonly string[] = [NEXT, FAILED, TIMEOUT, ...Object.values(SYSTEM_EVENTS)];

const WHOLE_NAME = new RegExp(`^${NAME}$`);

/** True for names that events and states of version 2 may have. */
export function isName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

/** True for the names of `RESERVED_EVENTS`. */
export function isReserved(name: string): boolean {
  return RESERVED_EVENTS.includes(name);
}

/** What is wrong with a name that `isName` refuses. */
export function explainName(name: string): string {
  if (name === "") return "It is empty.";
  if (name.length > 63) return `It has ${name.length} characters; 63 are allowed.`;
  const proposal = name
    .toUpperCase()
    .replaceAll(/[\s.]+/g, "-")
    .replace(/^[_-]+/, "");
  const rule = "Only capitals, digits, underscores and hyphens are allowed, with a capital or digit first.";
  return isName(proposal) ? `${rule} Write ${JSON.stringify(proposal)}.` : rule;
}

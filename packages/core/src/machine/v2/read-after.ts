import { checkKeys } from "../document/check-keys.ts";
import { onMissing, onValue } from "../document/compile-context.ts";
import {
  type Field,
  findField,
  findText,
  isListField,
  isMapField,
  isNull,
  type MapNode,
  toItems,
} from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import { readDuration } from "./read-duration.ts";
import type { StateScope } from "./state-scope.ts";
import { suggestWithin, type V2Context } from "./v2-context.ts";

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
export interface AfterScope extends Pick<StateScope, "events"> {
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

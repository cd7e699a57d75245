import { DEFAULT_ZONE, findCronFault, formatSchedule, isZone } from "../cron.ts";
import { onKey, onMissing, onValue } from "../document/compile-context.ts";
import { parseDuration } from "../document/duration.ts";
import { type Field, findField, findText, isMapField, type TextItem, toItems } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { findInstant, INSTANT } from "../expression/cel-functions.ts";
import { hasExpression, type TemplateResult } from "../expression/compile-template.ts";
import type { ExpressionPlace } from "../expression/expression.ts";
import { defined } from "../json.ts";
import type { AfterTimer, AfterWhen } from "../machine.ts";
import { shortHashOf } from "../short-hash.ts";
import { type FindResultFault, readTemplate, suggestWithin, type V2Context } from "./read-expressions.ts";
import { AFTER_KINDS } from "./schema-parts.ts";

/** An entry of `after`, as far as it could be read. */
export interface AfterDraft {
  readonly field: Field;
  readonly when?: AfterWhen;
  readonly event?: string;
}

/** Events by name, with the keys that must come with each. */
type SentEvents = ReadonlyMap<string, { readonly metadata: readonly TextItem[] }>;

/** The names to which `after` refers; `handled` is undefined where `on` could not be read. */
interface AfterScope {
  readonly events: SentEvents | undefined;
  readonly handled: { has(event: string): boolean } | undefined;
  readonly place: ExpressionPlace;
}

/** Reads the events that a state sends itself. */
export function readAfter(context: V2Context, after: Field | undefined, scope: AfterScope): readonly AfterDraft[] {
  return toItems(after).flatMap((item) => {
    if (!isMapField(item)) return [];
    const when = readWhen(context, item, scope.place);
    return [defined({ field: item, when, event: readAfterEvent(context, findField(item, "event"), scope) })];
  });
}

/** Returns the timers of a state. Equal ones are distinguished by their order. */
export function toAfterTimers(drafts: readonly AfterDraft[]): readonly AfterTimer[] {
  const seen = new Map<string, number>();
  return drafts.flatMap(({ when, event }) => {
    if (when === undefined || event === undefined) return [];
    const key = shortHashOf(`${event}\u0000${when.kind}\u0000${formatWhen(when)}`).slice(0, KEY_CHARACTERS);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return [{ ...when, event, key: count === 1 ? key : `${key}.${count}` }];
  });
}

const KEY_CHARACTERS = 10;

function formatWhen(when: AfterWhen): string {
  switch (when.kind) {
    case "in":
      return String(when.inMs);
    case "at":
      return when.at.source;
    case "cron":
      return formatSchedule(when.repeats);
  }
}

function readWhen(context: V2Context, item: Field, place: ExpressionPlace): AfterWhen | undefined {
  const kinds = AFTER_KINDS.filter((kind) => findField(item, kind) !== undefined);
  const zone = findField(item, "zone");
  const [kind] = kinds;
  const field = kind && findField(item, kind);
  if (field === undefined) {
    const message = "The entry needs in, at or cron: when to send the event, such as in: 72h.";
    context.problems.error("after-in-required", onMissing(item, "in"), message);
  }
  if (kinds.length > 1) {
    const message = `An entry of after has one of in, at and cron, but this one has ${kinds.join(" and ")}. Write an entry for each.`;
    context.problems.error("after-kind", onValue(item), message);
    return undefined;
  }
  if (zone !== undefined && kind !== "cron") {
    context.problems.error("after-kind", onKey(zone), "zone is the time zone of cron. Remove it.");
  }
  if (field === undefined) return undefined;
  if (kind === "in") return readIn(field);
  return kind === "at" ? readAt(context, field, place) : readCron(context, field, zone);
}

function readIn(field: Field): AfterWhen | undefined {
  const inMs = parseDuration(findText(field) ?? "");
  return inMs === undefined ? undefined : { kind: "in", inMs };
}

// An instant that is computed from `now` or an output would be another one at each evaluation.
const VARIABLES = ["stack", "metadata"];

function readAt(context: V2Context, field: Field, { states, metadata }: ExpressionPlace): AfterWhen | undefined {
  const text = findText(field);
  if (text === undefined) return undefined;
  if (!hasExpression(text) && findInstant(text) === undefined) {
    const message = `at must be an instant such as 2030-01-31T09:00:00Z or an expression such as \${metadata.expires_at}, but it is ${quote(text)}.`;
    context.problems.error("after-at", onValue(field), message);
    return undefined;
  }
  const place = { event: false, variables: VARIABLES, metadata, sensitive: "never", ...defined({ states }) } as const;
  const at = readTemplate(context, field, place, findInstantFault);
  return at && { kind: "at", at: { ...at, source: text } };
}

function findInstantFault(result: TemplateResult): ReturnType<FindResultFault> {
  if (result.kind === "constant" || ["string", "null", "dyn", INSTANT].includes(result.type)) return undefined;
  return {
    code: "expression-type",
    message: `at must be an instant, but the type of this expression is ${result.type}.`,
  };
}

function readCron(context: V2Context, field: Field, zoneField: Field | undefined): AfterWhen | undefined {
  const cron = findText(field);
  const zone = zoneField === undefined ? DEFAULT_ZONE : findText(zoneField);
  const fault = cron === undefined ? undefined : findCronFault(cron);
  if (cron !== undefined && fault !== undefined) {
    const message = `${quote(cron)} is not a schedule such as "0 3 * * *". ${fault}`;
    context.problems.error("after-cron", onValue(field), message);
  }
  const isKnown = zone === undefined || isZone(zone);
  if (zoneField !== undefined && !isKnown) {
    const message = `Unknown time zone ${quote(zone)}. Write a name such as Europe/Berlin.`;
    context.problems.error("after-zone", onValue(zoneField), message);
  }
  if (cron === undefined || zone === undefined || fault !== undefined || !isKnown) return undefined;
  return { kind: "cron", repeats: { cron, zone } };
}

function readAfterEvent(context: V2Context, field: Field | undefined, scope: AfterScope): string | undefined {
  const name = findText(field);
  if (field === undefined || name === undefined) return undefined;
  return reportSentFault(context, field, { ...scope, name, key: "after", state: "This state" }) ? undefined : name;
}

/** An event that a machine sends itself. */
interface SentEvent extends Pick<AfterScope, "events" | "handled"> {
  readonly name: string;
  /** The key whose entry sends it. */
  readonly key: "after" | "raise";
  /** The name of the state that gets it. */
  readonly state: string;
}

/** Reports why an event that a machine sends itself could not be applied. Returns true when there is a fault. */
export function reportSentFault(context: V2Context, field: Field, event: SentEvent): boolean {
  const fault = findSentFault(context, event);
  if (fault !== undefined) context.problems.error(fault.code, onValue(field), fault.message);
  return fault !== undefined;
}

function findSentFault(context: V2Context, { name, key, state, events, handled }: SentEvent) {
  if (events === undefined) return undefined;
  const event = events.get(name);
  if (event === undefined) {
    const message = `The event ${quote(name)} is not declared in events.${suggestWithin(context, name, events.keys())}`;
    return { code: `${key}-event-undeclared`, message };
  }
  if (handled && !handled.has(name)) {
    const message = `${state} does not handle ${quote(name)}, so it would be refused${key === "after" ? " when it is due" : ""}. Add it to on.`;
    return { code: `${key}-event-not-handled`, message };
  }
  if (event.metadata.length === 0) return undefined;
  const keys = event.metadata.map(({ text }) => quote(text)).join(", ");
  const message = `${quote(name)} requires metadata (${keys}), and ${key === "after" ? "a timer" : "raise"} sends none.`;
  return { code: `${key}-event-needs-metadata`, message };
}

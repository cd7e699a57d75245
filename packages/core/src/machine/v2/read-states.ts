import { isScalar } from "../decide/metadata.ts";
import { findMetadataFault } from "../decide/metadata-faults.ts";
import {
  checkFlow,
  createStateReferences,
  readStateTasks,
  readTarget,
  type StateReferences,
  warnSelfAdvance,
  warnUnused,
} from "../document/check-document.ts";
import { warnFailureStays } from "../document/check-ends.ts";
import { onKey, onValue } from "../document/compile-context.ts";
import { parseDuration } from "../document/duration.ts";
import {
  type Field,
  findField,
  findFlag,
  findScalar,
  findText,
  isListField,
  isMapField,
  isNull,
  type TextItem,
  toFields,
  toItems,
  toTextItems,
} from "../document/tree.ts";
import { quote, suggest } from "../document/wording.ts";
import { INSTANT } from "../expression/cel-functions.ts";
import type { TemplateResult } from "../expression/compile-template.ts";
import type { ExpressionPlace, Template } from "../expression/expression.ts";
import { defined } from "../json.ts";
import { LEAVING_MODES, type MetadataRule } from "../machine.ts";
import { readAfter, reportSentFault } from "./read-after.ts";
import { type FindResultFault, readExpression, readTemplate, type V2Context } from "./read-expressions.ts";
import { checkDeclared, type MetadataDraft } from "./read-metadata.ts";
import { isName, isReserved } from "./schema-parts.ts";
import type { EntryDraft, EventDraft, HandlerDraft, RaisingEntry, StateDraft } from "./state-drafts.ts";
import { INTERNAL, warnInstants, warnProtected } from "./warn-flow.ts";

/** The names that the states of a document may use; undefined when they could not be read. */
interface StatesInput {
  readonly statesField: Field;
  readonly fields: ReadonlyMap<string, Field>;
  readonly events: ReadonlyMap<string, EventDraft> | undefined;
  readonly tasks: ReadonlyMap<string, Field> | undefined;
  readonly metadata: MetadataDraft;
}

/** Reads all states, and checks each one and the ways between them. */
export function readStates(context: V2Context, input: StatesInput): ReadonlyMap<string, StateDraft> {
  const { fields, events, tasks, metadata } = input;
  const references = createStateReferences({ events, tasks, states: fields }, INTERNAL);
  const states = new Map<string, StateDraft>();
  for (const [name, field] of fields) {
    const own = readStateTasks(context, field, references.tasks);
    const place: ExpressionPlace = {
      event: true,
      tasks: own ?? [],
      states: [...fields.keys()],
      metadata: metadata.place,
      sensitive: "never",
    };
    states.set(name, readState(context, field, { references, events, metadata, place, tasks: own }));
  }
  checkRaised(context, states, events);
  checkCounts(context, input.statesField, states);
  warnAll(context, input, { states, references });
  return states;
}

function checkCounts(
  { problems, limits }: V2Context,
  statesField: Field,
  states: ReadonlyMap<string, StateDraft>,
): void {
  const handlers = [...states.values()].flatMap(({ on }) => [...(on?.values() ?? [])]);
  const reactions = handlers.reduce((sum, { entries }) => sum + entries.length, 0);
  // A stack's record contains the timers of its state.
  const timers = [...states.values()].reduce((sum, { after }) => sum + after.length, 0);
  for (const [count, what] of [[reactions, "reactions"] as const, [timers, "entries of after"] as const]) {
    if (count <= limits.maxReactions) continue;
    const message = `The machine has ${count} ${what}; ${limits.maxReactions} are allowed.`;
    problems.error("limit-exceeded", onKey(statesField), message);
  }
}

interface Read {
  readonly states: ReadonlyMap<string, StateDraft>;
  readonly references: StateReferences;
}

function warnAll(context: V2Context, input: StatesInput, { states, references }: Read): void {
  checkFlow(context, { states, statesField: input.statesField });
  warnProtected(context, states, listRaising(states));
  warnInstants(context, states);
  warnFailureStays(context, states);
  for (const [name, state] of states) warnRestarts(context, name, state);
  if ([...states.values()].some(({ tasks, on }) => tasks === undefined || on === undefined)) return;
  // Names that events cannot have are already reported.
  const declared = [...(input.events ?? [])].filter(([name]) => isName(name) && !isReserved(name));
  const events = new Map(declared.map(([name, { field }]) => [name, field]));
  warnUnused(context, { events, tasks: input.tasks }, references);
}

// Only where running tasks are abandoned: then the same work may run twice at a time. Elsewhere authors enter a state
// again on purpose, for another try or for new timers.
function warnRestarts(context: V2Context, name: string, { tasks = [], on, leaving }: StateDraft): void {
  if (tasks.length === 0 || leaving !== "abandon") return;
  const unconditional = [...(on ?? [])].filter(([, { entries }]) =>
    entries.every(({ isConditional }) => !isConditional),
  );
  warnSelfAdvance(context, name, new Map(unconditional));
}

/** The names that the parts of a state may use. */
interface StateScope {
  readonly references: StateReferences;
  /** The events; undefined when they could not be read. */
  readonly events: ReadonlyMap<string, EventDraft> | undefined;
  readonly metadata: MetadataDraft;
  /** The place of its conditions. */
  readonly place: ExpressionPlace;
  /** The names of its tasks; undefined when they could not be read. */
  readonly tasks: readonly string[] | undefined;
}

function readState(context: V2Context, field: Field, scope: StateScope): StateDraft {
  if (!isMapField(field)) return { field, leaving: "wait", approved: [], after: [] };
  const on = readHandlers(context, findField(field, "on"), scope);
  const leaving = findText(findField(field, "leaving"));
  return defined({
    field,
    after: readAfter(context, findField(field, "after"), { ...scope, handled: on }),
    leaving: LEAVING_MODES.find((known) => known === leaving) ?? "wait",
    terminal: findFlag(field, "terminal"),
    protected: findFlag(field, "protected"),
    timeoutMs: parseDuration(findText(findField(field, "timeout")) ?? ""),
    tasks: scope.tasks,
    approved: toTextItems(findField(field, "approved")),
    on,
  });
}

/** Handlers by event; undefined when `on` could not be read. */
function readHandlers(
  context: V2Context,
  on: Field | undefined,
  scope: StateScope,
): ReadonlyMap<string, HandlerDraft> | undefined {
  if (on && !isMapField(on)) return undefined;
  const handlers = new Map<string, HandlerDraft>();
  for (const [event, field] of toFields(on)) {
    if (!INTERNAL.includes(event)) checkHandled(context, event, { field, scope });
    const entries = readReaction(context, field, scope);
    const advances = entries.flatMap(({ advance }) => advance ?? []);
    const isConditional = entries.every((entry) => entry.isConditional || entry.advance === undefined);
    handlers.set(event, { field, entries, advances, isConditional });
  }
  return handlers;
}

function checkHandled(
  { problems }: V2Context,
  event: string,
  { field, scope }: { readonly field: Field; readonly scope: StateScope },
): void {
  const { events } = scope.references;
  if (events.use(event)) return;
  const message = isReserved(event)
    ? `${event} is handled by the engine; a state can only handle declared events, NEXT, FAILED and TIMEOUT.`
    : `The event ${quote(event)} is not declared in events.${suggest(events.resolve(event))}`;
  problems.error("on-event-undeclared", onKey(field), message);
}

/** Reads a state's name, `no-op`, or a list of entries of which the first with a true condition is taken. */
function readReaction(context: V2Context, field: Field, scope: StateScope): readonly EntryDraft[] {
  if (isListField(field)) {
    const entries = toItems(field).flatMap((item) => (isMapField(item) ? [readEntry(context, item, scope)] : []));
    warnUnreachable(context, entries);
    return entries;
  }
  if (isMapField(field) || isNull(field)) return [];
  const advance = findText(field) === "no-op" ? undefined : readTarget(context, field, scope.references.states);
  return [defined({ field, isConditional: false, set: new Map(), advance })];
}

function warnUnreachable({ problems }: V2Context, entries: readonly EntryDraft[]): void {
  const last = entries.findIndex(({ isConditional }) => !isConditional);
  for (const { field } of last === -1 ? [] : entries.slice(last + 1)) {
    const message = 'This entry is never reached: one before it has no "when", and only the first that holds is taken.';
    problems.warn("reaction-unreachable", onValue(field), message);
  }
}

function readEntry(context: V2Context, item: Field, scope: StateScope): EntryDraft {
  const action = findField(item, "action");
  const state = findField(item, "state");
  const leads = state && !isNull(state) && (action === undefined || findText(action) === "advance");
  const when = findField(item, "when");
  return defined({
    field: item,
    isConditional: when !== undefined,
    advance: leads ? readTarget(context, state, scope.references.states) : undefined,
    when: readExpression(context, when, { place: scope.place, wanted: "bool" }),
    set: readSet(context, findField(item, "set"), scope),
    raise: readRaise(findField(item, "raise")),
  });
}

function readRaise(field: Field | undefined): TextItem | undefined {
  const text = findText(field);
  return field === undefined || text === undefined ? undefined : { text, field };
}

function listRaising(states: ReadonlyMap<string, StateDraft>): readonly RaisingEntry[] {
  return [...states].flatMap(([name, { on }]) =>
    [...(on?.values() ?? [])].flatMap(({ entries }) =>
      entries.flatMap(({ raise, advance }) => (raise ? [{ raise, target: advance?.target ?? name }] : [])),
    ),
  );
}

/**
 * Checks the events that reactions raise. They are decided in the state that the reaction enters, or in the present
 * one.
 */
function checkRaised(context: V2Context, states: ReadonlyMap<string, StateDraft>, events: StatesInput["events"]): void {
  for (const { raise, target } of listRaising(states)) {
    const state = states.get(target);
    if (state === undefined) continue;
    const { text: name, field } = raise;
    reportSentFault(context, field, { name, key: "raise", state: quote(target), events, handled: state.on });
  }
}

/** Reads the metadata that an entry sets, by key. Only sensitive keys may be set from sensitive values. */
function readSet(
  context: V2Context,
  set: Field | undefined,
  { metadata, place }: StateScope,
): ReadonlyMap<string, Template> {
  const templates = new Map<string, Template>();
  for (const [key, field] of toFields(set)) {
    checkDeclared(context, field, key, metadata);
    if (findScalar(field) === undefined) continue;
    const sensitive = metadata.place.sensitive.has(key) ? "always" : "never";
    const template = readTemplate(context, field, { ...place, sensitive }, (result) =>
      findSetFault(key, metadata.rules.get(key), result),
    );
    if (template) templates.set(key, template);
  }
  return templates;
}

const FITTING: Readonly<Record<NonNullable<MetadataRule["type"]>, readonly string[]>> = {
  string: ["string", INSTANT],
  number: ["int", "uint", "double"],
  boolean: ["bool"],
};

/** Returns why a key can never be set to what a template gives. */
function findSetFault(
  key: string,
  rule: MetadataRule | undefined,
  result: TemplateResult,
): ReturnType<FindResultFault> {
  if (rule === undefined) return undefined;
  if (result.kind === "constant") return findConstantFault(key, rule, result.value);
  const { type } = rule;
  if (type === undefined || ["dyn", "null", ...FITTING[type]].includes(result.type)) return undefined;
  return {
    code: "expression-type",
    message: `${quote(key)} is a ${type}, and the type of this expression is ${result.type}.`,
  };
}

function findConstantFault(key: string, rule: MetadataRule, value: unknown): ReturnType<FindResultFault> {
  if (!isScalar(value)) return undefined;
  const rules = { keys: new Map([[key, rule]]), additional: false };
  const fault = findMetadataFault(rules, { next: { [key]: value }, keys: [key], present: {} });
  if (fault === undefined || fault.code === "PATTERN_NOT_LINEAR") return undefined;
  return { code: "set-invalid", message: `The value does not fit the rules of its key. ${fault.reason}` };
}

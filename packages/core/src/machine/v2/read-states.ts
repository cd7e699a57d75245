import { checkKeys } from "../document/check-document.ts";
import {
  checkFlow,
  createStateReferences,
  readStateTasks,
  type StateReferences,
  warnSelfAdvance,
  warnUnused,
} from "../document/check-flow.ts";
import { type CompileContext, onKey, onValue, suggestOrList } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { ExpressionPlace } from "../expression/expression.ts";
import { FAILED, NEXT, type State, TIMEOUT } from "../machine.ts";
import { type EventDraft, isName, isReserved } from "./read-events.ts";
import { readDuration, readFlag, type V2Context } from "./read-fields.ts";
import type { MetadataDraft } from "./read-metadata.ts";
import type { StateTasks } from "./read-needs.ts";
import { type AfterDraft, type HandlerDraft, readAfter, readHandlers, type StateScope } from "./read-reactions.ts";

/** What the states of a document refer to; undefined where it could not be read. */
interface StatesInput {
  readonly statesField: Field;
  readonly fields: ReadonlyMap<string, Field>;
  readonly events: ReadonlyMap<string, EventDraft> | undefined;
  readonly tasks: ReadonlyMap<string, Field> | undefined;
  readonly metadata: MetadataDraft;
}

/** All states, each checked by itself and the ways between them. */
export function readStates(context: V2Context, input: StatesInput): ReadonlyMap<string, StateDraft> {
  const { fields, events, tasks, metadata } = input;
  const known = { events, tasks, states: fields };
  const references = createStateReferences(known, [NEXT, FAILED, TIMEOUT]);
  const states = new Map<string, StateDraft>();
  for (const [name, field] of fields) {
    const own = readStateTasks(context, field, references.tasks);
    const place = toPlace(own, input);
    states.set(name, readState(context, field, { references, events, metadata, place, tasks: own }));
  }
  checkCounts(context, input.statesField, states);
  warnAll(context, input, { states, references });
  return states;
}

/** The tasks of each state. */
export function toStateTasks(states: ReadonlyMap<string, StateDraft>): ReadonlyMap<string, StateTasks> {
  return new Map([...states].map(([name, { tasks }]) => [name, tasks]));
}

function toPlace(tasks: StateTasks, { fields, metadata }: StatesInput): ExpressionPlace {
  return { event: true, tasks: tasks ?? [], states: [...fields.keys()], metadata: metadata.place, sensitive: "never" };
}

function checkCounts(
  { problems, limits }: V2Context,
  statesField: Field,
  states: ReadonlyMap<string, StateDraft>,
): void {
  const handlers = [...states.values()].flatMap(({ on }) => [...(on?.values() ?? [])]);
  const reactions = handlers.reduce((sum, { entries }) => sum + entries.length, 0);
  const timers = [...states.values()].reduce((sum, { after }) => sum + after.length, 0);
  // Timers stand in the stack's record while it is in the state.
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
  checkProtected(context, states);
  for (const [name, state] of states) warnRestarts(context, name, state);
  if ([...states.values()].some(({ tasks, on }) => tasks === undefined || on === undefined)) return;
  // Names that events cannot have are told there.
  const declared = [...(input.events ?? [])].filter(([name]) => isName(name) && !isReserved(name));
  const events = new Map(declared.map(([name, { field }]) => [name, field]));
  warnUnused(context, { events, tasks: input.tasks }, references);
}

// Only where what runs is left to run: then the same work may be done twice at a time. Elsewhere entering a state again is
// how an author asks for another try, or for new timers.
function warnRestarts(context: V2Context, name: string, state: StateDraft): void {
  const { tasks = [], on, leaving } = state;
  if (tasks.length === 0 || leaving !== "abandon") return;
  const unconditional = [...(on ?? [])].filter(([, { entries }]) =>
    entries.every(({ isConditional }) => !isConditional),
  );
  warnSelfAdvance(context, name, new Map(unconditional));
}

/** A state as far as it could be read; undefined parts are faulty, and nothing can be said about them. */
export interface StateDraft {
  readonly field: Field;
  readonly terminal?: boolean;
  readonly protected?: boolean;
  readonly leaving: State["leaving"];
  readonly timeoutMs?: number;
  /** Each name once, unknown ones included. */
  readonly tasks?: readonly string[];
  readonly on?: ReadonlyMap<string, HandlerDraft>;
  readonly after: readonly AfterDraft[];
}

const KEYS = ["tasks", "terminal", "timeout", "after", "leaving", "on", "protected"];

/** Reads one state, whose tasks were read before. */
function readState(
  context: V2Context,
  field: Field,
  { tasks, ...scope }: StateScope & { readonly tasks: readonly string[] | undefined },
): StateDraft {
  if (!isMapField(field)) {
    const message = `A state must be a map, but this is ${describe(field.node)}. A state without anything is {}.`;
    context.problems.error("state-not-map", onValue(field), message);
    return { field, leaving: "wait", after: [] };
  }
  checkKeys(context, field, { known: KEYS, code: "state-unknown-key", owner: "a state" });
  const terminal = readFlag(context, field, { key: "terminal", absent: false, code: "terminal-not-boolean" });
  const isProtected = readFlag(context, field, { key: "protected", absent: false, code: "protected-not-boolean" });
  const timeoutMs = readDuration(context, field, "timeout");
  const on = readHandlers(context, findField(field, "on"), scope);
  const after = readAfter(context, findField(field, "after"), { ...scope, handled: on });
  return {
    field,
    after,
    leaving: readLeaving(context, field),
    ...(terminal !== undefined && { terminal }),
    ...(isProtected !== undefined && { protected: isProtected }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(tasks && { tasks }),
    ...(on && { on }),
  };
}

const LEAVING = ["abandon", "wait", "cancel"] as const;

function readLeaving({ problems }: V2Context, state: Field<MapNode>): State["leaving"] {
  const field = findField(state, "leaving");
  if (field === undefined) return "wait";
  const name = findText(field);
  const leaving = LEAVING.find((known) => known === name);
  if (leaving === undefined) {
    const message = `leaving cannot be ${describe(field.node)}.${suggestOrList(name ?? "", LEAVING)}`;
    problems.error("leaving-unknown", onValue(field), message);
  }
  return leaving ?? "wait";
}

/** Warns of protected states that the engine itself may lead into a terminal one: nobody is asked to confirm that. */
function checkProtected({ problems }: CompileContext, states: ReadonlyMap<string, StateDraft>): void {
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

import { checkFlow } from "../document/check-flow.ts";
import { onKey } from "../document/compile-context.ts";
import { createReferences, type StateReferences } from "../document/references.ts";
import type { Field } from "../document/tree.ts";
import { warnSelfAdvance } from "../document/warn-self-advance.ts";
import { warnUnused } from "../document/warn-unused.ts";
import type { ExpressionPlace } from "../expression/expression-place.ts";
import { FAILED, INIT, NEXT, TIMEOUT } from "../machine.ts";
import type { StateTasks } from "./check-needs.ts";
import { checkProtected } from "./check-protected.ts";
import { isName, isReserved } from "./names.ts";
import type { EventDraft } from "./read-events.ts";
import type { MetadataDraft } from "./read-metadata.ts";
import { readState, type StateDraft } from "./read-state.ts";
import { readStateTasks } from "./read-state-tasks.ts";
import type { V2Context } from "./v2-context.ts";

/** What the states of a document refer to; undefined where it could not be read. */
export interface StatesInput {
  readonly statesField: Field;
  readonly fields: ReadonlyMap<string, Field>;
  readonly events: ReadonlyMap<string, EventDraft> | undefined;
  readonly tasks: ReadonlyMap<string, Field> | undefined;
  readonly metadata: MetadataDraft;
}

/** All states, each checked by itself and the ways between them. */
export function readStates(context: V2Context, input: StatesInput): ReadonlyMap<string, StateDraft> {
  const { fields, events, tasks, metadata } = input;
  const references: StateReferences = {
    events: createReferences(events && new Set([...events.keys(), NEXT, FAILED, TIMEOUT])),
    tasks: createReferences(tasks),
    // That INIT is missing is told once, not again wherever a state leads to it.
    states: createReferences(new Set([INIT, ...fields.keys()])),
  };
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

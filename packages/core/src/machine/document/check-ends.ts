import { FAILED, NEXT, TIMEOUT } from "../machine.ts";
import type { FlowHandler, FlowState } from "./check-document.ts";
import { type CompileContext, onKey } from "./compile-context.ts";
import { quote } from "./wording.ts";

/** States by name, with the events that come by time. */
type EndingStates = ReadonlyMap<string, EndingState>;

/** A state with its timers. A document of version 1 has none. */
export interface EndingState extends FlowState {
  readonly after?: readonly { readonly event?: string }[];
}

/**
 * Returns the terminal states in which a stack can end after a state that has a task, without having been in one that has
 * one of the other tasks.
 */
export function listEndsAfter(states: EndingStates, task: string, without: ReadonlySet<string>): readonly string[] {
  const passes = ({ tasks = [] }: FlowState) => !tasks.some((name) => without.has(name));
  const begins = [...states].filter(([, state]) => state.tasks?.includes(task) === true && passes(state));
  const reached = new Set(begins.map(([name]) => name));
  for (const name of reached) {
    for (const target of listTargets(states.get(name), () => true)) {
      const state = states.get(target);
      if (state !== undefined && passes(state)) reached.add(target);
    }
  }
  return [...reached].filter((name) => states.get(name)?.terminal === true);
}

/**
 * Warns of states in which a stack stays after a failure until someone sends the event that time sends to what succeeds: what
 * never becomes healthy would stay, and cost, until someone notices.
 */
export function warnFailureStays({ problems }: CompileContext, states: EndingStates): void {
  const ending = listEndingEvents(states);
  for (const name of listFailed(states)) {
    const state = states.get(name);
    const isEnded = listTargets(state, (event) => ending.has(event)).length > 0;
    if (state === undefined || !isEnded || endsByItself(states, name)) continue;
    const message = `A stack that has failed stays in ${quote(name)} until someone acts, although others of this machine end by themselves. Give the state an end, such as \`after: [{ in: 72h, event: … }]\`.`;
    problems.warn("failure-stays", onKey(state.field), message);
  }
}

/** Returns the events that time sends to end a stack, other than one that has failed. */
function listEndingEvents(states: EndingStates): ReadonlySet<string> {
  const failed = new Set(listFailed(states));
  const events = [...states].flatMap(([name, state]) => {
    const timed = failed.has(name) ? [] : (state.after ?? []).flatMap(({ event }) => event ?? []);
    return timed.filter((event) => listTargets(state, (each) => each === event).some((to) => endsByItself(states, to)));
  });
  return new Set(events);
}

/** Returns the states in which stacks rest after a failure: where FAILED or TIMEOUT lead, and where tasks fail unhandled. */
function listFailed(states: EndingStates): readonly string[] {
  const led = new Set([...states.values()].flatMap((state) => listTargets(state, (event) => FAILURES.has(event))));
  return [...states].flatMap(([name, { tasks = [], on, terminal }]) => {
    if (terminal !== false || on === undefined) return [];
    const rests = tasks.length === 0 ? led.has(name) : !on.has(FAILED);
    return rests ? [name] : [];
  });
}

const FAILURES: ReadonlySet<string> = new Set([FAILED, TIMEOUT]);

/** Returns true for a state from which a stack comes to its end without an event from outside. */
function endsByItself(states: EndingStates, from: string): boolean {
  const reached = new Set([from]);
  for (const name of reached) {
    const state = states.get(name);
    if (state?.terminal === true) return true;
    const timed = new Set(state?.after?.flatMap(({ event }) => event ?? []));
    // That all tasks succeed is no way out for what has failed.
    const events = (event: string) => timed.has(event) || FAILURES.has(event) || (event === NEXT && name !== from);
    for (const target of listTargets(state, events)) reached.add(target);
  }
  return false;
}

function listTargets(state: FlowState | undefined, isWanted: (event: string) => boolean): readonly string[] {
  const on: ReadonlyMap<string, FlowHandler> = state?.on ?? new Map();
  return [...on].flatMap(([event, { advances }]) => {
    return isWanted(event) ? advances.flatMap(({ meant }) => meant ?? []) : [];
  });
}

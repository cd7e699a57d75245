import { FAILED, type Machine, NEXT, type Reaction, type State, TIMEOUT } from "../machine.ts";

/**
 * Returns true for a state in which the removal of a stack is under way: a terminal state, a state that continues to one
 * by itself and to nothing else, such as a clean-up, or one that waits where such a state has failed.
 */
export function isOnWayOut(machine: Machine, state: string): boolean {
  return waysOutOf(machine).has(state);
}

/** Returns true for an event that begins a removal, and does not only repeat a step of one that is under way. */
export function beginsRemoval(machine: Machine, event: string): boolean {
  const out = waysOutOf(machine);
  return [...machine.states.values()].some((state) => {
    return !out.has(state.name) && listTargets(state, (name) => name === event).some((target) => out.has(target));
  });
}

/**
 * Returns true when the work of a state, and of those that follow by themselves, can end in a state that handles an event.
 * The results of tasks lead on, and a timeout of their state; other timers do not, because what they begin is a will of its own.
 */
export function mayHandleNext(machine: Machine, from: string, event: string): boolean {
  return mayReach(machine, { from, event }, (name) => listNext(machine, name));
}

/** Returns true when anything can lead a stack on to a state that handles an event: its work, a timer or a person. */
export function mayHandleLater(machine: Machine, from: string, event: string): boolean {
  return mayReach(machine, { from, event }, (name) => {
    const state = machine.states.get(name);
    return state === undefined ? [] : listTargets(state, () => true);
  });
}

function mayReach(
  { states }: Machine,
  { from, event }: { readonly from: string; readonly event: string },
  list: (name: string) => readonly string[],
): boolean {
  const reached = new Set(list(from));
  // Iteration over a set includes items that are added meanwhile.
  for (const name of reached) {
    if (states.get(name)?.on.has(event)) return true;
    for (const target of list(name)) reached.add(target);
  }
  return false;
}

/** Returns the states that the work of a state leads to, also by the events that it raises. */
function listNext(machine: Machine, name: string): readonly string[] {
  const state = machine.states.get(name);
  if (state === undefined) return [];
  const works = new Set<string>([NEXT, FAILED, TIMEOUT]);
  for (const event of works) {
    for (const { raise } of state.on.get(event) ?? []) if (raise !== undefined) works.add(raise);
  }
  return listTargets(state, (event) => works.has(event));
}

function waysOutOf(machine: Machine): ReadonlySet<string> {
  let states = WAYS_OUT.get(machine);
  if (states === undefined) {
    states = findWaysOut([...machine.states.values()]);
    WAYS_OUT.set(machine, states);
  }
  return states;
}

const WAYS_OUT = new WeakMap<Machine, ReadonlySet<string>>();

/** What of a state says where it leads. */
export interface LeadingState extends Pick<State, "name" | "terminal"> {
  readonly on: ReadonlyMap<string, readonly Pick<Reaction, "advance" | "raise">[]>;
}

/** Returns the states of `isOnWayOut`, also of a document that is not compiled yet. */
export function findWaysOut(states: readonly LeadingState[]): ReadonlySet<string> {
  const found = new Set(states.filter(({ terminal }) => terminal).map(({ name }) => name));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const state of states) if (leadsOut(state, states, found)) found.add(state.name);
  }
  return found;
}

function leadsOut(state: LeadingState, states: readonly LeadingState[], found: ReadonlySet<string>): boolean {
  const targets = listTargets(state, isChosen);
  if (targets.length === 0 || !targets.every((target) => target === state.name || found.has(target))) return false;
  if (continues(state)) return true;
  // It waits for an event. A stack that lives does so too, but a failed removal alone does not lead there.
  return states.every((from) => from === state || mayPrecede(from, state, found));
}

/** Returns true when the end of its work leads a state on; with "NEXT: no-op" a stack rests in it. */
function continues({ name, on }: LeadingState): boolean {
  return on.get(NEXT)?.some(({ advance, raise }) => raise !== undefined || (advance.at(-1) ?? name) !== name) === true;
}

/** Returns true when a state does not lead to the other one, or only by the failure of a removal. */
function mayPrecede(from: LeadingState, { name }: LeadingState, found: ReadonlySet<string>): boolean {
  if (listTargets(from, isChosen).includes(name)) return false;
  return found.has(from.name) || !listTargets(from, (event) => !isChosen(event)).includes(name);
}

function isChosen(event: string): boolean {
  return event !== FAILED && event !== TIMEOUT;
}

function listTargets({ on }: Pick<LeadingState, "on">, isWanted: (event: string) => boolean): readonly string[] {
  return [...on].flatMap(([event, reactions]) => {
    return isWanted(event) ? reactions.flatMap(({ advance }) => advance.slice(-1)) : [];
  });
}

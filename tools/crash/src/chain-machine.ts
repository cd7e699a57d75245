/** What is driven: every stack goes through so many states, each with one task. */
export interface ChainPlan {
  readonly stacks: number;
  readonly transitions: number;
}

export const MACHINE_NAME = "chain";
export const LAST_STATE = "DONE";

/** Returns a machine with stacks that go from INIT through S1, S2, … to DONE automatically once started. */
export function chainMachineSource({ transitions }: Pick<ChainPlan, "transitions">): string {
  const states: Record<string, unknown> = { INIT: { on: { START: advanceTo(stateAt(1, transitions)) } } };
  for (let place = 1; place < transitions; place += 1) {
    states[stateAt(place, transitions)] = { tasks: ["work"], on: { NEXT: advanceTo(stateAt(place + 1, transitions)) } };
  }
  states[LAST_STATE] = {};
  const tasks = { work: { executor: "work", config: {} } };
  return JSON.stringify({ version: 1, events: ["START"], states, tasks });
}

/** Returns the states that a stack enters, in order. */
export function wayOf({ transitions }: ChainPlan): readonly string[] {
  return Array.from({ length: transitions }, (_, index) => stateAt(index + 1, transitions));
}

/** Returns the message that starts one stack; its id is always the same. */
export function startMessage(index: number): Readonly<Record<string, unknown>> {
  return { id: `start-${index}`, stackId: stackIdOf(index), event: "START", machine: MACHINE_NAME };
}

/** Returns the id of one of the stacks. */
export function stackIdOf(index: number): string {
  return `stack-${index}`;
}

function stateAt(place: number, transitions: number): string {
  return place === transitions ? LAST_STATE : `S${place}`;
}

function advanceTo(state: string): readonly unknown[] {
  return [{ action: "advance", state }];
}

import type { PlannedMachine, PlannedState } from "./simulation-plan.ts";

/** Machines with one part less: a reaction, a task of a state, a timer, a whole state, a setting. */
export function* listSimplerMachines(machine: PlannedMachine): Generator<PlannedMachine> {
  const { states } = machine;
  for (const [name, state] of Object.entries(states)) {
    if (name !== "INIT") yield { ...machine, states: without(states, name) };
    for (const simpler of listSimplerStates(state)) yield { ...machine, states: { ...states, [name]: simpler } };
  }
  for (const tasks of listSimplerTasks(machine)) yield { ...machine, tasks };
  for (const key of ["metadata", "revision"]) if (key in machine) yield without(machine, key);
  for (const event of machine.events) yield { ...machine, events: machine.events.filter((other) => other !== event) };
}

function* listSimplerTasks({ tasks }: PlannedMachine): Generator<PlannedMachine["tasks"]> {
  for (const [name, task] of Object.entries(tasks)) {
    yield without(tasks, name);
    for (const key of Object.keys(task)) if (key !== "executor") yield { ...tasks, [name]: without(task, key) };
  }
}

function* listSimplerStates(state: PlannedState): Generator<PlannedState> {
  const { on = {}, tasks = [], after = [] } = state;
  for (const task of tasks) yield { ...state, tasks: tasks.filter((other) => other !== task) };
  for (const event of Object.keys(on)) yield { ...state, on: without(on, event) };
  for (const timer of after) yield { ...state, after: after.filter((other) => other !== timer) };
  for (const key of ["timeout", "leaving"]) if (key in state) yield without(state, key);
  for (const [key, value] of Object.entries(state)) if (isEmpty(value)) yield without(state, key);
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function without<Map extends object>(map: Map, key: string): Map {
  // All keys that are taken out are optional ones, or entries of a map.
  return Object.fromEntries(Object.entries(map).filter(([other]) => other !== key)) as Map;
}

import type { Random } from "../../ports/clock.ts";
import { createRandom } from "../fake-clock.ts";
import { pick, pickWhole } from "./chance.ts";
import { createPlannedMachines } from "./planned-machines.ts";
import {
  PLANNED_MACHINE,
  PLUGINS,
  type PlannedAction,
  type PlannedMachine,
  type PlannedState,
  type SimulationPlan,
} from "./simulation-plan.ts";

type Planned = Pick<SimulationPlan, "machines" | "actions">;

interface MovesInput extends Planned {
  readonly spanMs: number;
  readonly nodes: number;
}

const RESTART_MS = 3_000;
/** When all plugins are there again: no work waits for one until the end of a run. */
const RESTORED_MS = 30_000;

/**
 * Adds documents that differ a little from the first, and processes that read another one than the rest or start with other
 * plugins. Drawn apart, so that the rest of a seed's plan is the same without them.
 */
export function withMoves(seed: number, { machines, actions, spanMs, nodes }: MovesInput): Planned {
  const random = createRandom(Math.imul(seed, 0x165667b1));
  const [first] = machines;
  if (first === undefined || random() < 0.5) return { machines, actions };
  const all = [...machines, ...pickRevisions(random, first)];
  const at = () => Math.floor(random() * spanMs);
  const moves = Array.from({ length: pickWhole(random, 2, 8) }, (): PlannedAction => {
    const kind = random();
    const node = pickWhole(random, 0, nodes - 1);
    if (kind < 0.4) return { atMs: at(), do: "deploy", node, to: pickWhole(random, 0, all.length - 1) };
    if (kind < 0.65) return { atMs: at(), do: "revise", to: pickWhole(random, 0, all.length - 1) };
    if (kind < 0.8) return { atMs: at(), do: "plugin", node, has: pick(random, PLUGINS), downMs: RESTART_MS };
    return { atMs: at(), do: "send", message: pickMessage(random) };
  });
  const sent = [...actions, ...moves].sort((a, b) => a.atMs - b.atMs);
  return { machines: all, actions: [...sent, ...restore(moves, spanMs)] };
}

function pickMessage(random: Random): Readonly<Record<string, unknown>> {
  const stackId = `s${pickWhole(random, 1, 3)}`;
  const id = `moved-${pickWhole(random, 1, 1_000_000)}`;
  const event = pick(random, ["UPGRADE_STACK", "RETRY_PENDING_TASKS", "GO", "STAY"]);
  return { id, stackId, event, machine: PLANNED_MACHINE };
}

function restore(moves: readonly PlannedAction[], spanMs: number): readonly PlannedAction[] {
  const changed = new Set(moves.flatMap((action) => (action.do === "plugin" ? [action.node] : [])));
  const atMs = spanMs + RESTORED_MS;
  return [...changed].map((node): PlannedAction => ({ atMs, do: "plugin", node, has: "all", downMs: RESTART_MS }));
}

/** Those that do not compile, as with a need that its state does not have, are left out. */
function pickRevisions(random: Random, first: PlannedMachine): readonly PlannedMachine[] {
  const revisions: PlannedMachine[] = [];
  for (let tried = pickWhole(random, 2, 4); tried > 0; tried -= 1) {
    let revision = revisions.at(-1) ?? first;
    for (let count = pickWhole(random, 1, 3); count > 0; count -= 1) revision = pickChange(random)(random, revision);
    if (compiles(revision)) revisions.push(revision);
  }
  return revisions;
}

function compiles(machine: PlannedMachine): boolean {
  try {
    createPlannedMachines([machine]);
    return true;
  } catch {
    return false;
  }
}

type ChangeDocument = (random: Random, machine: PlannedMachine) => PlannedMachine;

function pickChange(random: Random): ChangeDocument {
  return pick(random, [
    renameTask,
    renameTask,
    removeTask,
    addTask,
    addTask,
    addApproval,
    changeConfig,
    changeNext,
    changeNext,
    changeTimers,
    hideMetadata,
    hideMetadata,
    declareEvent,
  ]);
}

function onStates(
  machine: PlannedMachine,
  change: (state: PlannedState, name: string) => PlannedState,
): PlannedMachine {
  const states = Object.entries(machine.states).map(([name, state]) => [name, change(state, name)] as const);
  return { ...machine, states: Object.fromEntries(states) };
}

function renameTask(random: Random, machine: PlannedMachine): PlannedMachine {
  const from = pick(random, Object.keys(machine.tasks));
  const toNew = (name: string) => (name === from ? `${from}-2` : name);
  const tasks = Object.entries(machine.tasks).map(([name, { needs, ...task }]) => {
    const renamed = Array.isArray(needs) ? { ...task, needs: needs.map(toNew) } : task;
    return [toNew(name), renamed] as const;
  });
  const named = { ...machine, tasks: Object.fromEntries(tasks) };
  return onStates(named, ({ tasks: own, ...state }) =>
    own === undefined ? state : { ...state, tasks: own.map(toNew) },
  );
}

/** From one state: tasks of other states may need it still. */
function removeTask(random: Random, machine: PlannedMachine): PlannedMachine {
  const [gone, from] = [pick(random, Object.keys(machine.tasks)), pick(random, Object.keys(machine.states))];
  return onStates(machine, ({ tasks, ...state }, name) => {
    if (tasks === undefined) return state;
    return { ...state, tasks: name === from ? tasks.filter((task) => task !== gone) : tasks };
  });
}

/** Everywhere, with a need that the tasks before it have not had. */
function addTask(random: Random, machine: PlannedMachine): PlannedMachine {
  if (machine.version === 1) return machine;
  const needy = pick(random, Object.keys(machine.tasks));
  const { needs, ...task } = machine.tasks[needy] ?? {};
  const tasks = {
    ...machine.tasks,
    new: { executor: "work", config: {} },
    [needy]: { ...task, needs: [...new Set([...(Array.isArray(needs) ? needs : []), "new"])] },
  };
  return onStates({ ...machine, tasks }, (state) => withTask(state, "new"));
}

function withTask({ tasks = [], ...state }: PlannedState, name: string): PlannedState {
  return tasks.length === 0 ? { ...state, tasks } : { ...state, tasks: [...new Set([...tasks, name])] };
}

function addApproval(random: Random, machine: PlannedMachine): PlannedMachine {
  if (machine.version === 1) return machine;
  const needy = pick(random, Object.keys(machine.tasks));
  const { needs, ...task } = machine.tasks[needy] ?? {};
  const gate = { executor: "approval", timeout: "20s", config: { from: ["ops"], own: true } };
  const isNeeded = random() < 0.5 && task["executor"] !== "approval";
  const own = isNeeded ? { needs: [...new Set([...(Array.isArray(needs) ? needs : []), "gate"])] } : { needs };
  const tasks = { ...machine.tasks, gate, [needy]: needs === undefined && !isNeeded ? task : { ...task, ...own } };
  return onStates({ ...machine, tasks }, (state) => withTask(state, "gate"));
}

function changeConfig(random: Random, machine: PlannedMachine): PlannedMachine {
  const name = pick(random, Object.keys(machine.tasks));
  const task = machine.tasks[name] ?? {};
  if (task["executor"] === "approval") return machine;
  const config = { limitMs: pick(random, [20_000, 50_000, 90_000]) };
  return { ...machine, tasks: { ...machine.tasks, [name]: { ...task, config } } };
}

/** Takes `NEXT` from a state, or gives it to one. */
function changeNext(random: Random, machine: PlannedMachine): PlannedMachine {
  const [changed, target] = [pick(random, Object.keys(machine.states)), pick(random, Object.keys(machine.states))];
  return onStates(machine, (state, name) => {
    if (name !== changed || state.terminal === true || name === "INIT") return state;
    const { NEXT, ...on } = state.on ?? {};
    const next = machine.version === 1 ? [{ action: "advance", state: target }] : target;
    return { ...state, on: NEXT === undefined ? { ...on, NEXT: next } : on };
  });
}

function changeTimers(random: Random, machine: PlannedMachine): PlannedMachine {
  if (machine.version === 1) return machine;
  const changed = pick(random, Object.keys(machine.states));
  return onStates(machine, ({ after, timeout, ...state }, name) => {
    const kept = { ...(after && { after }), ...(timeout && { timeout }) };
    if (name !== changed || name === "INIT") return { ...state, ...kept };
    return random() < 0.5 ? state : { ...state, ...kept, timeout: "20s" };
  });
}

function hideMetadata(_: Random, machine: PlannedMachine): PlannedMachine {
  if (machine.version === 1) return machine;
  return { ...machine, metadata: { ...machine.metadata, n: { type: "number", sensitive: true } } };
}

/** An event that only this document declares, and each state takes. */
function declareEvent(_: Random, machine: PlannedMachine): PlannedMachine {
  const events = [...new Set([...machine.events, LATER_EVENT])];
  const noOp = machine.version === 1 ? [{ action: "no-op" }] : "no-op";
  return onStates({ ...machine, events }, (state, name) => {
    return name === "INIT" ? state : { ...state, on: { ...state.on, [LATER_EVENT]: noOp } };
  });
}

const LATER_EVENT = "UNDECLARED";

import { defined } from "../../machine/json.ts";
import { createPlannedChance } from "./chance.ts";
import { InvalidPlan } from "./planned-machines.ts";
import { type JobOptions, runWithChance, type SimulationRun } from "./run-plan.ts";
import type { PlannedAction, PlannedMachine, PlannedState, SimulationPlan, WorkStep } from "./simulation-plan.ts";

/** The options of shrinking a failing run. */
interface ShrinkOptions extends Omit<JobOptions, "onStep" | "maxSteps"> {
  /** Runs in all. Default: 1,000. */
  readonly maxRuns?: number;
}

/**
 * Returns a smaller run that breaks the same invariant: parts of the plan are removed one after the other, and left out
 * when the rest still fails. Returns the run itself when it does not fail.
 */
export async function shrinkRun(run: SimulationRun, options: ShrinkOptions = {}): Promise<SimulationRun> {
  const invariant = run.violations[0]?.invariant;
  if (invariant === undefined) return run;
  const { maxRuns = 1_000, ...runOptions } = options;
  const limits = invariant === "step-limit" ? {} : { maxSteps: run.steps * 2 + 2_000 };
  let best = run;
  let left = maxRuns;

  async function attempt(plan: SimulationPlan): Promise<boolean> {
    if (left <= 0) return false;
    left -= 1;
    const tried = await runOrSkip(plan, { ...runOptions, ...limits });
    if (tried === undefined || tried.violations[0]?.invariant !== invariant) return false;
    best = tried;
    return true;
  }

  const present = () => best.plan;
  for (let size = Number.POSITIVE_INFINITY; sizeOf(best.plan) < size && left > 0; ) {
    size = sizeOf(best.plan);
    await shrinkStacks(best.plan, attempt);
    await shrinkKinds(present, attempt);
    await shrinkParts(present, attempt);
    await shrinkOneByOne(present, attempt);
  }
  return best;
}

type Attempt = (plan: SimulationPlan) => Promise<boolean>;

/**
 * Runs a plan and returns the run with the parts of the plan that made a difference; undefined when the plan cannot be
 * run.
 */
async function runOrSkip(plan: SimulationPlan, options: JobOptions): Promise<SimulationRun | undefined> {
  const chance = createPlannedChance(plan);
  try {
    const run = await runWithChance(plan, chance, options);
    return { ...run, plan: { ...plan, faults: chance.faults, work: chance.work } };
  } catch (error) {
    if (error instanceof InvalidPlan) return undefined;
    throw error;
  }
}

/** Returns the length of a plan. */
function sizeOf(plan: SimulationPlan): number {
  return JSON.stringify(plan).length;
}

async function shrinkStacks(plan: SimulationPlan, attempt: Attempt): Promise<void> {
  const stacks = [...new Set(plan.actions.flatMap((action) => stackOf(action) ?? []))];
  await shrinkList(stacks, (kept) => {
    const actions = plan.actions.filter((action) => kept.includes(stackOf(action) ?? kept[0] ?? ""));
    return attempt({ ...plan, actions });
  });
}

function stackOf(action: PlannedAction): string | undefined {
  return action.do === "send" ? String(action.message["stackId"]) : undefined;
}

/** Removes all faults of a kind at once: mostly one or two kinds matter. */
async function shrinkKinds(present: () => SimulationPlan, attempt: Attempt): Promise<void> {
  for (const kind of new Set(Object.values(present().faults).map((fault) => fault.kind))) {
    const faults = Object.entries(present().faults).filter(([, fault]) => fault.kind !== kind);
    await attempt({ ...present(), faults: Object.fromEntries(faults) });
  }
}

async function shrinkParts(present: () => SimulationPlan, attempt: Attempt): Promise<void> {
  await shrinkList(Object.entries(present().faults), (faults) =>
    attempt({ ...present(), faults: Object.fromEntries(faults) }),
  );
  await shrinkList(present().actions, (actions) => attempt({ ...present(), actions }));
  await shrinkList(Object.entries(present().work), (work) => attempt({ ...present(), work: Object.fromEntries(work) }));
}

/** Tries each simpler plan, and continues from those that still fail. */
async function shrinkOneByOne(present: () => SimulationPlan, attempt: Attempt): Promise<void> {
  for (const list of [listFewerNodes, listPlainMedia, listFewerMachines, listSimplerRevisions, listSimplerValues]) {
    for (let isSmaller = true; isSmaller; ) {
      isSmaller = false;
      for (const plan of list(present())) {
        if (!(await attempt(plan))) continue;
        isSmaller = true;
        break;
      }
    }
  }
}

function* listFewerNodes(plan: SimulationPlan): Generator<SimulationPlan> {
  const { nodes } = plan;
  if (nodes.length > 1) yield { ...plan, nodes: nodes.slice(0, -1) };
  for (const [index, node] of nodes.entries()) {
    if (node.skewMs !== 0) yield { ...plan, nodes: nodes.with(index, { ...node, skewMs: 0 }) };
    if (node.concurrency > 1) yield { ...plan, nodes: nodes.with(index, { ...node, concurrency: 1 }) };
  }
}

function* listPlainMedia({ medium, refusedEvents, ...plan }: SimulationPlan): Generator<SimulationPlan> {
  if (medium !== undefined) yield { ...plan, ...defined({ refusedEvents }) };
  if (refusedEvents !== undefined) yield { ...plan, ...defined({ medium }) };
}

function* listFewerMachines(plan: SimulationPlan): Generator<SimulationPlan> {
  const { machines, actions } = plan;
  if (machines.length < 2) return;
  const kept = actions.filter((action) => action.do !== "revise" && action.do !== "deploy");
  for (const machine of machines) yield { ...plan, machines: [machine], actions: kept };
}

function* listSimplerRevisions(plan: SimulationPlan): Generator<SimulationPlan> {
  for (const [index, machine] of plan.machines.entries()) {
    for (const simpler of listSimplerMachines(machine)) {
      yield { ...plan, machines: plan.machines.with(index, simpler) };
    }
  }
}

function* listSimplerValues(plan: SimulationPlan): Generator<SimulationPlan> {
  for (const [index, action] of plan.actions.entries()) {
    for (const simpler of listSimplerActions(action)) yield { ...plan, actions: plan.actions.with(index, simpler) };
  }
  for (const [key, fault] of Object.entries(plan.faults)) {
    if (fault.kind !== "yield" || fault.steps === 1) continue;
    yield { ...plan, faults: { ...plan.faults, [key]: { ...fault, steps: fault.steps - 1 } } };
  }
  for (const [key, step] of Object.entries(plan.work)) {
    for (const simpler of listSimplerSteps(step)) yield { ...plan, work: { ...plan.work, [key]: simpler } };
  }
}

function* listSimplerActions(action: PlannedAction): Generator<PlannedAction> {
  for (const atMs of listSmaller(action.atMs)) yield { ...action, atMs };
  if (action.do !== "send") return;
  for (const message of listSimplerMessages(action.message)) yield { ...action, message };
}

function* listSimplerSteps(step: WorkStep): Generator<WorkStep> {
  const { takesMs, deaf, ...rest } = step;
  if (deaf !== undefined) yield { ...rest, ...defined({ takesMs }) };
  if (takesMs !== undefined) yield { ...rest, ...defined({ deaf }) };
}

type Message = Extract<PlannedAction, { do: "send" }>["message"];

/** Lists messages without one of the optional parts of an event. */
function* listSimplerMessages(message: Message): Generator<Message> {
  for (const key of ["metadata", "machine"]) {
    const { [key]: gone, ...rest } = message;
    if (gone !== undefined) yield rest;
  }
}

/** Lists rounder instants before this one. */
function listSmaller(instant: number): readonly number[] {
  const rounded = [
    0,
    1_000,
    10_000,
    60_000,
    Math.floor(instant / 10_000) * 10_000,
    Math.floor(instant / 1_000) * 1_000,
  ];
  return [...new Set(rounded)].filter((value) => value < instant);
}

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

/** Returns true when the candidate still fails. */
type StillFails<Value> = (candidate: Value) => Promise<boolean>;

/** Returns as few of the needed items as possible: removes halves, then quarters, then single ones. */
export async function shrinkList<Item>(
  items: readonly Item[],
  stillFails: StillFails<readonly Item[]>,
): Promise<readonly Item[]> {
  if (items.length > 0 && (await stillFails([]))) return [];
  let left = items;
  for (let size = Math.ceil(items.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < left.length; ) {
      const candidate = [...left.slice(0, start), ...left.slice(start + size)];
      if (left.length > size && (await stillFails(candidate))) left = candidate;
      else start += size;
    }
  }
  return left;
}

import type { Sender } from "../../access/sender.ts";
import { attemptIdOf } from "../../machine/attempt-id.ts";
import { retryId, timeoutId, timerEventId } from "../../machine/decide/timer-ids.ts";
import { LEAVING_MODES } from "../../machine/machine.ts";
import type { Random } from "../../ports/clock.ts";
import { createRandom } from "../fake-clock.ts";
import { type Chaos, pick, pickWhole } from "./chance.ts";
import { withMoves } from "./pick-moves.ts";
import { withTimers } from "./pick-timers.ts";
import {
  PLANNED_MACHINE,
  type PlannedAction,
  type PlannedMachine,
  type PlannedNode,
  type PlannedState,
  type SimulationPlan,
} from "./simulation-plan.ts";

/** The plan of a seed: a plan without faults, and how much goes wrong until when. */
interface DrawnPlan {
  readonly plan: SimulationPlan;
  readonly chaos: Chaos;
  readonly calmAfterMs: number;
}

const MINUTE_MS = 60_000;

/** Picks the plan of a seed. Each seed has its own mixture, so that a rare thing is common in some runs. */
export function pickPlan(seed: number): DrawnPlan {
  const random = createRandom(Math.imul(seed, 0x9e3779b1));
  const nodes = Array.from({ length: pickWhole(random, 1, 3) }, (_, index) => ({
    ...pickNode(random),
    // Some work as a process does whose engine and worker are apart.
    direct: (seed + index) % 3 !== 2,
  }));
  const pickMachine = random() < 0.4 ? pickMachineV1 : pickMachineV2;
  const machines = Array.from({ length: random() < 0.25 ? 2 : 1 }, () => pickMachine(random));
  const spanMs = pick(random, [2_000, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS]);
  const drawn = pickActions(random, { spanMs, nodes: nodes.length, revisions: machines.length });
  const asked = withApprovals(seed, { machines, actions: withForgeries(seed, drawn, spanMs), spanMs });
  const timed = withTimers(seed, { ...asked, spanMs });
  const moved = withMoves(seed, { ...timed, spanMs, nodes: nodes.length });
  const actions = withAbsence(seed, moved.actions, { spanMs, nodes: nodes.length });
  const leaseMs = pick(random, [5_000, 30_000]);
  return {
    plan: { seed, leaseMs, ...pickMedium(random), nodes, ...moved, actions, faults: {}, work: {} },
    chaos: pickChaos(random),
    calmAfterMs: spanMs + MINUTE_MS,
  };
}

function pickMedium(random: Random): Pick<SimulationPlan, "medium" | "refusedEvents"> {
  return {
    ...(random() < 0.3 ? { medium: "queue" } : {}),
    ...(random() < 0.1 ? { refusedEvents: "drop" } : {}),
  };
}

function pickNode(random: Random): PlannedNode {
  const skewMs = random() < 0.4 ? pick(random, [-90_000, -7_000, -300, 300, 7_000, 90_000]) : 0;
  return { skewMs, concurrency: pickWhole(random, 1, 3) };
}

/** Picks the rates of faults. Each kind is off in some runs, so that the others are tested alone. */
function pickChaos(random: Random): Chaos {
  const rate = (most: number) => (random() < 0.4 ? 0 : random() * most);
  return {
    crash: rate(0.03),
    fail: rate(0.04),
    delay: rate(0.06),
    yield: rate(0.5),
    hurry: rate(0.6),
    lose: rate(0.1),
    repeat: rate(0.3),
    work: rate(0.8),
  };
}

interface ActionsInput {
  readonly spanMs: number;
  readonly nodes: number;
  readonly revisions: number;
}

function pickActions(random: Random, input: ActionsInput): readonly PlannedAction[] {
  const stacks = Array.from({ length: pickWhole(random, 1, 3) }, (_, index) => `s${index + 1}`);
  const begin = stacks.map(
    (stackId): PlannedAction => toSend({ atMs: 0, stackId, event: "GO", id: `${stackId}-begin` }),
  );
  const count = pickWhole(random, 2, 14);
  // Several at one instant, so that they meet.
  const instants = Array.from({ length: pickWhole(random, 1, 6) }, () => Math.floor(random() * input.spanMs));
  const drawn = Array.from({ length: count }, (_, index) => {
    return pickAction(random, { ...input, index, atMs: pick(random, instants), stackId: pick(random, stacks) });
  });
  const repeated = drawn.filter((action) => action.do === "send" && random() < 0.2);
  return [...begin, ...drawn, ...repeated.map((action) => ({ ...action, atMs: pick(random, instants) }))]
    .map((action, index) => ({ action, index }))
    .sort((a, b) => a.action.atMs - b.action.atMs || a.index - b.index)
    .map(({ action }) => action);
}

/**
 * Adds what an attacker sends who may send events and guesses the ids of results, cancels and timers. Drawn apart, so
 * that the rest of a seed's plan is the same with and without an attacker.
 */
function withForgeries(seed: number, actions: readonly PlannedAction[], spanMs: number): readonly PlannedAction[] {
  const random = createRandom(Math.imul(seed, 0x85ebca6b));
  if (random() < 0.6) return actions;
  const count = pickWhole(random, 1, 12);
  const forged = Array.from({ length: count }, () => pickForgery(random, Math.floor(random() * random() * spanMs)));
  return [...actions, ...forged].sort((a, b) => a.atMs - b.atMs);
}

/** Adds an absence: in some plans all nodes are down, for less than parked events may be late. Picked separately, as forgeries are. */
function withAbsence(
  seed: number,
  actions: readonly PlannedAction[],
  { spanMs, nodes }: Pick<ActionsInput, "spanMs" | "nodes">,
): readonly PlannedAction[] {
  const random = createRandom(Math.imul(seed, 0x27d4eb2f));
  if (random() < 0.85) return actions;
  const atMs = Math.floor(random() * spanMs);
  const downMs = pick(random, [3, 5, 10]) * MINUTE_MS;
  const away = Array.from({ length: nodes }, (_, node): PlannedAction => {
    return { atMs, do: pick(random, ["kill", "stop"]), node, downMs };
  });
  return [...actions, ...away].sort((a, b) => a.atMs - b.atMs);
}

const PEOPLE: readonly Sender[] = ["ada", "ben", "kim"].map((name) => {
  return { kind: "person", id: name, name, groups: name === "kim" ? [] : ["ops"] };
});

/** Adds approvals: in some plans people do some of the tasks of version 2. Picked separately, as forgeries are. */
function withApprovals(
  seed: number,
  { machines, actions, spanMs }: Pick<SimulationPlan, "machines" | "actions"> & { readonly spanMs: number },
): Pick<SimulationPlan, "machines" | "actions"> {
  const random = createRandom(Math.imul(seed, 0xc2b2ae35));
  if (random() < 0.7 || machines.every(({ version }) => version === 1)) return { machines, actions };
  // The same in all revisions: an approval counts as an attempt of its task, but is not in the store.
  const names = TASKS.filter(() => random() < 0.4);
  const answers = Array.from({ length: pickWhole(random, 2, 12) }, (_, index): PlannedAction => {
    const event = pick(random, ["APPROVE_TASK", "APPROVE_TASK", "APPROVE_TASK", "REJECT_TASK", "WITHDRAW_APPROVAL"]);
    const stackId = `s${pickWhole(random, 1, 3)}`;
    const message = { id: `answer-${index}`, stackId, event, task: { name: pick(random, TASKS) } };
    return { ...toSend({ atMs: Math.floor(random() * spanMs), ...message }), sender: pick(random, PEOPLE) };
  });
  const sent = actions.map((action) => {
    return action.do === "send" && random() < 0.5 ? { ...action, sender: pick(random, PEOPLE) } : action;
  });
  return {
    machines: machines.map((machine) => (machine.version === 2 ? pickApprovals(random, machine, names) : machine)),
    actions: [...sent, ...answers].sort((a, b) => a.atMs - b.atMs),
  };
}

function pickApprovals(random: Random, machine: PlannedMachine, names: readonly string[]): PlannedMachine {
  const tasks = Object.entries(machine.tasks).map(([name, task]) => {
    if (!names.includes(name)) return [name, task] as const;
    const { retry: _, exclusive: __, outputs: ___, ...rest } = task;
    const config = { from: ["ops"], count: pick(random, [1, 1, 2]), own: random() < 0.5 };
    return [name, { ...rest, executor: "approval", timeout: pick(random, SHORT), config }] as const;
  });
  return { ...machine, tasks: Object.fromEntries(tasks) };
}

function pickForgery(random: Random, atMs: number): PlannedAction {
  const stackId = `s${pickWhole(random, 1, 3)}`;
  const [incarnation, entry, task] = [`${stackId}-begin`, pickWhole(random, 1, 3), pick(random, TASKS)];
  const attempt = attemptIdOf({ stackId, incarnation, entry, task, attempt: pickWhole(random, 1, 2) });
  const timer = pick(random, [timeoutId(entry), `${entry}/after/0`, `${retryId(entry, task)}/1`]);
  const ends = ["result", "cancelled", "deadline", "cancel"].map((end) => `${end}:${attempt}`);
  const id = pick(random, [`result:${attempt}`, pick(random, ends), timerEventId(incarnation, timer)]);
  const prefix = random() < 0.2 ? "internal:" : "";
  return toSend({ atMs, stackId, ...pickEvent(random), id: `${prefix}${id}` });
}

interface ActionInput extends ActionsInput {
  readonly index: number;
  readonly atMs: number;
  readonly stackId: string;
}

function pickAction(random: Random, input: ActionInput): PlannedAction {
  const { atMs, nodes, revisions, index } = input;
  const kind = random();
  if (kind < 0.06) {
    return { atMs, do: pick(random, ["kill", "stop"]), node: pickWhole(random, 0, nodes - 1), downMs: 3_000 };
  }
  if (kind < 0.09) return { atMs, do: "freeze", node: pickWhole(random, 0, nodes - 1), forMs: 40_000 };
  if (kind < 0.1) return { atMs, do: "lose-leases" };
  if (kind < 0.12) return { atMs, do: "redrive" };
  if (kind < 0.15) return { atMs, do: "run", key: `run-${index}` };
  if (kind < 0.22 && revisions > 1) return { atMs, do: "revise", to: pickWhole(random, 0, revisions - 1) };
  return toSend({ id: `${input.stackId}-${index}`, ...input, ...pickEvent(random) });
}

function toSend({ atMs, ...message }: { atMs: number; stackId: string; id: string; event: string }): PlannedSend {
  const { stackId, id, event, ...rest } = message;
  return { atMs, do: "send", message: { id, stackId, event, machine: PLANNED_MACHINE, ...pickExtras(rest) } };
}

type PlannedSend = Extract<PlannedAction, { do: "send" }>;

const EXTRAS = ["task", "metadata", "as", "reason", "force", "description"];

function pickExtras(rest: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(rest).filter(([key]) => EXTRAS.includes(key)));
}

function pickEvent(random: Random): { readonly event: string } & Readonly<Record<string, unknown>> {
  const kind = random();
  const task = { name: pick(random, TASKS) };
  const metadata = random() < 0.3 ? { metadata: { n: pickWhole(random, 1, 5) } } : {};
  if (kind < 0.6) return { event: pick(random, EVENTS), ...metadata };
  if (kind < 0.7) return { event: "RETRY_FAILED_TASKS" };
  if (kind < 0.76) return { event: "RETRY_PENDING_TASKS" };
  if (kind < 0.82) return { event: "CANCEL_TASK", task };
  if (kind < 0.86) return { event: "SETTLE_TASK", task, as: "succeeded", reason: "by hand" };
  if (kind < 0.9) return { event: "REMOVE_STACK", force: true, reason: "not needed" };
  if (kind < 0.94) return { event: pick(random, ["TASK_COMPLETED", "TASK_ERROR"]), task };
  if (kind < 0.97) return { event: "UNDECLARED" };
  return { event: "UPGRADE_STACK" };
}

/** Events of drawn machines. */
export const EVENTS = ["GO", "BACK", "STAY"] as const;
/** Tasks of drawn machines. */
export const TASKS = ["net", "db", "app", "dns"] as const;

const STATES = ["ONE", "TWO", "THREE"] as const;
const END = "END";

/** Picks a machine of version 1: some states with some tasks, and an end that a stack may reach. */
export function pickMachineV1(random: Random): PlannedMachine {
  const states = STATES.slice(0, pickWhole(random, 1, STATES.length));
  const targets = [...states, ...states, END];
  const advance = (state: string) => [{ action: "advance", state }];
  const pickOn = (isFinal: boolean) => {
    const events = EVENTS.filter(() => random() < 0.6);
    const on = events.map((event) => [event, random() < 0.15 ? [{ action: "no-op" }] : advance(pick(random, targets))]);
    const next = isFinal || random() < 0.1 ? [] : [["NEXT", advance(pick(random, targets))]];
    return Object.fromEntries([...on, ...next]) as Readonly<Record<string, unknown>>;
  };
  const pickState = (isFinal: boolean): PlannedState => ({
    tasks: TASKS.filter(() => random() < (isFinal ? 0.25 : 0.5)),
    on: pickOn(isFinal),
    ...(isFinal ? { terminal: true } : {}),
  });
  return {
    version: 1,
    events: EVENTS,
    states: {
      INIT: { on: { GO: advance(states[0] ?? END) } },
      ...Object.fromEntries(states.map((name) => [name, pickState(false)])),
      [END]: pickState(true),
    },
    tasks: Object.fromEntries(TASKS.map((name) => [name, pickTaskV1(random)])),
  };
}

function pickTaskV1(random: Random): Readonly<Record<string, unknown>> {
  const executor = random() < 0.8 ? "work" : "solo";
  const key = random() < 0.3 ? { key: pick(random, ["k1", "k2"]) } : {};
  const limit = random() < 0.2 ? { limitMs: pick(random, [10_000, 40_000]) } : {};
  return { executor, config: { ...key, ...limit } };
}

const SHORT = ["1s", "5s", "20s", "2m"] as const;

/** Picks a machine of version 2: needs, retries, timeouts, timers, keys, conditions, and every way to leave a state. */
export function pickMachineV2(random: Random): PlannedMachine {
  const names = STATES.slice(0, pickWhole(random, 1, STATES.length));
  const needs = pickNeeds(random);
  const states = names.map((name) => [name, pickState(random, { names, needs, isFinal: false })]);
  return {
    version: 2,
    revision: random() < 0.5 ? "pin" : "follow",
    events: EVENTS,
    metadata: { nexts: { type: "number", default: 0 }, n: { type: "number" } },
    states: {
      INIT: { on: { GO: names[0] ?? END } },
      ...Object.fromEntries(states),
      [END]: pickState(random, { names, needs, isFinal: true }),
    },
    tasks: Object.fromEntries(TASKS.map((name) => [name, pickTask(random, needs.get(name) ?? [])])),
  };
}

type Needs = ReadonlyMap<string, readonly string[]>;

/** Picks the needs of each task, among the tasks before it. */
function pickNeeds(random: Random): Needs {
  return new Map(TASKS.map((name, index) => [name, TASKS.slice(0, index).filter(() => random() < 0.25)]));
}

function pickTask(random: Random, needs: readonly string[]): Readonly<Record<string, unknown>> {
  const executor = random() < 0.8 ? "work" : "solo";
  return {
    executor,
    config: random() < 0.2 ? { key: pick(random, ["k1", "k2"]) } : {},
    ...(needs.length === 0 ? {} : { needs }),
    ...(random() < 0.5 ? { retry: pickRetry(random) } : {}),
    ...(random() < 0.3 ? { timeout: pick(random, SHORT) } : {}),
    ...(random() < 0.25 ? { exclusive: pick(random, ["'k1'", "'k2'", "stack.id"]) } : {}),
    ...(random() < 0.15 ? { when: "stack.visits[stack.state] % 2 == 1" } : {}),
    ...(random() < 0.2 ? { outputs: { n: "n" } } : {}),
  };
}

function pickRetry(random: Random): Readonly<Record<string, unknown>> {
  const backoff = { from: pick(random, ["1s", "3s"]), to: pick(random, ["5s", "30s"]) };
  return {
    attempts: pickWhole(random, 2, 4),
    ...(random() < 0.6 ? { backoff } : {}),
    ...(random() < 0.2 ? { only: ["WORK_FAILED"] } : {}),
  };
}

interface StateInput {
  readonly names: readonly string[];
  readonly needs: Needs;
  readonly isFinal: boolean;
}

function pickState(random: Random, { names, needs, isFinal }: StateInput): PlannedState {
  const targets = [...names, ...names, END];
  const events = EVENTS.filter(() => random() < 0.6);
  const system = ["NEXT", "FAILED", "TIMEOUT"].filter((name) => random() < (name === "NEXT" ? 0.9 : 0.4));
  const handled = isFinal ? [...events, ...system.filter((name) => name !== "NEXT")] : [...events, ...system];
  const event = events[0];
  return {
    tasks: withNeeds(
      TASKS.filter(() => random() < (isFinal ? 0.2 : 0.45)),
      needs,
    ),
    on: Object.fromEntries(handled.map((name) => [name, pickReaction(random, targets)])),
    ...(random() < 0.7 ? { leaving: pick(random, LEAVING_MODES) } : {}),
    ...(random() < 0.3 ? { timeout: pick(random, SHORT) } : {}),
    ...(event !== undefined && random() < 0.3 ? { after: [{ in: pick(random, SHORT), event }] } : {}),
    ...(isFinal ? { terminal: true } : {}),
  };
}

function pickReaction(random: Random, targets: readonly string[]): unknown {
  const kind = random();
  const state = pick(random, targets);
  if (kind < 0.6) return state;
  if (kind < 0.75) return "no-op";
  const counted = { set: { nexts: `\${metadata.nexts + 1}` } };
  if (kind < 0.9) return [{ action: "advance", state, ...counted }];
  return [
    { when: "metadata.nexts < 3", action: "no-op", ...counted },
    { action: "advance", state },
  ];
}

/** Adds the needs of listed tasks, which must be listed too. */
function withNeeds(tasks: readonly string[], needs: Needs): readonly string[] {
  const all = new Set<string>();
  const add = (name: string): void => {
    for (const need of needs.get(name) ?? []) add(need);
    all.add(name);
  };
  for (const name of tasks) add(name);
  return TASKS.filter((name) => all.has(name));
}

import type { Random } from "../../ports/clock.ts";
import { createRandom } from "../fake-clock.ts";
import { pick, pickWhole } from "./chance.ts";
import {
  type PlannedAction,
  type PlannedMachine,
  type PlannedState,
  type PlannedTimer,
  type SimulationPlan,
  START_AT,
} from "./simulation-plan.ts";

type Planned = Pick<SimulationPlan, "machines" | "actions">;

interface TimersInput extends Planned {
  readonly spanMs: number;
}

/** They fire within the first hour of a run, and a year later: else a run would not end. */
const SCHEDULES = ["1,2 0 1 1 *", "*/3 0 1 1 *", "1 0 1 1 *"] as const;

/**
 * Gives some machines of version 2 schedules, an instant that events move, and reactions that raise an event. Drawn
 * apart, so that the rest of a seed's plan is the same without them.
 */
export function withTimers(seed: number, { machines, actions, spanMs }: TimersInput): Planned {
  const random = createRandom(Math.imul(seed, 0x27d4eb2f));
  if (random() < 0.4) return { machines, actions };
  return {
    machines: machines.map((machine) => (machine.version === 2 ? pickTimers(random, machine) : machine)),
    actions: actions.map((action) => (random() < 0.4 ? withUntil(random, action, spanMs) : action)),
  };
}

/** Adds an instant `until` to an event; sometimes in the past, sometimes null. */
function withUntil(random: Random, action: PlannedAction, spanMs: number): PlannedAction {
  if (action.do !== "send" || action.message["event"] === "SETTLE_TASK") return action;
  const at = START_AT + pickWhole(random, -spanMs, 2 * spanMs);
  const until = random() < 0.2 ? null : new Date(at).toISOString();
  const metadata = { ...(action.message["metadata"] as object | undefined), until };
  return { ...action, message: { ...action.message, metadata } };
}

/** Raised by other events, but does not raise any itself: a circle of raised events would only fill the run. */
const RAISED = "STAY";

function pickTimers(random: Random, machine: PlannedMachine): PlannedMachine {
  const raising = new Map(Object.entries(machine.states).map(([name, state]) => [name, pickRaising(random, state)]));
  const targets = new Set([...raising.values()].flatMap(listTargets));
  const named = [...raising].map(([name, state]) => {
    if (!targets.has(name)) return [name, state] as const;
    return [name, { ...state, on: { [RAISED]: "no-op", ...state.on } }] as const;
  });
  // One state only, and its event leads nowhere: else instants that have passed lead from state to state without an
  // end.
  const dated = pick(random, named.map(([name]) => name).slice(1, -1));
  const states = named.map(([name, state]) => [name, pickStateTimers(random, state, name === dated)] as const);
  return {
    ...machine,
    metadata: { ...machine.metadata, until: { type: "string" } },
    states: Object.fromEntries(states),
  };
}

/** Lets some reactions to other events raise one. */
function pickRaising(random: Random, state: PlannedState): PlannedState {
  const on = Object.entries(state.on ?? {}).map(([event, reaction]) => {
    const isPlain = typeof reaction === "string" && reaction !== "no-op" && event !== RAISED;
    if (!isPlain || random() < 0.4) return [event, reaction] as const;
    return [event, [{ action: "advance", state: reaction, raise: RAISED }]] as const;
  });
  return { ...state, on: Object.fromEntries(on) };
}

/** Lists the states in which events are raised. */
function listTargets({ on = {} }: PlannedState): readonly string[] {
  return Object.values(on).flatMap((reaction) => {
    const entries = Array.isArray(reaction) ? reaction : [];
    return entries.flatMap(({ state, raise }) => (raise === undefined ? [] : [String(state)]));
  });
}

function pickStateTimers(random: Random, state: PlannedState, isDated: boolean): PlannedState {
  const [event] = Object.keys(state.on ?? {}).filter((name) => !INTERNAL.has(name));
  const timers: PlannedTimer[] = [...(state.after ?? [])];
  if (event !== undefined && random() < 0.4) timers.push({ cron: pick(random, SCHEDULES), event });
  const on = isDated ? { ...state.on, STAY: "no-op", BACK: "no-op" } : state.on;
  if (isDated) timers.push({ at: `\${metadata.until}`, event: "BACK" });
  if (timers.length === 0 || on === undefined) return state;
  return { ...state, on, after: timers };
}

const INTERNAL: ReadonlySet<string> = new Set(["NEXT", "FAILED", "TIMEOUT"]);

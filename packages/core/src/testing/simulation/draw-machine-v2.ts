import type { Random } from "../../ports/clock.ts";
import { drawWhole, pick } from "./chance.ts";
import { EVENTS, TASKS } from "./draw-machine.ts";
import type { PlannedMachine, PlannedState } from "./simulation-plan.ts";

const STATES = ["ONE", "TWO", "THREE"] as const;
const END = "END";
const SHORT = ["1s", "5s", "20s", "2m"] as const;

/** A machine of version 2: needs, retries, time-outs, timers, keys, conditions, and every way to leave a state. */
export function drawMachineV2(random: Random): PlannedMachine {
  const names = STATES.slice(0, drawWhole(random, 1, STATES.length));
  const needs = drawNeeds(random);
  const states = names.map((name) => [name, drawState(random, { names, needs, isFinal: false })]);
  return {
    version: 2,
    revision: random() < 0.5 ? "pin" : "follow",
    events: EVENTS,
    metadata: { nexts: { type: "number", default: 0 }, n: { type: "number" } },
    states: {
      INIT: { on: { GO: names[0] ?? END } },
      ...Object.fromEntries(states),
      [END]: drawState(random, { names, needs, isFinal: true }),
    },
    tasks: Object.fromEntries(TASKS.map((name) => [name, drawTask(random, needs.get(name) ?? [])])),
  };
}

type Needs = ReadonlyMap<string, readonly string[]>;

/** Each task may need some of those before it. */
function drawNeeds(random: Random): Needs {
  return new Map(TASKS.map((name, index) => [name, TASKS.slice(0, index).filter(() => random() < 0.25)]));
}

function drawTask(random: Random, needs: readonly string[]): Readonly<Record<string, unknown>> {
  const executor = random() < 0.8 ? "work" : "solo";
  return {
    ...{ executor, config: random() < 0.2 ? { key: pick(random, ["k1", "k2"]) } : {} },
    ...(needs.length === 0 ? {} : { needs }),
    ...(random() < 0.5 ? { retry: drawRetry(random) } : {}),
    ...(random() < 0.3 ? { timeout: pick(random, SHORT) } : {}),
    ...(random() < 0.25 ? { exclusive: pick(random, ["'k1'", "'k2'", "stack.id"]) } : {}),
    ...(random() < 0.15 ? { when: "stack.visits[stack.state] % 2 == 1" } : {}),
    ...(random() < 0.2 ? { outputs: { n: "n" } } : {}),
  };
}

function drawRetry(random: Random): Readonly<Record<string, unknown>> {
  const backoff = { from: pick(random, ["1s", "3s"]), to: pick(random, ["5s", "30s"]) };
  return {
    attempts: drawWhole(random, 2, 4),
    ...(random() < 0.6 ? { backoff } : {}),
    ...(random() < 0.2 ? { only: ["WORK_FAILED"] } : {}),
  };
}

interface StateInput {
  readonly names: readonly string[];
  readonly needs: Needs;
  readonly isFinal: boolean;
}

function drawState(random: Random, { names, needs, isFinal }: StateInput): PlannedState {
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
    on: Object.fromEntries(handled.map((name) => [name, drawReaction(random, targets)])),
    ...(random() < 0.7 ? { leaving: pick(random, ["abandon", "wait", "cancel"]) } : {}),
    ...(random() < 0.3 ? { timeout: pick(random, SHORT) } : {}),
    ...(event !== undefined && random() < 0.3 ? { after: [{ in: pick(random, SHORT), event }] } : {}),
    ...(isFinal ? { terminal: true } : {}),
  };
}

function drawReaction(random: Random, targets: readonly string[]): unknown {
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

/** Where a task is listed, what it needs must be listed too. */
function withNeeds(tasks: readonly string[], needs: Needs): readonly string[] {
  const all = new Set<string>();
  const add = (name: string): void => {
    for (const need of needs.get(name) ?? []) add(need);
    all.add(name);
  };
  for (const name of tasks) add(name);
  return TASKS.filter((name) => all.has(name));
}

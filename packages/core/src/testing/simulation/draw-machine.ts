import type { Random } from "../../ports/clock.ts";
import { drawWhole, pick } from "./chance.ts";
import type { PlannedMachine, PlannedState } from "./simulation-plan.ts";

/** Events of drawn machines. */
export const EVENTS = ["GO", "BACK", "STAY"] as const;
/** Tasks of drawn machines. */
export const TASKS = ["net", "db", "app", "dns"] as const;

const STATES = ["ONE", "TWO", "THREE"] as const;
const END = "END";

/** A machine of version 1: some states with some tasks, and an end that a stack may reach. */
export function drawMachineV1(random: Random): PlannedMachine {
  const states = STATES.slice(0, drawWhole(random, 1, STATES.length));
  const targets = [...states, ...states, END];
  const advance = (state: string) => [{ action: "advance", state }];
  const drawOn = (isFinal: boolean) => {
    const events = EVENTS.filter(() => random() < 0.6);
    const on = events.map((event) => [event, random() < 0.15 ? [{ action: "no-op" }] : advance(pick(random, targets))]);
    const next = isFinal || random() < 0.1 ? [] : [["NEXT", advance(pick(random, targets))]];
    return Object.fromEntries([...on, ...next]) as Readonly<Record<string, unknown>>;
  };
  const drawState = (isFinal: boolean): PlannedState => ({
    ...{ tasks: TASKS.filter(() => random() < (isFinal ? 0.25 : 0.5)), on: drawOn(isFinal) },
    ...(isFinal ? { terminal: true } : {}),
  });
  return {
    version: 1,
    events: EVENTS,
    states: {
      INIT: { on: { GO: advance(states[0] ?? END) } },
      ...Object.fromEntries(states.map((name) => [name, drawState(false)])),
      [END]: drawState(true),
    },
    tasks: Object.fromEntries(TASKS.map((name) => [name, drawTaskV1(random)])),
  };
}

function drawTaskV1(random: Random): Readonly<Record<string, unknown>> {
  const executor = random() < 0.8 ? "work" : "solo";
  const key = random() < 0.3 ? { key: pick(random, ["k1", "k2"]) } : {};
  const limit = random() < 0.2 ? { limitMs: pick(random, [10_000, 40_000]) } : {};
  return { executor, config: { ...key, ...limit } };
}

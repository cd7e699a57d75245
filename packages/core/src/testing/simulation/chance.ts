import type { Random } from "../../ports/clock.ts";
import { createRandom } from "../fake-clock.ts";
import type { Fault, SimulationPlan, WorkStep } from "./simulation-plan.ts";

/** The points at which a fault may happen. */
export type FaultPlace = "call" | "point" | "idle" | "delivery";

/** Decides what happens to each call, independent of the order of the calls. */
export interface Chance {
  findFault(key: string, place: FaultPlace): Fault | undefined;
  findWork(key: string): WorkStep | undefined;
}

/** The probabilities of faults. */
export interface Chaos {
  readonly crash: number;
  readonly fail: number;
  readonly delay: number;
  readonly yield: number;
  readonly hurry: number;
  readonly lose: number;
  readonly repeat: number;
  /** The probability that a call of an executor does not succeed at once. */
  readonly work: number;
}

/**
 * Creates a chance with only the faults and work of the plan. Records the parts that were used: the rest of the plan
 * makes no difference.
 */
export function createPlannedChance(plan: Pick<SimulationPlan, "faults" | "work">): RecordedChance {
  const faultOf = new Map(Object.entries(plan.faults));
  const workOf = new Map(Object.entries(plan.work));
  const faults: Record<string, Fault> = {};
  const work: Record<string, WorkStep> = {};
  return {
    faults,
    work,
    findFault(key) {
      const fault = faultOf.get(key);
      if (fault !== undefined) faults[key] = fault;
      return fault;
    },
    findWork(key) {
      const step = workOf.get(key);
      if (step !== undefined) work[key] = step;
      return step;
    },
  };
}

/** A chance that records its choices, so that the run can be planned. */
export interface RecordedChance extends Chance {
  readonly faults: Record<string, Fault>;
  readonly work: Record<string, WorkStep>;
}

/** Creates a random chance that depends only on the seed and the call, until `isCalm`. */
export function createRecordedChance(
  { seed, nodes }: Pick<SimulationPlan, "seed" | "nodes">,
  chaos: Chaos,
  isCalm: () => boolean,
): RecordedChance {
  const faults: Record<string, Fault> = {};
  const work: Record<string, WorkStep> = {};
  return {
    faults,
    work,
    findFault(key, place) {
      if (isCalm()) return undefined;
      const fault = pickFault(createRandom(hashOf(seed, key)), place, chaos, nodes.length);
      if (fault !== undefined) faults[key] = fault;
      return fault;
    },
    findWork(key) {
      const step = pickHabit(seed, key, chaos) ?? (isCalm() ? undefined : pickStep(seed, key, chaos));
      if (step === undefined) return undefined;
      work[key] = step;
      return step;
    },
  };
}

/** Picks one of some values, of which there must be one. */
export function pick<Value>(random: Random, values: readonly Value[]): Value {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new TypeError("There is nothing to pick from.");
  return value;
}

/** Picks a whole number from the first to the last, both included. */
export function pickWhole(random: Random, first: number, last: number): number {
  return first + Math.floor(random() * (last - first + 1));
}

const LONG_MS = [1, 20, 900, 5_000, 12_000, 31_000, 65_000, 130_000, 700_000] as const;

type FaultKind = Exclude<keyof Chaos, "work">;

const DRAWS: Readonly<Record<FaultKind, (random: Random, nodes: number) => Fault>> = {
  crash: (random) => ({ kind: "crash", when: pickWhen(random), downMs: pick(random, [1, 500, 5_000, 40_000]) }),
  fail: (random) => ({ kind: "fail", when: pickWhen(random) }),
  delay: (random) => ({ kind: "delay", when: pickWhen(random), ms: pick(random, LONG_MS) }),
  yield: (random) => ({ kind: "yield", steps: pickWhole(random, 1, 12) }),
  hurry: () => ({ kind: "hurry" }),
  lose: () => ({ kind: "lose" }),
  repeat: (random, nodes) => ({ kind: "repeat", node: pickWhole(random, 0, nodes - 1) }),
};

const FAULTS: Readonly<Record<FaultPlace, readonly FaultKind[]>> = {
  call: ["crash", "fail", "delay", "yield"],
  point: ["crash", "delay", "yield"],
  idle: ["hurry", "delay"],
  delivery: ["lose", "repeat", "crash"],
};

function pickFault(random: Random, place: FaultPlace, chaos: Chaos, nodes: number): Fault | undefined {
  let left = random();
  const kind = FAULTS[place].find((each) => {
    left -= chaos[each];
    return left < 0;
  });
  return kind && DRAWS[kind](random, nodes);
}

function pickWhen(random: Random): "before" | "after" {
  return random() < 0.5 ? "before" : "after";
}

/** Picks the habit of a task: some tasks of some stacks fail again and again, even without chaos. */
function pickHabit(seed: number, key: string, chaos: Chaos): WorkStep | undefined {
  const [stack, task] = key.split("/");
  const random = createRandom(hashOf(seed, `${stack}/${task}`));
  return random() < chaos.work / 2 ? { answer: random() < 0.7 ? "fail" : "fail-for-good" } : undefined;
}

function pickStep(seed: number, key: string, chaos: Chaos): WorkStep | undefined {
  const random = createRandom(hashOf(seed, key));
  return random() < chaos.work ? pickWork(random) : undefined;
}

function pickWork(random: Random): WorkStep {
  const answer = pick(random, [
    "succeed",
    "succeed",
    "fail",
    "fail-for-good",
    "throw",
    "nonsense",
    "go-on",
    "go-on",
    "go-on",
    "follow-up",
    "hang",
  ] as const);
  const takesMs = pick(random, [0, 0, 100, 3_000, 11_000, 45_000, 200_000]);
  return {
    answer,
    ...(takesMs === 0 ? {} : { takesMs }),
    ...(random() < 0.3 ? { deaf: true } : {}),
    ...(answer === "go-on" ? { pollAfterMs: pick(random, [0, 200, 5_000, 40_000]) } : {}),
  };
}

/** Returns the FNV-1a hash of the key, begun with the seed. */
function hashOf(seed: number, key: string): number {
  let hash = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

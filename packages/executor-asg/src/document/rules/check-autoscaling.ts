import type { RawAutoscaling } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";
import { GATED_STRATEGIES, POLLED_STRATEGIES } from "../schema/autoscaling-schema.ts";

const STRATEGIES: readonly string[] = [...POLLED_STRATEGIES, ...GATED_STRATEGIES];

/** The rules of capacities and strategies. Policies have their own. */
export function* checkAutoscaling(raw: RawAutoscaling, pointer: string): Generator<Fault> {
  const { strategy = "AllAtOnce", min_size = 1, max_size = 1, spread = 0, max_terms = 0 } = raw;
  const at = (key: string) => pointTo(pointer, key);
  if (!STRATEGIES.includes(strategy)) {
    const message = `Autoscaling strategy is ${quote(strategy)}; it must be one of ${STRATEGIES.join(", ")}.`;
    yield { code: "release-strategy-unknown", pointer: at("strategy"), message };
  }
  if (min_size > max_size) {
    const given = raw.max_size === undefined ? ", the default" : "";
    const message = `Autoscaling min_size ${min_size} is greater than max_size ${max_size}${given}.`;
    yield { code: "release-min-above-max", pointer: at("min_size"), with: [at("max_size")], message };
  }
  if (spread < 0 || spread > 1) {
    const message = `Autoscaling spread is ${spread}; it must be between 0 and 1.`;
    yield { code: "release-spread-out-of-range", pointer: at("spread"), message };
  }
  for (const [key, size] of Object.entries({ min_size, max_size, max_terms })) {
    if (size >= 0) continue;
    const message = `Autoscaling ${key} is ${size}; it must be at least 0.`;
    yield { code: "release-size-negative", pointer: at(key), message };
  }
  yield* checkGates(raw, strategy, pointer);
}

function* checkGates(raw: RawAutoscaling, strategy: string, pointer: string): Generator<Fault> {
  const [steps, bake] = [pointTo(pointer, "steps"), pointTo(pointer, "bake_time")];
  const strategyAt = [pointTo(pointer, "strategy")];
  if (raw.steps !== undefined && strategy !== "GatedSteps") {
    const message = `Autoscaling steps belong to the strategy GatedSteps, not to ${quote(strategy)}.`;
    yield { code: "release-steps-not-gated", pointer: steps, with: strategyAt, message };
  }
  if (raw.steps === undefined && strategy === "GatedSteps") {
    const message = 'The strategy GatedSteps needs steps, such as [1, "25%"].';
    yield { code: "release-steps-missing", pointer: steps, with: strategyAt, message };
  }
  if (raw.bake_time !== undefined && POLLED_STRATEGIES.some((polled) => polled === strategy)) {
    const message = `Autoscaling bake_time belongs to ${GATED_STRATEGIES.join(" and ")}, not to ${quote(strategy)}.`;
    yield { code: "release-bake-time-not-gated", pointer: bake, with: strategyAt, message };
  }
  const list = raw.steps ?? [];
  for (const [index, step] of list.entries()) {
    const before = list[index - 1];
    if (typeof step !== typeof before || toAmount(step) > toAmount(before)) continue;
    const message = `Step ${quote(step)} is not more than ${quote(before)} before it.`;
    yield { code: "release-steps-not-rising", pointer: pointTo(steps, index), message };
  }
}

function toAmount(step: number | string | null | undefined): number {
  return typeof step === "string" ? Number.parseInt(step, 10) : (step ?? 0);
}

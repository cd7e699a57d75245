import type { ConsumerSide } from "./consumer-side.ts";
import type { ConsumerPlan } from "./places.ts";
import type { World } from "./world.ts";

/** Returns the consumer of that plan; it must exist. */
export function findSide({ consumers }: Pick<World, "consumers">, { name }: ConsumerPlan): ConsumerSide {
  const found = consumers.find(({ plan }) => plan.name === name);
  if (found === undefined) throw new Error(`${name} is not installed.`);
  return found;
}

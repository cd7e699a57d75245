import type { RawService } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";
import { PLACEMENT_STRATEGIES } from "../schema/service-schema.ts";

/** The rules of placement groups. Without a name the rest is passed over, as the predecessor does. */
export function* checkPlacement(service: RawService, pointer: string): Generator<Fault> {
  const { placement_group_name: name, placement_group_strategy: strategy } = service;
  if (name === undefined) return;
  const at = pointTo(pointer, "placement_group_strategy");
  const known = PLACEMENT_STRATEGIES.map(quote).join(", ");
  if (strategy === undefined) {
    const message = `placement_group_strategy must be defined with placement_group_name: one of ${known}.`;
    yield { code: "release-placement-strategy-missing", pointer: at, message };
  } else if (!PLACEMENT_STRATEGIES.some((one) => one === strategy)) {
    const message = `placement_group_strategy is ${quote(strategy)}; it must be one of ${known}.`;
    yield { code: "release-placement-strategy-unknown", pointer: at, message };
  } else yield* checkCount(service.placement_group_partition_count, strategy, pointer);
  if (name === "") {
    const message = "placement_group_name is empty. Give a name, or remove it.";
    yield { code: "release-placement-name-empty", pointer: pointTo(pointer, "placement_group_name"), message };
  }
}

/** Partitions in one Availability Zone (EC2 User Guide, partition placement groups). */
const MAX_PARTITIONS = 7;

function* checkCount(count: number | undefined, strategy: string, pointer: string): Generator<Fault> {
  const at = pointTo(pointer, "placement_group_partition_count");
  const rest = { pointer: at, with: [pointTo(pointer, "placement_group_strategy")] };
  if (strategy !== "partition") {
    if (count === undefined) return;
    const message = `placement_group_partition_count is only valid for the strategy "partition", not for ${quote(strategy)}.`;
    yield { code: "release-placement-count-foreign", message, ...rest };
  } else if (count === undefined) {
    const message = 'placement_group_partition_count must be defined for the strategy "partition".';
    yield { code: "release-placement-count-missing", message, ...rest };
  } else if (count < 1 || count > MAX_PARTITIONS) {
    const message = `placement_group_partition_count is ${count}; 1 to ${MAX_PARTITIONS} are possible.`;
    yield { code: "release-placement-count-range", message, ...rest };
  }
}

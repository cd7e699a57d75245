import type { ConsumerRecord } from "../registry/consumer-record.ts";
import type { Cell } from "./cell.ts";
import { toPlaceKey } from "./decide-covered.ts";
import { isSubscribed, type PublishedVersion, toSubscription } from "./expected-set.ts";

/** What is asked. `consumers`: those that artifacts are expected at. */
export interface ExpectedConsumersInput {
  readonly version: PublishedVersion;
  readonly isCurrent: boolean;
  readonly consumers: readonly ConsumerRecord[];
  readonly cells: readonly Pick<Cell, "account" | "region">[];
}

/** Who should have a version: of a current one whoever has subscribed to it, and whoever it was announced to. */
export function expectedConsumers(input: ExpectedConsumersInput): readonly ConsumerRecord[] {
  const { version, isCurrent, consumers, cells } = input;
  if (version.retired) return [];
  const known = new Set(cells.map(toPlaceKey));
  return consumers.filter(
    (each) => known.has(toPlaceKey(each)) || (isCurrent && isSubscribed(toSubscription(each.capabilities), version)),
  );
}

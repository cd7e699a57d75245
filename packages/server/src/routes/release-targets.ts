import { isMap } from "@stackyard/core";
import type { IsSensitive } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import { listRowPages, type RowsInput } from "@stackyard/promotion/deploy";
import type { RouteDeps } from "./route-deps.ts";

/** Returns the machines to whose stacks the tasks of a release send. */
export function listTargets(machine: Machine | undefined): readonly string[] {
  return [...(machine?.tasks.values() ?? [])].flatMap(({ definition: { config } }) => {
    if (!isMap(config)) return [];
    const { stacks, create } = config;
    return [isMap(stacks) ? stacks["machine"] : undefined, create].filter((name) => typeof name === "string");
  });
}

/** Returns which keys of what a task has sent are sensitive now: what a release keeps of them is masked by it. */
export async function findSensitiveRows(
  { sensitive }: Pick<RouteDeps, "sensitive">,
  input: RowsInput,
  machine: Machine | undefined,
): Promise<IsSensitive> {
  for await (const rows of listRowPages(input)) {
    return sensitive.keysOf(
      rows.map(({ stack }) => stack),
      listTargets(machine),
    );
  }
  return sensitive.keysOf([], listTargets(machine));
}

/** What is shown in place of a sensitive value. */
export const MASK = "***";

/** Returns values by key; those of sensitive keys are `***`. */
export function maskKeys<Value>(
  values: Readonly<Record<string, Value>>,
  isSensitive: IsSensitive,
): Record<string, Value | typeof MASK> {
  const masked = Object.entries(values).map(([key, value]) => {
    return [key, (value ?? null) !== null && isSensitive(key) ? MASK : value] as const;
  });
  return Object.fromEntries(masked);
}

import type { EcsProgress } from "./definition.ts";

/** DescribeTasks is eventually consistent: so long after its start a task may be MISSING and run all the same. */
const MISSING_FOR_MS = 60_000;

/** True while a task that ECS does not know may be one that it does not know yet. */
export function isYoung({ placement, startedAt }: Pick<EcsProgress, "placement" | "startedAt">, now: number): boolean {
  return now - (placement.doneAt ?? placement.triedAt ?? startedAt) < MISSING_FOR_MS;
}

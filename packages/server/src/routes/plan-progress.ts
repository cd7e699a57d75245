import { defined, type Records } from "@stackyard/core";
import type { PlannedStack } from "@stackyard/core/api";
import {
  type DeployRow,
  findDeployState,
  listRowPages,
  type PlanEntry,
  type PlanHead,
  type RowsInput,
} from "@stackyard/promotion/deploy";
import { toInstant } from "../schemas/event.ts";

type Progress = NonNullable<PlannedStack["progress"]>;

/** How far the tasks that follow a plan are with its stacks. */
export interface PlanProgress {
  find(entry: Pick<PlanEntry, "task" | "stack">): Progress | undefined;
}

interface ProgressInput extends Pick<RowsInput, "clock"> {
  readonly records: Records;
  readonly head: PlanHead;
  readonly incarnation: string;
}

/** Loads the rows of the tasks that follow this plan; those of another plan say nothing about it. */
export async function loadPlanProgress({ records, clock, head, incarnation }: ProgressInput): Promise<PlanProgress> {
  const rows = new Map<string, DeployRow>();
  for (const { task } of head.tasks) {
    const input: RowsInput = { records, clock, owner: { stackId: head.release.id, incarnation, task } };
    if ((await findDeployState(input))?.plan !== head.digest) continue;
    for await (const page of listRowPages(input)) for (const row of page) rows.set(toKey(task, row.stack), row);
  }
  return {
    find({ task, stack }) {
      const row = rows.get(toKey(task, stack));
      return row && toProgress(row);
    },
  };
}

function toKey(task: string, stack: string): string {
  return JSON.stringify([task, stack]);
}

function toProgress({ state, code, message, at, heldSince }: DeployRow): Progress {
  return {
    state,
    ...defined({ code, message }),
    ...(heldSince !== undefined && state === "sent" && { approving: true as const }),
    since: toInstant(at),
  };
}

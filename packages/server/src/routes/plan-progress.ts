import { defined, type Records } from "@stackyard/core";
import type { PlannedStack } from "@stackyard/core/api";
import {
  type DeployRow,
  type DeployState,
  findDeployState,
  loadRowPage,
  type PlanEntry,
  type PlanHead,
  type PlannedTask,
  type RowsInput,
} from "@stackyard/promotion/deploy";
import { toInstant } from "../schemas/event.ts";

type Progress = NonNullable<PlannedStack["progress"]>;

/** The progress of the tasks that follow a plan. */
export interface PlanProgress {
  /** Loads the rows of a page of the plan; `number` is that of the page, from 0. */
  load(entries: readonly Pick<PlanEntry, "task" | "stack">[], number: number): Promise<void>;
  /** Returns how far a stack is whose row was loaded. */
  find(entry: Pick<PlanEntry, "task" | "stack">): Progress | undefined;
}

interface ProgressInput extends Pick<RowsInput, "clock"> {
  readonly records: Records;
  readonly head: Pick<PlanHead, "digest" | "release"> & { readonly tasks: readonly Pick<PlannedTask, "task">[] };
  readonly incarnation: string;
}

/** Opens the rows of the tasks that follow this plan; those of another plan say nothing about it. */
export async function openPlanProgress({ records, clock, head, incarnation }: ProgressInput): Promise<PlanProgress> {
  const followers = new Map<string, Follower>();
  for (const { task } of head.tasks) {
    const input: RowsInput = { records, clock, owner: { stackId: head.release.id, incarnation, task } };
    const state = await findDeployState(input);
    if (state?.plan !== head.digest) continue;
    followers.set(task, { input, state, rows: new Map(), unread: new Set(state.tallies.keys()) });
  }
  return {
    async load(entries, number) {
      for (const [task, same] of Map.groupBy(entries, (entry) => entry.task)) {
        const follower = followers.get(task);
        if (follower !== undefined) await loadRows(follower, same, number);
      }
    },
    find({ task, stack }) {
      const row = followers.get(task)?.rows.get(stack);
      return row && toProgress(row);
    },
  };
}

/** A task that follows the plan. */
interface Follower {
  readonly input: RowsInput;
  readonly state: DeployState;
  /** By stack, those that were loaded. */
  readonly rows: Map<string, DeployRow>;
  /** Numbers of the pages that were not. */
  readonly unread: Set<number>;
}

/** Loads pages of rows until each entry has its row. All pages are loaded only where one has none, such as a new stack. */
async function loadRows(
  { input, state, rows, unread }: Follower,
  entries: readonly Pick<PlanEntry, "stack">[],
  number: number,
): Promise<void> {
  const missing = new Set(entries.map(({ stack }) => stack).filter((stack) => !rows.has(stack)));
  // Both are in the order of sending: the rows of a page of the plan are on the page of its number, or near it.
  const nearest = [...unread].sort((a, b) => Math.abs(a - number) - Math.abs(b - number));
  for (const page of nearest) {
    if (missing.size === 0) return;
    unread.delete(page);
    for (const row of await loadRowPage(input, state, page)) {
      rows.set(row.stack, row);
      missing.delete(row.stack);
    }
  }
}

function toProgress({ state, code, message, at, heldSince }: DeployRow): Progress {
  return {
    state,
    ...defined({ code, message }),
    ...(heldSince !== undefined && state === "sent" && { approving: true as const }),
    since: toInstant(at),
  };
}

import { isStackyardError, mapLimited } from "@stackyard/core";
import type { DeployDeps } from "./deploy-deps.ts";
import type { DeployRow, DeployState } from "./deploy-row.ts";
import { listDeployStates, listRowPages } from "./rows.ts";

/** What a task of the release has sent under one name. */
export interface SentRows {
  readonly state: DeployState;
  /** Those of stacks that were sent to, with what was before. */
  readonly rows: readonly DeployRow[];
}

/** Loads what a release has sent by tasks that its machine does not have any more, because they were renamed or removed; oldest first. */
export async function loadLostSends(deps: Pick<DeployDeps, "ctx" | "owner" | "yard">): Promise<readonly SentRows[]> {
  const { ctx, owner, yard } = deps;
  const states = await listDeployStates(ctx, owner);
  const others = states.filter(({ op, firstSentAt, release }) => {
    return op === "send" && firstSentAt !== undefined && release.task !== owner.task;
  });
  const lost = await mapLimited(others, 1, async (state) => ((await hasTask(yard, state.release.task)) ? [] : [state]));
  const sorted = lost.flat().toSorted((a, b) => a.startedAt - b.startedAt);
  return mapLimited(sorted, 1, async (state) => ({ state, rows: await loadSent(deps, state) }));
}

async function hasTask(yard: DeployDeps["yard"], task: string): Promise<boolean> {
  try {
    await yard.config(task);
    return true;
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
    return error.details["unknownTask"] === undefined;
  }
}

async function loadSent({ ctx }: Pick<DeployDeps, "ctx">, { release }: DeployState): Promise<readonly DeployRow[]> {
  const rows: DeployRow[] = [];
  for await (const page of listRowPages({ records: ctx.records, clock: ctx.clock, owner: release })) rows.push(...page);
  return rows.filter(isSent);
}

/** Returns true for the row of a stack that was sent to, and of which it is known what was before. */
export function isSent({ try: tries, from }: DeployRow): boolean {
  return tries > 0 && from !== undefined;
}

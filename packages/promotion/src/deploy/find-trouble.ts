import type { ExecutorContext, Stack } from "@stackyard/core";
import type { StackMove, YardService } from "@stackyard/core/engine";
import { createSoakWatch } from "../gate/examine-soak.ts";
import type { Aims } from "./decide-row.ts";
import type { DeployRow, DeployState } from "./deploy-row.ts";
import { observeLost } from "./observe-stacks.ts";
import { listRowPages } from "./rows.ts";

/** The trouble of stacks at which a task had arrived. */
export interface Trouble {
  /** The counts of stacks that are not as the task wants them, by code. */
  readonly counts: ReadonlyMap<string, number>;
  /** A soak of the task has begun again, and ends then, epoch milliseconds. */
  readonly soaksUntil?: number;
}

/** The dependencies of the search for trouble. */
export interface TroubleInput extends Pick<ExecutorContext, "records" | "clock"> {
  readonly load: YardService["load"];
  readonly findMoves: (stack: Stack, since: number) => Promise<readonly StackMove[]>;
  /** Keeps the rows that the reader may see. */
  readonly keep: (rows: readonly DeployRow[]) => Promise<readonly DeployRow[]>;
  readonly state: DeployState;
  readonly release: Pick<Stack, "id" | "createdAt">;
  /** The times for which the gates of the release let the task soak. */
  readonly soaks: readonly string[];
}

/**
 * Finds what is wrong now with stacks that had arrived: the same reading as before the next wave, and the same soak as that
 * of the gates. Who approves a later environment decides with it.
 */
export async function findTrouble(input: TroubleInput): Promise<Trouble> {
  const { records, clock, state, keep } = input;
  const counts = new Map<string, number>();
  if (state.op !== "send" || state.firstSentAt === undefined) return { counts };
  const { op, event, metadata, until, failed, isRule } = state;
  const always = { creates: false, again: false, eachMs: Number.POSITIVE_INFINITY, now: clock.now() };
  const aims: Aims = { op, event, metadata, until, failed, isRule, release: input.release, ...always };
  for await (const page of listRowPages({ records, clock, owner: state.release })) {
    const lost = await observeLost({ yard: input }, await keep(page), aims);
    for (const { state: end, code = end } of lost.values()) counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const soaksUntil = await findSoak(input);
  return { counts, ...(soaksUntil !== undefined && { soaksUntil }) };
}

async function findSoak({ records, clock, load, findMoves, state, soaks }: TroubleInput): Promise<number | undefined> {
  const yard = { load, findMoves, findChanges: async () => ({ mark: "" }) };
  const ends: number[] = [];
  for (const length of soaks) {
    const input = { of: state.release.task, for: length, deployed: state };
    const condition = await createSoakWatch().examine({ records, clock, yard }, "", input);
    if (condition.kind === "closed" && condition.until !== undefined) ends.push(condition.until);
  }
  return ends.length === 0 ? undefined : Math.max(...ends);
}

import { listItems } from "@stackyard/core/rollout";
import { toFailureLines } from "./failure-lines.ts";
import { type FleetRun, isWaiting, noteFailed, noteStopped, tallyOf } from "./fleet-run.ts";
import { nextAction, nextFleetAction, type RunAction } from "./next-action.ts";
import { toLongestMs } from "./plan-run.ts";
import { MAX_CHUNK_SIZE } from "./select-instances.ts";
import { recoverSending, sendChunks } from "./send-chunks.ts";
import type { StepDeps } from "./step-deps.ts";
import { type WatchedRun, watchRun } from "./watch-run.ts";

/** A run after one step. */
export interface AdvancedRun {
  readonly run: FleetRun;
  readonly isOver: boolean;
  /** True if there is more to do immediately. */
  readonly isHurried: boolean;
  /** True if something was sent. */
  readonly hasSent: boolean;
}

/** Maximum time of sending in one step, so that a function's time and a lease's renewals suffice. */
const SEND_FOR_MS = 60_000;

/** Watches what runs, sends what may be sent, and notes both. */
export async function advanceRun(deps: StepDeps, begun: FleetRun): Promise<AdvancedRun> {
  const { aws, store, config } = deps;
  const watched = await watchRun(aws, await recoverSending(aws, begun), toLongestMs(config));
  reportFailures(deps, watched);
  const until = aws.clock.now() + SEND_FOR_MS;
  let run = watched.run;
  let hasSent = false;
  for (;;) {
    run = await store.loadWaiting(run, run.state.maxConcurrency);
    const action = findAction(deps, run);
    // The waiting instances on every page are marked.
    if (action.kind === "drop") run = noteStopped(await store.loadWaiting(run, tallyOf(run).waiting), action.stop);
    else if (action.kind === "miss") run = noteFailed(run, listWaiting(run), "SSM_NOT_ONLINE");
    else if (action.kind !== "send" || aws.clock.now() >= until || (hasSent && config.instance !== undefined)) {
      await store.save(run);
      const isHurried = action.kind === "send" || watched.isPartial;
      return { run, isOver: action.kind === "settle" && !watched.isPartial, isHurried, hasSent };
    } else {
      run = await sendChunks(deps, run, action.chunks);
      hasSent = true;
    }
  }
}

function reportFailures({ ctx }: StepDeps, { ended }: WatchedRun): void {
  for (const line of toFailureLines(ended)) ctx.report(line);
}

/** The chunk size of the predecessor's profile. */
const GARLC_CHUNK_SIZE = 3;

function findAction({ aws, config }: StepDeps, run: FleetRun): RunAction {
  if (run.state.way === "targets") return nextFleetAction(run);
  const chunkSize = config.profile === "garlc-1" ? GARLC_CHUNK_SIZE : MAX_CHUNK_SIZE;
  return nextAction(run, { now: aws.clock.now(), chunkSize });
}

function listWaiting(run: FleetRun): readonly string[] {
  return listItems(run).flatMap((instance) => (isWaiting(instance) ? [instance.instanceId] : []));
}

const FIRST_MS = 5_000;
/** The longest pause between two polls. */
export const LONGEST_POLL_MS = 30_000;

/** Returns the pause before the next poll: five seconds after something was sent, growing to thirty. */
export function toPollMs(polls: number): number {
  return Math.min(LONGEST_POLL_MS, Math.round(FIRST_MS * 1.5 ** polls));
}

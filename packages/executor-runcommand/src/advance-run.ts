import { listItems, type Stop } from "@stackyard/core/rollout";
import { type FleetRun, isWaiting, noteFailed, noteStopped, tallyOf } from "./fleet-run.ts";
import { nextAction, nextFleetAction, type RunAction } from "./next-action.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { recoverSending, type SendDeps, sendWave } from "./send-wave.ts";
import { watchRun } from "./watch-run.ts";

/** What one step of a run works with. */
export interface AdvanceDeps extends SendDeps {
  readonly chunkSize: number;
  /** Shows what has failed. */
  readonly reportFailures: (ended: readonly FleetInstanceReport[]) => void;
}

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
export async function advanceRun(deps: AdvanceDeps, begun: FleetRun): Promise<AdvancedRun> {
  const { aws, store } = deps;
  const watched = await watchRun(aws, await recoverSending(aws, begun));
  deps.reportFailures(watched.ended);
  const until = aws.clock.now() + SEND_FOR_MS;
  let run = watched.run;
  let hasSent = false;
  for (;;) {
    run = await store.loadWaiting(run, run.state.maxConcurrency);
    const action = findAction(deps, run);
    if (action.kind === "drop") run = await dropWaiting(deps, run, action.stop);
    else if (action.kind === "miss") run = noteFailed(run, listWaiting(run), "SSM_NOT_ONLINE");
    else if (action.kind !== "send" || aws.clock.now() >= until || (hasSent && deps.waitsForAgent)) {
      await store.save(run);
      const isHurried = action.kind === "send" || watched.isPartial;
      return { run, isOver: action.kind === "settle" && !watched.isPartial, isHurried, hasSent };
    } else {
      run = await sendWave(deps, run, action.chunks);
      hasSent = true;
    }
  }
}

function findAction({ aws, chunkSize }: AdvanceDeps, run: FleetRun): RunAction {
  if (run.state.way === "targets") return nextFleetAction(run);
  return nextAction(run, { now: aws.clock.now(), chunkSize });
}

function listWaiting(run: FleetRun): readonly string[] {
  return listItems(run).flatMap((instance) => (isWaiting(instance) ? [instance.instanceId] : []));
}

/** Stops sending: marks the waiting instances on every page. */
async function dropWaiting({ store }: AdvanceDeps, run: FleetRun, stop: Stop): Promise<FleetRun> {
  const whole = await store.loadWaiting(run, tallyOf(run).waiting);
  return noteStopped(whole, stop);
}

const FIRST_MS = 5_000;
const CAP_MS = 30_000;

/** Returns the pause before the next poll: five seconds after something was sent, growing to thirty. */
export function toPollMs(polls: number): number {
  return Math.min(CAP_MS, Math.round(FIRST_MS * 1.5 ** polls));
}

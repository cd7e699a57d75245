import type { FleetInstanceReport } from "./fleet-report.ts";
import {
  type FleetRun,
  isWaiting,
  listInstances,
  noteFailed,
  noteStopped,
  type RunStop,
  tallyOf,
} from "./fleet-run.ts";
import { nextAction, type RunAction } from "./next-action.ts";
import { nextFleetAction } from "./next-fleet-action.ts";
import { recoverSending, type SendDeps, sendWave } from "./send-wave.ts";
import { watchRun } from "./watch-run.ts";

/** What one step of a run works with. */
export interface AdvanceDeps extends SendDeps {
  readonly chunkSize: number;
  /** Shows what has failed. */
  readonly tell: (ended: readonly FleetInstanceReport[]) => void;
}

/** A run after one step. */
export interface AdvancedRun {
  readonly run: FleetRun;
  readonly isOver: boolean;
  /** There is more to do at once. */
  readonly isHurried: boolean;
  /** Something was sent. */
  readonly hasSent: boolean;
}

/** One step sends for so long at most, so that a function's time and a lease's renewals suffice. */
const SEND_FOR_MS = 60_000;

/** Watches what runs, sends what may be sent, and notes both. */
export async function advanceRun(deps: AdvanceDeps, begun: FleetRun): Promise<AdvancedRun> {
  const { aws, store } = deps;
  const watched = await watchRun(aws, await recoverSending(aws, begun));
  deps.tell(watched.ended);
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
  return listInstances(run).flatMap((instance) => (isWaiting(instance) ? [instance.instanceId] : []));
}

/** Nothing more is sent: this is noted on every page that has somebody waiting. */
async function dropWaiting({ store }: AdvanceDeps, run: FleetRun, stop: RunStop): Promise<FleetRun> {
  const whole = await store.loadWaiting(run, tallyOf(run).waiting);
  return noteStopped(whole, stop);
}

import { type FleetRun, isWaiting, listInstances, type RunStop, type SendingChunk, tallyOf } from "./fleet-run.ts";
import { isFinalStatus } from "./is-final-status.ts";
import type { RunAction } from "./next-action.ts";

/** Plans a run of the way `targets`: one command for the whole fleet, whose limits SSM keeps. */
export function nextFleetAction(run: FleetRun): RunAction {
  const { fleetCommand, stop } = run.state;
  const tally = tallyOf(run);
  if (stop !== undefined) return tally.waiting > 0 ? { kind: "drop", stop } : toEnd(tally.running);
  if (fleetCommand === undefined) return { kind: "send", chunks: [toFleetChunk(run)] };
  if (!isFinalStatus(fleetCommand.status)) return { kind: "watch" };
  const ended = findStop(fleetCommand.status, tally.waiting);
  if (ended !== undefined) return { kind: "drop", stop: ended };
  return toEnd(tally.running);
}

function toEnd(running: number): RunAction {
  return running > 0 ? { kind: "watch" } : { kind: "settle" };
}

function toFleetChunk({ state, ...run }: FleetRun): SendingChunk {
  const first = listInstances({ state, ...run }).find(isWaiting);
  const { platform = "linux", roles = [] } = first ?? {};
  const { maxConcurrency, maxErrors } = state.limits ?? {
    maxConcurrency: String(state.maxConcurrency),
    maxErrors: String(state.maxErrors),
  };
  return { chunk: state.nextChunk, ids: [], platform, roles, maxConcurrency, maxErrors };
}

/** A command that SSM could not begin, or that has ended without some of those who were selected. */
function findStop(status: string | undefined, waiting: number): RunStop | undefined {
  const plain = status?.replace(/\s+/g, "").toLowerCase();
  if (plain === "rateexceeded") {
    const message = "SSM has too many commands under way in this account (Rate Exceeded). Try again later.";
    return { code: "SSM_THROTTLED", message, retryable: true };
  }
  if (plain === "noinstancesintag") {
    return { code: "NO_INSTANCES", message: "SSM found no instance that fits the targets.", retryable: false };
  }
  if (waiting === 0) return undefined;
  return { code: "MAX_ERRORS_EXCEEDED", message: `The command ended as ${status}.`, retryable: false };
}

import { type FleetRun, isWaiting, listInstances, type RunStop, type SendingChunk, tallyOf } from "./fleet-run.ts";
import { isFinalStatus } from "./is-final-status.ts";
import { findStop, type RunAction } from "./next-action.ts";
import { RATE_EXCEEDED } from "./note-unbegun.ts";

/** Plans a run of the way `targets`: one command for the whole fleet, whose limits SSM keeps. */
export function nextFleetAction(run: FleetRun): RunAction {
  const { fleetCommand, stop } = run.state;
  const tally = tallyOf(run);
  if (stop !== undefined) return tally.waiting > 0 ? { kind: "drop", stop } : toEnd(tally.running);
  if (fleetCommand === undefined) return { kind: "send", chunks: [toFleetChunk(run)] };
  if (!isFinalStatus(fleetCommand.status)) return { kind: "watch" };
  const ended = findFleetStop(run, fleetCommand.status);
  if (ended !== undefined) return { kind: "drop", stop: ended };
  return tally.waiting > 0 ? { kind: "miss" } : toEnd(tally.running);
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

/** A command that SSM could not begin, or that has ended before it was begun everywhere. */
function findFleetStop(run: FleetRun, status = ""): RunStop | undefined {
  const plain = status.replace(/\s+/g, "").toLowerCase();
  if (plain === "rateexceeded") return RATE_EXCEEDED;
  if (plain === "noinstancesintag") {
    return { code: "NO_INSTANCES", message: "SSM found no instance that fits the targets.", retryable: false };
  }
  if (tallyOf(run).waiting === 0) return undefined;
  if (["cancelled", "canceled"].includes(plain)) {
    return { code: "TERMINATED", message: "Somebody has cancelled the command.", retryable: false };
  }
  return findStop(run);
}

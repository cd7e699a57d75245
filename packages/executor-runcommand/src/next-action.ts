import { decideRollout, listItems, type Stop } from "@stackyard/core/rollout";
import { countErrors, findRefusedStop } from "./count-instances.ts";
import { type FleetRun, isWaiting, type SendingChunk, tallyOf } from "./fleet-run.ts";
import { isFinalStatus, toPlainStatus } from "./instance-state.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { MAX_CHUNK_SIZE } from "./select-instances.ts";

/** Why nothing more is sent to an account with too many running commands. */
export const RATE_EXCEEDED: Stop = {
  code: "SSM_THROTTLED",
  message: "SSM has too many commands under way in this account (Rate Exceeded). Try again later.",
  retryable: true,
};

/**
 * The next action of a run. `drop`: waiting instances are never sent to. `miss`: SSM has not found the waiting
 * instances. `wait`: for instances that run. `settle`: everything has ended.
 */
export type RunAction =
  | { readonly kind: "send"; readonly chunks: readonly SendingChunk[] }
  | { readonly kind: "drop"; readonly stop: Stop }
  | { readonly kind: "miss" }
  | { readonly kind: "wait" }
  | { readonly kind: "settle" };

/** The input of a run's plan, in addition to the run itself. */
interface NextActionInput {
  readonly now: number;
  /** 1 to 50. */
  readonly chunkSize: number;
}

/** Chunks that are recorded together before they are sent; after a crash SSM is queried for at most that many. */
export const MAX_CHUNKS = 20;

/**
 * Capacity that stayed free for that long is used by a smaller chunk, so that a slow instance does not delay the fleet.
 */
export const PARTIAL_AFTER_MS = 60_000;

/**
 * Plans a run with chunks, over the whole run: at most `maxConcurrency` instances run, and after more errors than
 * `maxErrors` nothing more is sent. Pages with waiting instances must be loaded, in order, as far as `maxConcurrency`
 * reaches.
 */
export function nextAction(run: FleetRun, input: NextActionInput): RunAction {
  const { state } = run;
  const stop = findStop(run);
  // SSM counts other failures than a rollout, so the stop is decided here.
  const action = decideRollout({ ...state, ...(stop && { stop }) }, { concurrency: state.maxConcurrency }, input.now);
  if (action.kind !== "send") return action.kind === "wait" ? { kind: "wait" } : action;
  const chunks = planChunks(run, action.most, input);
  return chunks.length > 0 ? { kind: "send", chunks } : { kind: "wait" };
}

/** Returns chunks for so many places, with what is left of the limits, which SSM enforces too. */
function planChunks(run: FleetRun, most: number, { now, chunkSize }: NextActionInput): readonly SendingChunk[] {
  const { maxConcurrency, maxErrors, byInventory, nextChunk, lastSentAt = now } = run.state;
  const size = Math.min(chunkSize, MAX_CHUNK_SIZE, maxConcurrency);
  const isPartial = now - lastSentAt >= PARTIAL_AFTER_MS;
  const errorsLeft = String(Math.max(0, maxErrors - countErrors(tallyOf(run))));
  const chunks: SendingChunk[] = [];
  let free = most;
  for (const group of listGroups(listItems(run).filter(isWaiting), byInventory, size)) {
    const ids = group.slice(0, isPartial ? free : group.length).map(({ instanceId }) => instanceId);
    if (ids.length === 0 || ids.length > free || chunks.length === MAX_CHUNKS) break;
    const { platform = "linux", roles = [] } = group[0] ?? {};
    const chunk = nextChunk + chunks.length;
    chunks.push({ chunk, ids, platform, roles, maxConcurrency: String(free), maxErrors: errorsLeft });
    free -= ids.length;
  }
  return chunks;
}

/** Yields neighbors for the same command, up to a size. */
function* listGroups(
  instances: readonly FleetInstanceReport[],
  byInventory: boolean,
  size: number,
): Generator<readonly FleetInstanceReport[]> {
  let group: FleetInstanceReport[] = [];
  for (const instance of instances) {
    const [first = instance] = group;
    if (toGroupKey(first, byInventory) !== toGroupKey(instance, byInventory) || group.length === size) {
      yield group;
      group = [];
    }
    group.push(instance);
  }
  if (group.length > 0) yield group;
}

/** Returns why nothing more may be sent, such as one error more than the limit. */
function findStop(run: FleetRun): Stop | undefined {
  const { stop, maxErrors } = run.state;
  const tally = tallyOf(run);
  const errors = countErrors(tally);
  const known = stop ?? findRefusedStop(tally);
  return known ?? (errors > maxErrors ? toTooManyErrors(errors, maxErrors) : undefined);
}

function toTooManyErrors(errors: number, maxErrors: number): Stop {
  const message = `${errors} ${errors === 1 ? "error exceeds" : "errors exceed"} the limit of ${maxErrors}.`;
  return { code: "MAX_ERRORS_EXCEEDED", message, retryable: false };
}

/** Returns the key of instances that one command can serve. */
export function toGroupKey({ platform = "linux", roles }: FleetInstanceReport, byInventory: boolean): string {
  return byInventory ? `${platform} ${roles.join()}` : platform;
}

/** Plans a run of the way `targets`: one command for the whole fleet; SSM enforces its limits. */
export function nextFleetAction(run: FleetRun): RunAction {
  const { fleetCommand, stop } = run.state;
  const tally = tallyOf(run);
  if (stop !== undefined) return tally.waiting > 0 ? { kind: "drop", stop } : toEnd(tally.sent);
  if (fleetCommand === undefined) return { kind: "send", chunks: [toFleetChunk(run)] };
  if (!isFinalStatus(fleetCommand.status)) return { kind: "wait" };
  const ended = findFleetStop(run, fleetCommand.status);
  if (ended !== undefined) return { kind: "drop", stop: ended };
  return tally.waiting > 0 ? { kind: "miss" } : toEnd(tally.sent);
}

function toEnd(running: number): RunAction {
  return running > 0 ? { kind: "wait" } : { kind: "settle" };
}

function toFleetChunk({ state, ...run }: FleetRun): SendingChunk {
  const first = listItems(run).find(isWaiting);
  const { platform = "linux", roles = [] } = first ?? {};
  const { maxConcurrency, maxErrors } = state.limits ?? {
    maxConcurrency: String(state.maxConcurrency),
    maxErrors: String(state.maxErrors),
  };
  return { chunk: state.nextChunk, ids: [], platform, roles, maxConcurrency, maxErrors };
}

/** Returns the stop of a command that SSM could not start, or that has ended before it started everywhere. */
function findFleetStop(run: FleetRun, status = ""): Stop | undefined {
  const plain = toPlainStatus(status);
  if (plain === "rateexceeded") return RATE_EXCEEDED;
  if (plain === "noinstancesintag") {
    return { code: "NO_INSTANCES", message: "SSM found no instance that matches the targets.", retryable: false };
  }
  if (tallyOf(run).waiting === 0) return undefined;
  if (["cancelled", "canceled"].includes(plain)) {
    return { code: "TERMINATED", message: "The command was cancelled.", retryable: false };
  }
  return findStop(run);
}

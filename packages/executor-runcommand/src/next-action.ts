import { type Failed, failed, type Succeeded, succeeded } from "@stackyard/core";
import { type Batch, decideRollout, listItems, type Stop, type Tally, toCount } from "@stackyard/core/rollout";
import type { RunCommandConfig, RunCommandOutputs } from "./definition.ts";
import { type FleetRun, isWaiting, type RunState, type SendingChunk, tallyOf } from "./fleet-run.ts";
import { isFinalStatus } from "./instance-state.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { MAX_CHUNK_SIZE } from "./select-instances.ts";
import {
  countErrors,
  countFailures,
  countNotSent,
  countRefused,
  findRefusal,
  listUncounted,
  toCounts,
  toRow,
} from "./tally.ts";

/** Why nothing more is sent to an account with too many running commands. */
export const RATE_EXCEEDED: Stop = {
  code: "SSM_THROTTLED",
  message: "SSM has too many commands under way in this account (Rate Exceeded). Try again later.",
  retryable: true,
};

/**
 * The next action of a run. `drop`: waiting instances are never sent to. `miss`: SSM has not found the waiting
 * instances. `settle`: everything has ended.
 */
export type RunAction =
  | { readonly kind: "send"; readonly chunks: readonly SendingChunk[] }
  | { readonly kind: "drop"; readonly stop: Stop }
  | { readonly kind: "miss" }
  | { readonly kind: "watch" }
  | { readonly kind: "settle" };

/** The input of a run's plan, in addition to the run itself. */
interface NextActionInput {
  readonly now: number;
  /** 1 to 50. */
  readonly chunkSize: number;
}

/** Chunks that are recorded together before they are sent; after a crash SSM is queried for at most that many. */
export const MAX_WAVE = 20;

/**
 * Capacity that stayed free for that long is used by a smaller chunk, so that a slow instance does not delay the fleet.
 */
export const PARTIAL_AFTER_MS = 60_000;

/**
 * Plans a run with chunks, over the whole run: at most `maxConcurrency` instances run, and after more errors than
 * `maxErrors` nothing more is sent. Pages with waiting instances must be loaded, in order, as far as `maxConcurrency`
 * reaches.
 */
export function nextAction(run: FleetRun, { now, chunkSize }: NextActionInput): RunAction {
  const { state } = run;
  const { maxConcurrency, maxErrors, byInventory } = state;
  const tally = tallyOf(run);
  const waiting = listItems(run).filter(isWaiting);
  const stop = state.stop ?? findRefusedStop(tally);
  const action = decideRollout(
    { ...state, ...(stop && { stop }) },
    waiting.map((instance) => ({ ...toRow(instance), group: toGroupKey(instance, byInventory) })),
    {
      concurrency: maxConcurrency,
      maxFailures: [maxErrors],
      uncounted: listUncounted(tally),
      pausesMs: [],
      batch: { size: Math.min(chunkSize, MAX_CHUNK_SIZE), most: MAX_WAVE, partialAfterMs: PARTIAL_AFTER_MS },
    },
    now,
  );
  if (action.kind === "drop") return { kind: "drop", stop: stop ?? toTooManyErrors(countErrors(tally), maxErrors) };
  if (action.kind === "send") return { kind: "send", chunks: toChunks(run, waiting, action.batches) };
  return { kind: action.kind === "wait" ? "watch" : "settle" };
}

/** Adds to batches what their commands need: SSM enforces what is left of the limits. */
function toChunks(
  run: FleetRun,
  waiting: readonly FleetInstanceReport[],
  batches: readonly Batch[],
): readonly SendingChunk[] {
  const { maxConcurrency, maxErrors } = run.state;
  const tally = tallyOf(run);
  const left = String(Math.max(0, maxErrors - countErrors(tally)));
  let free = maxConcurrency - tally.sent;
  return batches.map(({ n, ids }) => {
    const { platform = "linux", roles = [] } = waiting.find(({ instanceId }) => instanceId === ids[0]) ?? {};
    const chunk = { n, ids, platform, roles, maxConcurrency: String(free), maxErrors: left };
    free -= ids.length;
    return chunk;
  });
}

/** Returns why nothing more may be sent, such as one error more than the limit. */
function findStop({ state, ...run }: FleetRun): Stop | undefined {
  const tally = tallyOf({ state, ...run });
  const errors = countErrors(tally);
  const stop = state.stop ?? findRefusedStop(tally);
  return stop ?? (errors > state.maxErrors ? toTooManyErrors(errors, state.maxErrors) : undefined);
}

function toTooManyErrors(errors: number, maxErrors: number): Stop {
  const message = `${errors} ${errors === 1 ? "error exceeds" : "errors exceed"} the limit of ${maxErrors}.`;
  return { code: "MAX_ERRORS_EXCEEDED", message, retryable: false };
}

/** Returns the rejection, which the instances show if the process died before the run was written. */
function findRefusedStop(tally: Tally): Stop | undefined {
  const code = findRefusal(tally);
  if (code === undefined) return undefined;
  const retryable = code === "SSM_THROTTLED" || code === "AWS_UNAVAILABLE";
  return { code, message: `A command was refused: ${code}.`, retryable };
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
  if (!isFinalStatus(fleetCommand.status)) return { kind: "watch" };
  const ended = findFleetStop(run, fleetCommand.status);
  if (ended !== undefined) return { kind: "drop", stop: ended };
  return tally.waiting > 0 ? { kind: "miss" } : toEnd(tally.sent);
}

function toEnd(running: number): RunAction {
  return running > 0 ? { kind: "watch" } : { kind: "settle" };
}

function toFleetChunk({ state, ...run }: FleetRun): SendingChunk {
  const first = listItems(run).find(isWaiting);
  const { platform = "linux", roles = [] } = first ?? {};
  const { maxConcurrency, maxErrors } = state.limits ?? {
    maxConcurrency: String(state.maxConcurrency),
    maxErrors: String(state.maxErrors),
  };
  return { n: state.next, ids: [], platform, roles, maxConcurrency, maxErrors };
}

/** Returns the stop of a command that SSM could not start, or that has ended before it started everywhere. */
function findFleetStop(run: FleetRun, status = ""): Stop | undefined {
  const plain = status.replace(/\s+/g, "").toLowerCase();
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

/** The input of the end of a run. */
interface FinalStepInput {
  readonly config: RunCommandConfig;
  readonly reportUrl: string | undefined;
}

/** Returns the last step of a run. */
export function toFinalStep(
  run: FleetRun,
  { config, reportUrl }: FinalStepInput,
): Succeeded<RunCommandOutputs> | Failed {
  const tally = tallyOf(run);
  const outputs = toOutputs(run, tally, reportUrl);
  const empty = findEmptyFault(run, config, outputs);
  if (empty !== undefined) return failed({ ...empty, outputs });
  if (outputs.selected === 0) return succeeded(outputs);
  const timedOut = config.instance === undefined ? undefined : findAgentTimeout(run);
  if (timedOut !== undefined) return failed({ ...timedOut, outputs });
  const stop = run.state.stop ?? findRefusedStop(tally);
  const verdict = toVerdict({ ...run.state, maxErrors: findMaxErrors(run, outputs), ...(stop && { stop }) }, tally, {
    ignoreUnreachable: config.ignoreUnreachable === true,
  });
  if (verdict.kind === "failed") {
    const { code, message, retryable } = verdict;
    return failed({ code, message, retryable, outputs });
  }
  const incomplete = findIncomplete(run, tally);
  return incomplete === undefined ? succeeded(outputs) : failed({ ...incomplete, outputs });
}

/** Returns the error limit. If SSM has found the instances, a share could not be computed before. */
function findMaxErrors({ state }: FleetRun, { selected }: RunCommandOutputs): number {
  return state.limits === undefined ? state.maxErrors : toCount(state.limits.maxErrors, selected);
}

/** Returns the counts of a run for its step. */
export function toOutputs({ state }: FleetRun, tally: Tally, reportUrl: string | undefined): RunCommandOutputs {
  const { selected, succeeded: done, failed: bad, skipped } = toCounts(tally);
  const address = reportUrl?.replaceAll("{runId}", encodeURIComponent(state.runId));
  return {
    runId: state.runId,
    selected,
    succeeded: done,
    failed: bad + countRefused(tally),
    skipped,
    reportUrl: address ?? `urn:stackyard:run:${state.runId}`,
  };
}

function findEmptyFault(
  run: FleetRun,
  config: RunCommandConfig,
  { selected, skipped }: RunCommandOutputs,
): Stop | undefined {
  const { stop, cancelledAt } = run.state;
  const isAllowed = config.allowEmpty === true || config.instance !== undefined;
  if (selected > 0 || cancelledAt !== undefined) return undefined;
  if (stop !== undefined && stop.code !== "NO_INSTANCES") return stop;
  if (isAllowed) return undefined;
  const left = skipped === 0 ? "" : ` ${skipped} were skipped: look at the report.`;
  const message = `No instance is part of the run.${left} Look at tags, states and the region.`;
  return { code: "NO_INSTANCES", message, retryable: false };
}

function findAgentTimeout(run: FleetRun): Stop | undefined {
  const [instance] = listItems(run);
  if (instance?.code !== "SSM_AGENT_TIMEOUT") return undefined;
  const message = `The agent of ${instance.instanceId} did not register in time. Look at its network, its instance profile and the agent.`;
  return { code: "SSM_AGENT_TIMEOUT", message, retryable: true };
}

/** Returns SSM's status of a command for a whole fleet if no instance of the report explains it. */
function findIncomplete({ state }: FleetRun, tally: Tally): Stop | undefined {
  const status = state.fleetCommand?.status;
  if (status === undefined || !isFinalStatus(status) || status === "Success" || countFailures(tally) > 0)
    return undefined;
  return { code: "COMMAND_FAILED", message: `SSM ended the command as ${status}.`, retryable: false };
}

/** The end of a run without remaining work. */
type Verdict =
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly retryable: boolean };

/**
 * Evaluates a run, which succeeds if at most its limit of instances failed. Unreachable instances are failures unless
 * they are ignored, although SSM does not count them: a fleet that is switched off must not pass.
 */
export function toVerdict(
  state: Pick<RunState, "stop" | "maxErrors" | "cancelledAt">,
  tally: Tally,
  { ignoreUnreachable }: { readonly ignoreUnreachable: boolean },
): Verdict {
  const failures = countFailures(tally, { ignoreUnreachable });
  const notSent = countNotSent(tally);
  if (state.cancelledAt !== undefined) return cancelled(tally);
  const isWhole = notSent === 0 && tally.sent === 0 && tally.waiting === 0;
  if (isWhole && failures <= state.maxErrors && state.stop === undefined) return { kind: "succeeded" };
  const { code, retryable } = findCause(state, tally);
  const left = notSent > 0 ? ` ${notSent} were not sent to.` : "";
  const why = state.stop === undefined ? "" : ` ${state.stop.message}`;
  const message = `${toBreakdown(tally)}${left}${why}`;
  return { kind: "failed", code, message, retryable };
}

function cancelled(tally: Tally): Verdict {
  const running = tally.sent > 0 ? ` ${tally.sent} still run and end by themselves.` : "";
  const message = `The run was cancelled: ${tally.done} succeeded, ${countNotSent(tally)} were not sent to.${running}`;
  return { kind: "failed", code: "RUN_CANCELLED", message, retryable: false };
}

/** Codes that follow from other failures. */
const CONSEQUENCES: ReadonlySet<string> = new Set(["TERMINATED", "NOT_SENT"]);

/** Returns the cause: a rejected command first; else the most frequent code, causes before consequences. */
function findCause(
  { stop }: Pick<RunState, "stop">,
  tally: Tally,
): { readonly code: string; readonly retryable: boolean } {
  if (stop !== undefined && stop.code !== "MAX_ERRORS_EXCEEDED") return stop;
  const [most] = rank(tally);
  return { code: most?.[0] ?? "NOT_SENT", retryable: false };
}

function toBreakdown(tally: Tally): string {
  const parts = rank(tally).map(([code, count]) => `${count} × ${code}`);
  const failed = countFailures(tally);
  return `${failed} of ${failed + tally.done + countNotSent(tally) + tally.sent} instances failed${parts.length === 0 ? "" : ` (${parts.join(", ")})`}.`;
}

function rank({ codes }: Tally): readonly (readonly [string, number])[] {
  return Object.entries(codes)
    .filter(([code, count]) => code !== "NOT_SENT" && count > 0)
    .map(([code, count]) => [code.startsWith("NOT_SENT") ? "NOT_SENT" : code, count] as const)
    .toSorted(
      ([a, m], [b, n]) => Number(CONSEQUENCES.has(a)) - Number(CONSEQUENCES.has(b)) || n - m || (a < b ? -1 : 1),
    );
}

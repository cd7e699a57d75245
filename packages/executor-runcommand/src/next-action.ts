import { type Failed, failed, type Succeeded, succeeded } from "@stackyard/core";
import { toCount } from "@stackyard/core/rollout";
import type { RunCommandConfig, RunCommandOutputs } from "./definition.ts";
import {
  type FleetRun,
  isWaiting,
  listInstances,
  type RunState,
  type RunStop,
  type SendingChunk,
  tallyOf,
} from "./fleet-run.ts";
import { isFinalStatus } from "./instance-state.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { MAX_CHUNK_SIZE } from "./select-instances.ts";
import { countErrors, countFailures, countNotSent, countRefused, findRefusal, type Tally, toCounts } from "./tally.ts";

/** Why nothing more is sent to an account with too many running commands. */
export const RATE_EXCEEDED: RunStop = {
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
  | { readonly kind: "drop"; readonly stop: RunStop }
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
export function nextAction(run: FleetRun, input: NextActionInput): RunAction {
  const tally = tallyOf(run);
  const stop = findStop(run);
  if (stop !== undefined && tally.waiting > 0) return { kind: "drop", stop };
  const chunks = stop === undefined && tally.waiting > 0 ? planChunks(run, input) : [];
  if (chunks.length > 0) return { kind: "send", chunks };
  return tally.waiting > 0 || tally.running > 0 ? { kind: "watch" } : { kind: "settle" };
}

/** Returns why nothing more may be sent, such as one error more than the limit. */
function findStop(run: FleetRun): RunStop | undefined {
  const { stop, maxErrors } = run.state;
  if (stop !== undefined) return stop;
  const tally = tallyOf(run);
  const errors = countErrors(tally);
  const refused = findRefusedStop(tally);
  if (refused !== undefined || errors <= maxErrors) return refused;
  const message = `${errors} ${errors === 1 ? "error exceeds" : "errors exceed"} the limit of ${maxErrors}.`;
  return { code: "MAX_ERRORS_EXCEEDED", message, retryable: false };
}

/** Returns the rejection, which the instances show if the process died before the run was written. */
function findRefusedStop(tally: Tally): RunStop | undefined {
  const code = findRefusal(tally);
  if (code === undefined) return undefined;
  const retryable = code === "SSM_THROTTLED" || code === "AWS_UNAVAILABLE";
  return { code, message: `A command was refused: ${code}.`, retryable };
}

function planChunks(run: FleetRun, { now, chunkSize }: NextActionInput): readonly SendingChunk[] {
  const { state } = run;
  if (now < (state.pausedUntil ?? 0)) return [];
  const tally = tallyOf(run);
  const size = Math.min(chunkSize, MAX_CHUNK_SIZE, state.maxConcurrency);
  const isIdle = now - (state.lastSentAt ?? now) >= PARTIAL_AFTER_MS;
  const maxErrors = String(Math.max(0, state.maxErrors - countErrors(tally)));
  const chunks: SendingChunk[] = [];
  let free = state.maxConcurrency - tally.running;
  for (const group of listGroups(listInstances(run).filter(isWaiting), state.byInventory, size)) {
    const ids = group.slice(0, isIdle ? Math.max(0, free) : group.length).map(({ instanceId }) => instanceId);
    if (ids.length === 0 || ids.length > free || chunks.length === MAX_WAVE) break;
    const { platform = "linux", roles = [] } = group[0] ?? {};
    chunks.push({
      chunk: state.nextChunk + chunks.length,
      ids,
      platform,
      roles,
      maxConcurrency: String(free),
      maxErrors,
    });
    free -= ids.length;
  }
  return chunks;
}

/** Yields neighbors for the same command, up to a limit. */
function* listGroups(
  instances: readonly FleetInstanceReport[],
  byInventory: boolean,
  size: number,
): Generator<readonly FleetInstanceReport[]> {
  let group: FleetInstanceReport[] = [];
  for (const instance of instances) {
    const [first] = group;
    const fits = first === undefined || toGroupKey(first, byInventory) === toGroupKey(instance, byInventory);
    if (!fits || group.length === size) {
      yield group;
      group = [];
    }
    group.push(instance);
  }
  if (group.length > 0) yield group;
}

/** Returns the key of instances that one command can serve. */
export function toGroupKey({ platform = "linux", roles }: FleetInstanceReport, byInventory: boolean): string {
  return byInventory ? `${platform} ${roles.join()}` : platform;
}

/** Plans a run of the way `targets`: one command for the whole fleet; SSM enforces its limits. */
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

/** Returns the stop of a command that SSM could not start, or that has ended before it started everywhere. */
function findFleetStop(run: FleetRun, status = ""): RunStop | undefined {
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
): RunStop | undefined {
  const { stop, cancelledAt } = run.state;
  const isAllowed = config.allowEmpty === true || config.instance !== undefined;
  if (selected > 0 || cancelledAt !== undefined) return undefined;
  if (stop !== undefined && stop.code !== "NO_INSTANCES") return stop;
  if (isAllowed) return undefined;
  const left = skipped === 0 ? "" : ` ${skipped} were skipped: look at the report.`;
  const message = `No instance is part of the run.${left} Look at tags, states and the region.`;
  return { code: "NO_INSTANCES", message, retryable: false };
}

function findAgentTimeout(run: FleetRun): RunStop | undefined {
  const [instance] = listInstances(run);
  if (instance?.code !== "SSM_AGENT_TIMEOUT") return undefined;
  const message = `The agent of ${instance.instanceId} did not register in time. Look at its network, its instance profile and the agent.`;
  return { code: "SSM_AGENT_TIMEOUT", message, retryable: true };
}

/** Returns SSM's status of a command for a whole fleet if no instance of the report explains it. */
function findIncomplete({ state }: FleetRun, tally: Tally): RunStop | undefined {
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
  const isWhole = notSent === 0 && tally.running === 0 && tally.waiting === 0;
  if (isWhole && failures <= state.maxErrors && state.stop === undefined) return { kind: "succeeded" };
  const { code, retryable } = findCause(state, tally);
  const left = notSent > 0 ? ` ${notSent} were not sent to.` : "";
  const why = state.stop === undefined ? "" : ` ${state.stop.message}`;
  const message = `${toBreakdown(tally)}${left}${why}`;
  return { kind: "failed", code, message, retryable };
}

function cancelled(tally: Tally): Verdict {
  const running = tally.running > 0 ? ` ${tally.running} still run and end by themselves.` : "";
  const message = `The run was cancelled: ${tally.succeeded} succeeded, ${countNotSent(tally)} were not sent to.${running}`;
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
  return `${failed} of ${failed + tally.succeeded + countNotSent(tally) + tally.running} instances failed${parts.length === 0 ? "" : ` (${parts.join(", ")})`}.`;
}

function rank({ codes }: Tally): readonly (readonly [string, number])[] {
  return Object.entries(codes)
    .filter(([code, count]) => code !== "NOT_SENT" && count > 0)
    .map(([code, count]) => [code.startsWith("NOT_SENT") ? "NOT_SENT" : code, count] as const)
    .toSorted(
      ([a, m], [b, n]) => Number(CONSEQUENCES.has(a)) - Number(CONSEQUENCES.has(b)) || n - m || (a < b ? -1 : 1),
    );
}

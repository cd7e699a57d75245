import { MAX_CHUNK_SIZE } from "./chunk.ts";
import type { FleetInstanceReport } from "./fleet-report.ts";
import { type FleetRun, isWaiting, listInstances, type RunStop, type SendingChunk, tallyOf } from "./fleet-run.ts";
import { countErrors, findRefusal, type Tally } from "./tally.ts";

/** What a run does next. `drop`: what still waits is never sent. `miss`: SSM
 * has not found those who wait. `settle`: everything has ended. */
export type RunAction =
  | { readonly kind: "send"; readonly chunks: readonly SendingChunk[] }
  | { readonly kind: "drop"; readonly stop: RunStop }
  | { readonly kind: "miss" }
  | { readonly kind: "watch" }
  | { readonly kind: "settle" };

/** What the plan of a run depends on besides the run itself. */
export interface NextActionInput {
  readonly now: number;
  /** 1 to 50. */
  readonly chunkSize: number;
}

/** Chunks that are noted together before they are sent; a crash asks SSM for so many at most. */
export const MAX_WAVE = 20;

/** Places that stayed free for so long are used by a smaller chunk, so that a slow instance does not hold up the fleet. */
export const PARTIAL_AFTER_MS = 60_000;

/**
 * Plans a run with chunks, over the whole run: at most `maxConcurrency` instances are under way, and once there are more
 * errors than `maxErrors` nothing more is sent. Pages with waiting instances must be there, in order, as far as
 * `maxConcurrency` reaches.
 */
export function nextAction(run: FleetRun, input: NextActionInput): RunAction {
  const tally = tallyOf(run);
  const stop = findStop(run);
  if (stop !== undefined && tally.waiting > 0) return { kind: "drop", stop };
  const chunks = stop === undefined && tally.waiting > 0 ? planChunks(run, input) : [];
  if (chunks.length > 0) return { kind: "send", chunks };
  return tally.waiting > 0 || tally.running > 0 ? { kind: "watch" } : { kind: "settle" };
}

/** Why nothing more may be sent; exceeded is one error more than the limit. */
export function findStop(run: FleetRun): RunStop | undefined {
  const { stop, maxErrors } = run.state;
  if (stop !== undefined) return stop;
  const tally = tallyOf(run);
  const errors = countErrors(tally);
  const refused = findRefusedStop(tally);
  if (refused !== undefined || errors <= maxErrors) return refused;
  const message = `${errors} ${errors === 1 ? "error exceeds" : "errors exceed"} the limit of ${maxErrors}.`;
  return { code: "MAX_ERRORS_EXCEEDED", message, retryable: false };
}

/** The instances tell of a refusal where the process died before the run itself was written. */
export function findRefusedStop(tally: Tally): RunStop | undefined {
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

/** Neighbours that the same command is for, at most so many at a time. */
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

/** Instances with the same key can be served by one command. */
export function toGroupKey({ platform = "linux", roles }: FleetInstanceReport, byInventory: boolean): string {
  return byInventory ? `${platform} ${roles.join()}` : platform;
}

import { StackyardError } from "@stackyard/core";
import { sleep } from "../backoff.ts";
import type { CallOptions } from "../http-client.ts";
import type { Run } from "./run.ts";

/** How to wait for a run. */
export interface WaitForRunOptions extends CallOptions {
  /** Default: for ever. Then `TIMED_OUT`. */
  readonly timeoutMs?: number;
  /** Between two looks; progress is told by them alone. Default 2 s. */
  readonly pollMs?: number;
  /** Called with the run after each look; what it gives is waited for. */
  readonly onLook?: (run: Run) => void | Promise<void>;
  /** The `endedAt` of an end that does not count, since the run was asked to go on. */
  readonly after?: string;
}

const POLL_MS = 2_000;

/** Looks until the run has ended. */
export async function waitForRun(look: Look, runId: string, options: WaitForRunOptions = {}): Promise<Run> {
  const { timeoutMs, pollMs = POLL_MS, onLook, after, signal } = options;
  const limits = [...(signal ? [signal] : []), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
  const end = AbortSignal.any(limits);
  while (!end.aborted) {
    const run = await lookUnless(end, look);
    if (run !== undefined) await onLook?.(run);
    if (run?.endedAt !== undefined && run.endedAt !== after) return run;
    await sleep(pollMs, end);
  }
  if (signal?.aborted) throw new StackyardError("INTERRUPTED", `The wait for the run "${runId}" was stopped.`);
  throw new StackyardError("TIMED_OUT", `${timeoutMs} ms were over before the run "${runId}" had ended.`);
}

type Look = (call: CallOptions) => Promise<Run>;

async function lookUnless(end: AbortSignal, look: Look): Promise<Run | undefined> {
  try {
    return await look({ signal: end });
  } catch (error) {
    if (end.aborted) return undefined;
    throw error;
  }
}

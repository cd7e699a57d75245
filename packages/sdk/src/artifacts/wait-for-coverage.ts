import { type Clock, isStackyardError, type StackyardError, unlessAborted } from "@stackyard/core";
import { NEVER, sleep } from "../http-client.ts";
import type { CallDistributor, CoverageCell, CoverageRow } from "./artifacts-client.ts";
import { toArtifactError } from "./manifest.ts";

/** The input of a wait for coverage. */
export interface WaitForCoverageInput {
  readonly call: CallDistributor;
  readonly name: string;
  readonly version: string;
  readonly timeoutMs: number;
  /** Between two looks. Default 5 s. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called when the row differs from the previous poll's. */
  readonly onChange?: (row: CoverageRow) => void;
  /** Called for the first of several failed polls; they are retried. */
  readonly onFault?: (fault: StackyardError) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** It is stored everywhere, or the time has expired before. */
export type CoverageOutcome =
  | { readonly kind: "covered"; readonly row: CoverageRow }
  /**
   * Without a row the distributor does not have the version; with one and nothing missing, no consumer should have it.
   * With `fault` the last poll failed, and the row, if any, is from an earlier one.
   */
  | {
      readonly kind: "timed-out";
      readonly row?: CoverageRow;
      readonly missing: readonly CoverageCell[];
      readonly fault?: StackyardError;
    };

const POLL_MS = 5_000;
/** A poll without a response by then is lost, such as when a connection ends silently: it is repeated. */
const LOOK_MS = 60_000;
/** Time limit of the last poll. */
const LAST_LOOK_MS = 1_000;
/** Looks in a row that may fail with what passes. */
const MAX_FAULTS = 30;
const systemClock: Clock = { now: Date.now, sleep: (ms, signal = NEVER) => sleep(ms, signal) };

/**
 * Polls until a version has arrived at every consumer that should have it. Also waits, within the time limit, for a
 * version that the distributor does not have yet and for a distributor that does not answer; a poll without a response
 * for a minute is repeated. Throws `INTERRUPTED`, `OUTCOME_NEGATIVE` for a version that was retired, the code of a
 * refusal that the distributor has not changed for two minutes (`findArtifactCode`), and the distributor's errors.
 */
export async function waitForCoverage(input: WaitForCoverageInput): Promise<CoverageOutcome> {
  const { timeoutMs, signal = NEVER, clock = systemClock } = input;
  const [done, end] = [new AbortController(), new AbortController()];
  void sleepUntil(clock, clock.now() + timeoutMs, AbortSignal.any([signal, done.signal])).then(() => end.abort());
  try {
    return await lookUntil(input, end.signal);
  } finally {
    done.abort();
  }
}

/** Clocks shorten waits that are too long for their timers. */
async function sleepUntil(clock: Clock, at: number, signal: AbortSignal): Promise<void> {
  do await clock.sleep(at - clock.now(), signal);
  while (clock.now() < at && !signal.aborted);
}

async function lookUntil(input: WaitForCoverageInput, end: AbortSignal): Promise<CoverageOutcome> {
  const { name, version, timeoutMs, pollMs = POLL_MS, signal = NEVER, clock = systemClock } = input;
  const lastLookAt = clock.now() + timeoutMs - Math.min(LAST_LOOK_MS, timeoutMs / 2);
  const look = createLook(input, end);
  const throwIfRefused = createRefusalCheck(clock);
  for (;;) {
    const { row, fault } = await look();
    if (signal.aborted)
      throw toArtifactError("INTERRUPTED", `The wait for ${name} ${version} was stopped. The distribution continues.`);
    if (row?.covered === true) return { kind: "covered", row };
    if (row?.retired === true) throw toArtifactError("OUTCOME_NEGATIVE", `${name} ${version} was retired.`);
    throwIfRefused(row);
    const leftMs = lastLookAt - clock.now();
    if (leftMs <= 0) {
      const missing = (row?.cells ?? []).filter(isMissing);
      return { kind: "timed-out", missing, ...(row && { row }), ...(fault && { fault }) };
    }
    await clock.sleep(Math.min(pollMs, leftMs), signal);
  }
}

/** A distributor needs a moment to look at a version that was published again. */
const REFUSED_MS = 120_000;

/** Creates the check of each poll's row. It throws when the distributor has given up a version and does not look again. */
function createRefusalCheck(clock: Clock): (row: CoverageRow | undefined) => void {
  let seenAt: number | undefined;
  return (row) => {
    const isGivenUp = row?.manifestSha256 === null && row.refusal?.retryUntil === null;
    seenAt = isGivenUp ? (seenAt ?? clock.now()) : undefined;
    if (row?.refusal === undefined || seenAt === undefined || clock.now() - seenAt < REFUSED_MS) return;
    const { code, reason } = row.refusal;
    throw toArtifactError(code, `The distributor refused ${row.name} ${row.version} (${code}). ${reason}`);
  };
}

/** Returns true if the version has not arrived there. */
function isMissing({ status }: Pick<CoverageCell, "status">): boolean {
  return status !== "stored" && status !== "present";
}

interface Looked {
  /** The last row seen. */
  readonly row?: CoverageRow;
  /** Why this poll returned no row. */
  readonly fault?: StackyardError;
}

/** Polls once. Transient errors, such as throttling, are ignored. */
function createLook(input: WaitForCoverageInput, end: AbortSignal): () => Promise<Looked> {
  const { call, name, version, onChange, onFault, clock = systemClock } = input;
  let faults = 0;
  let row: CoverageRow | undefined;
  let last = "";

  function seen(found: CoverageRow | undefined): void {
    const text = JSON.stringify(found) ?? "";
    if (found !== undefined && text !== last) onChange?.(found);
    [row, last, faults] = [found, text, 0];
  }

  function passOver(error: unknown): StackyardError {
    if (end.aborted) return silent();
    faults += 1;
    if (!isStackyardError(error) || !error.retryable || faults > MAX_FAULTS) throw error;
    if (faults === 1) onFault?.(error);
    return error;
  }

  return async () => {
    let fault: StackyardError | undefined;
    const { signal, stop } = limitLook(clock, end);
    try {
      // Also a call that ignores the signal ends.
      const { rows } = await unlessAborted(call({ op: "coverage", name, version }, { signal }), signal, silent);
      seen(rows.find((each) => each.name === name && each.version === version));
    } catch (error) {
      fault = passOver(signal.aborted ? silent() : error);
    } finally {
      stop();
    }
    return { ...(row && { row }), ...(fault && { fault }) };
  };
}

/** Ends a look when it has been silent for too long, and at the end of all. */
function limitLook(clock: Clock, end: AbortSignal): { readonly signal: AbortSignal; readonly stop: () => void } {
  const [late, done] = [new AbortController(), new AbortController()];
  void clock.sleep(LOOK_MS, AbortSignal.any([end, done.signal])).then(() => {
    if (!done.signal.aborted) late.abort();
  });
  return { signal: late.signal, stop: () => done.abort() };
}

function silent(): StackyardError {
  return toArtifactError("UNREACHABLE", "The distributor did not answer in time.");
}

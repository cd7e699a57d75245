import { type Clock, isStackyardError } from "@stackyard/core";
import { sleep } from "../../backoff.ts";
import { toArtifactError } from "../artifact-error.ts";
import type { CallDistributor, CoverageCell, CoverageRow } from "../distributor-request.ts";

/** What to wait for, and how long. */
export interface WaitForCoverageInput {
  readonly call: CallDistributor;
  readonly name: string;
  readonly version: string;
  readonly timeoutMs: number;
  /** Between two looks. Default 5 s. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
  /** Called when the row is another one than at the look before. */
  readonly onChange?: (row: CoverageRow) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** It stands everywhere; or the time was over before. */
export type CoverageOutcome =
  | { readonly kind: "covered"; readonly row: CoverageRow }
  /** Without a row the distributor does not know the version; with one and nothing missing no consumer should have it. */
  | { readonly kind: "timed-out"; readonly row?: CoverageRow; readonly missing: readonly CoverageCell[] };

const POLL_MS = 5_000;
/** Looks in a row that may fail with what passes. */
const MAX_FAULTS = 30;
const never = new AbortController().signal;
const systemClock: Clock = { now: Date.now, sleep: (ms, signal = never) => sleep(ms, signal) };

/**
 * Looks until a version stands at every consumer that should have it. A version that the distributor does not know yet is waited
 * for. Throws `INTERRUPTED`, `OUTCOME_NEGATIVE` for a version that was retired, and what the distributor refuses.
 */
export async function waitForCoverage(input: WaitForCoverageInput): Promise<CoverageOutcome> {
  const { name, version, timeoutMs, pollMs = POLL_MS, signal = never, clock = systemClock } = input;
  const until = clock.now() + timeoutMs;
  const look = createLook(input);
  for (;;) {
    const row = await look();
    if (signal.aborted)
      throw toArtifactError("INTERRUPTED", `The wait for ${name} ${version} was stopped; it goes on its way.`);
    if (row?.covered === true) return { kind: "covered", row };
    if (row?.retired === true) throw toArtifactError("OUTCOME_NEGATIVE", `${name} ${version} was retired.`);
    const leftMs = until - clock.now();
    if (leftMs <= 0) return { kind: "timed-out", ...(row && { row }), missing: (row?.cells ?? []).filter(isMissing) };
    await clock.sleep(Math.min(pollMs, leftMs), signal);
  }
}

/** Does the version not stand there? */
function isMissing({ status }: Pick<CoverageCell, "status">): boolean {
  return status !== "stored" && status !== "present";
}

/** One look. What passes, such as a throttled call, is passed over: the last row that was seen counts on. */
function createLook({
  call,
  name,
  version,
  onChange,
  signal,
}: WaitForCoverageInput): () => Promise<CoverageRow | undefined> {
  let faults = 0;
  let row: CoverageRow | undefined;
  let last = "";
  return async () => {
    try {
      const { rows } = await call({ op: "coverage", name, version });
      row = rows.find((each) => each.name === name && each.version === version);
      faults = 0;
    } catch (error) {
      faults += 1;
      const passes = isStackyardError(error) && error.retryable && faults <= MAX_FAULTS;
      if (!passes && signal?.aborted !== true) throw error;
      return row;
    }
    const seen = JSON.stringify(row);
    if (row !== undefined && seen !== last) onChange?.(row);
    last = seen ?? "";
    return row;
  };
}

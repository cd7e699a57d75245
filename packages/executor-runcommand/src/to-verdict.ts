import type { RunState } from "./fleet-run.ts";
import { countFailures, countNotSent, type Tally } from "./tally.ts";

/** How a run that has nothing left to do ends. */
export type Verdict =
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly retryable: boolean };

/**
 * A run succeeds when no more of its instances failed than its limit. Instances that could not be reached are failures
 * unless they are ignored, although SSM does not count them: a fleet that is switched off must not pass.
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

/** What a failure of others brought about. */
const CONSEQUENCES: ReadonlySet<string> = new Set(["TERMINATED", "NOT_SENT"]);

/** A command that was refused says most; else the code that most of the instances have, causes before consequences. */
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

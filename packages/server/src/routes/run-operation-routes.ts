import type { Clock } from "@stackyard/core";
import type { RunOptions, Runs, RunView } from "@stackyard/core/runs";
import { defineRoute, json, type Route } from "../http/route.ts";
import { Run, RunId, RunOperationBody } from "../schemas/run.ts";
import { toRun } from "../views/to-run.ts";
import type { ChangeBell } from "../watch/change-bell.ts";
import { loadRun } from "./load-run.ts";

/** What tells that an operation has come to something. */
export interface RunOperationDeps {
  readonly clock: Clock;
  readonly bell: ChangeBell;
  readonly outcomeMs: number;
}

/** What people do with a run by hand; the answer is the run as the operation has left it. */
export function runOperationRoutes(runs: Runs, deps: RunOperationDeps): readonly Route[] {
  return [
    operationRoute(runs, deps, {
      name: "cancel",
      summary: "Ask a run to stop. One that has ended stays as it is.",
      refusals: {},
      act: (runId, options) => runs.cancel(runId, options),
      isDone: (run) => run.cancelling === true || run.endedAt !== undefined,
    }),
    operationRoute(runs, deps, {
      name: "retry",
      summary: "Run a failed or cancelled run again with the same config. Of a fleet: what did not succeed.",
      refusals: { 409: { description: "OUTCOME_NEGATIVE: it has not failed, or is kept no more." } },
      act: (runId, options) => runs.retry(runId, options),
      isDone: (run, before) => run.endedAt !== before.endedAt,
    }),
  ];
}

interface Operation {
  readonly name: "cancel" | "retry";
  readonly summary: string;
  readonly refusals: Readonly<Record<number, { readonly description: string }>>;
  readonly act: (runId: string, options: RunOptions) => Promise<void>;
  readonly isDone: (run: RunView, before: RunView) => boolean;
}

function operationRoute(runs: Runs, deps: RunOperationDeps, operation: Operation): Route {
  const { name, summary, refusals, act, isDone } = operation;
  return defineRoute({
    method: "POST",
    path: `/v1/runs/:runId/${name}`,
    operationId: `${name}Run`,
    tag: "runs",
    summary,
    params: { runId: RunId },
    body: RunOperationBody,
    answers: {
      200: { description: "It was done.", schema: Run },
      202: { description: "Not decided yet.", schema: Run },
      404: { description: "NOT_FOUND" },
      ...refusals,
    },
    async handle({ params: { runId }, body: { reason } }, { actor, signal }) {
      const before = await loadRun(runs, runId);
      await act(runId, { actor, ...(reason === undefined ? {} : { reason }) });
      const run = await waitForRun(deps, runs, { runId, signal, isDone: (seen) => isDone(seen, before) });
      return json(isDone(run, before) ? 200 : 202, toRun(run));
    },
  });
}

const POLL_MS = 250;

/** The run as soon as it is what was wanted, or as it is when the time is over. */
async function waitForRun(
  { clock, bell, outcomeMs }: RunOperationDeps,
  runs: Runs,
  wanted: { readonly runId: string; readonly signal: AbortSignal; readonly isDone: (run: RunView) => boolean },
): Promise<RunView> {
  const until = clock.now() + outcomeMs;
  for (;;) {
    const seen = bell.count;
    const run = await loadRun(runs, wanted.runId);
    const rest = until - clock.now();
    if (wanted.isDone(run) || rest <= 0 || wanted.signal.aborted) return run;
    await bell.wait(seen, Math.min(POLL_MS, rest), wanted.signal);
  }
}

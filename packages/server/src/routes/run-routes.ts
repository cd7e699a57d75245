import { defined, StackyardError } from "@stackyard/core";
import type { Run } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { createJobs, type JobOptions, type Jobs, type JobView } from "@stackyard/core/jobs";
import { RUN_MACHINE, runStackId } from "@stackyard/core/machine";
import { hasEverywhere } from "../access/guard.ts";
import { loadVisible } from "../access/reach.ts";
import type { Route, RouteContext } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Converts a run to the API's format. */
function toRun({ startedAt, endedAt, ...rest }: JobView): Run {
  return {
    ...rest,
    startedAt: toInstant(startedAt),
    ...defined({ endedAt: toInstant(endedAt) }),
  };
}

/** Defines the routes for runs without a machine. */
export function runRoutes(deps: RouteDeps): readonly Route[] {
  const runs = createJobs(deps);
  return [
    serve(deps, operations.startRun, async ({ body }, { sender, audit }) => {
      const { key } = body;
      const ulid = deps.ids.next();
      // The line that is written before the start must name the run too.
      const started = runStackId(key === undefined ? { ulid } : { key });
      const on = { machine: RUN_MACHINE, runId: started, ...defined({ key }) };
      const { runId } = await audit({ on }, () => runs.start({ ...body, ulid, sender }));
      return reply(202, toRun(await loadRun(runs, runId)));
    }),
    serve(deps, operations.listRuns, async ({ query: { cursor, limit, sort, ...filter } }, { caller }) => {
      const input = { ...pageInput(defined({ cursor, limit })), ...defined({ sort }) };
      const page = await loadVisible(caller, input, {
        load: (start) => runs.list(filter, { ...input, ...start }),
        toSubject: ({ runId }) => ({ kind: "stack", stackId: runId, machine: RUN_MACHINE }),
      });
      return reply(200, toPage(page, { toView: toRun, toId: ({ runId }) => runId }));
    }),
    serve(deps, operations.getRun, async ({ params: { runId } }) => reply(200, toRun(await loadRun(runs, runId)))),
    serve(deps, operations.getRunReport, async ({ params: { runId }, query }, { caller }) => {
      // A report may be that of a task of a machine, which belongs to its stack.
      if (!hasEverywhere(caller.rights, "read")) await loadRun(runs, runId);
      const page = await runs.reportPage(runId, pageInput({ limit: REPORT_PAGES, ...query }));
      if (page.items.length === 0 && query.cursor === undefined) await loadRun(runs, runId);
      return reply(200, toPage(page, { toView: (item) => item, toId: () => runId }));
    }),
    serve(
      deps,
      operations.cancelRun,
      operateOn(runs, deps, {
        act: (runId, options) => runs.cancel(runId, options),
        isDone: (run) => run.cancelling === true || run.endedAt !== undefined,
      }),
    ),
    serve(
      deps,
      operations.retryRun,
      operateOn(runs, deps, {
        act: (runId, options) => runs.retry(runId, options),
        isDone: (run, before) => run.endedAt !== before.endedAt,
      }),
    ),
  ];
}

/** A page of a report may have 200 KiB. */
const REPORT_PAGES = 10;

interface RunOperation {
  readonly act: (runId: string, options: JobOptions) => Promise<void>;
  readonly isDone: (run: JobView, before: JobView) => boolean;
}

interface OperationInput {
  readonly params: { readonly runId: string };
  readonly body: { readonly reason?: string };
}

/** Returns the handler of a manual operation on a run. Each response is the run after the operation. */
function operateOn(runs: Jobs, deps: RouteDeps, { act, isDone }: RunOperation) {
  return async ({ params: { runId }, body }: OperationInput, { sender, signal }: RouteContext) => {
    const before = await loadRun(runs, runId);
    await act(runId, { sender, ...body });
    const run = await waitForRun(deps, runs, { runId, signal, isDone: (seen) => isDone(seen, before) });
    return reply(isDone(run, before) ? 200 : 202, toRun(run));
  };
}

const POLL_MS = 250;

/** Returns the run as soon as it satisfies the condition, or in its present state when the time is over. */
async function waitForRun(
  { clock, bell, settings }: RouteDeps,
  runs: Jobs,
  wanted: { readonly runId: string; readonly signal: AbortSignal; readonly isDone: (run: JobView) => boolean },
): Promise<JobView> {
  const until = clock.now() + settings.limits.outcomeMs;
  for (;;) {
    const seen = bell.count;
    const run = await loadRun(runs, wanted.runId);
    const rest = until - clock.now();
    if (wanted.isDone(run) || rest <= 0 || wanted.signal.aborted) return run;
    await bell.wait(seen, Math.min(POLL_MS, rest), wanted.signal);
  }
}

/** Returns the current state of a run. Throws `NOT_FOUND`. */
async function loadRun(runs: Jobs, runId: string): Promise<JobView> {
  const run = await runs.find(runId);
  if (run === undefined) throw new StackyardError("NOT_FOUND", `Run "${runId}" not found.`);
  return run;
}

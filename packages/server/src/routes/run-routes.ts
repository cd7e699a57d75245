import { defined, StackyardError } from "@stackyard/core";
import { Run, RunState } from "@stackyard/core/api";
import { createJobs, type JobOptions, type Jobs, type JobView } from "@stackyard/core/jobs";
import { RUN_MACHINE, runStackId } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { hasEverywhere } from "../access/guard.ts";
import { loadVisible } from "../access/reach.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/event.ts";
import { stackSortQuery } from "../schemas/stack-query.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** An id that becomes part of keys. */
const RunId = Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$" });

const Config = Type.Record(Type.String(), Type.Unknown());

/** Starts a run. */
const StartRunBody = Type.Object({
  executor: Type.String({ minLength: 1, maxLength: 255 }),
  config: Config,
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "A key of the caller: a repeated request with the same key returns the same run, whatever its other fields contain. Default: a new run for each request.",
    }),
  ),
  target: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description:
        "`account` and `region` to work in, optionally `role` and `externalId`. Default: those of the runner.",
    }),
  ),
  timeoutMs: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 31_622_400_000, description: "Default: the executor's own, else one hour." }),
  ),
});

/** Requests that a run stops, or is retried. */
const RunOperationBody = Type.Object({
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
});

/** Pages of a run's executor report, such as instances of a fleet. */
export const RunReport = pageOf(Type.Unknown({ description: "A page as the executor has written it." }));
export type RunReport = Static<typeof RunReport>;

/** Converts a run to the API's format. */
function toRun({ startedAt, endedAt, ...rest }: JobView): Run {
  return {
    ...rest,
    startedAt: toInstant(startedAt),
    ...defined({ endedAt: toInstant(endedAt) }),
  };
}

/** Runs without a machine. */
export function runRoutes(deps: RouteDeps): readonly Route[] {
  const runs = createJobs(deps);
  return [
    startRoute(runs, deps),
    listRoute(runs),
    runRoute(runs),
    reportRoute(runs),
    ...runOperationRoutes(runs, deps),
  ];
}

function startRoute(runs: Jobs, { audit, ids }: RouteDeps): Route {
  return defineRoute("POST", "/v1/runs", {
    operationId: "startRun",
    permission: "repair",
    subject: "run",
    audited: true,
    tag: "runs",
    summary: "Start a run: one task of an executor, without a machine.",
    body: StartRunBody,
    answers: {
      202: { description: "The run was started now, or earlier with the same key.", schema: Run },
      409: { description: "OUTCOME_NEGATIVE: the key belongs to a run of another executor." },
      413: { description: "PAYLOAD_TOO_LARGE: the config is larger than 256 KiB." },
      422: { description: "EXECUTOR_UNKNOWN, or CONFIG_INVALID with the problems." },
    },
    async handle({ body }, { sender }) {
      const { key } = body;
      const ulid = ids.next();
      // The line that is written before the start must name the run too.
      const on = {
        machine: RUN_MACHINE,
        runId: runStackId(key === undefined ? { ulid } : { key }),
        ...defined({ key }),
      };
      const action = { action: "startRun", who: sender, via: "api", on };
      const { runId } = await audit.run(action, () => runs.start({ ...body, ulid, sender }));
      return json(202, toRun(await loadRun(runs, runId)));
    },
  });
}

const filterQuery = {
  state: Type.Optional(RunState),
  executor: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  ...stackSortQuery,
  ...pageQuery,
};

function listRoute(runs: Jobs): Route {
  return defineRoute("GET", "/v1/runs", {
    operationId: "listRuns",
    permission: "read",
    subject: "list",
    tag: "runs",
    summary:
      "List runs. They are kept for 1 day after a success, 30 days after a failure. A run is sorted as a stack: `createdAt` is when it started, `enteredAt` when it ended. With a filter, a page may be empty and still have a cursor.",
    query: filterQuery,
    answers: {
      200: { description: "A page.", schema: pageOf(Run) },
      422: { description: "FILTER_TOO_WIDE: more than 100,000 runs would have to be sorted." },
    },
    async handle({ query: { cursor, limit, sort, ...filter } }, { caller }) {
      const input = { ...pageInput(defined({ cursor, limit })), ...defined({ sort }) };
      const page = await loadVisible(caller, input, {
        load: (start) => runs.list(filter, { ...input, ...start }),
        toSubject: ({ runId }) => ({ kind: "stack", stackId: runId, machine: RUN_MACHINE }),
      });
      return json(200, toPage(page, { toView: toRun, toId: ({ runId }) => runId }));
    },
  });
}

function runRoute(runs: Jobs): Route {
  return defineRoute("GET", "/v1/runs/:runId", {
    operationId: "getRun",
    permission: "read",
    subject: "run",
    tag: "runs",
    summary: "Get a run: its progress and its result.",
    params: { runId: RunId },
    answers: { 200: { description: "The run.", schema: Run }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { runId } }) {
      return json(200, toRun(await loadRun(runs, runId)));
    },
  });
}

/** A page of a report may have 200 KiB. */
const REPORT_PAGES = 10;

function reportRoute(runs: Jobs): Route {
  return defineRoute("GET", "/v1/runs/:runId/report", {
    operationId: "getRunReport",
    permission: "read",
    subject: "run",
    tag: "runs",
    summary:
      "Get the executor's report about each part of its work, such as each instance of a fleet, also while it runs. For a task in a machine, use its idempotency key as the id.",
    params: { runId: RunId },
    query: {
      cursor: pageQuery.cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: "Pages. Default 10." })),
    },
    answers: { 200: { description: "Pages of the report.", schema: RunReport }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { runId }, query }, { caller }) {
      // A report may be that of a task of a machine, which belongs to its stack.
      if (!hasEverywhere(caller.rights, "read")) await loadRun(runs, runId);
      const page = await runs.reportPage(runId, pageInput({ limit: REPORT_PAGES, ...query }));
      if (page.items.length === 0 && query.cursor === undefined) await loadRun(runs, runId);
      return json(200, toPage(page, { toView: (item) => item, toId: () => runId }) satisfies RunReport);
    },
  });
}

/** Defines manual operations on a run; each response is the run after the operation. */
function runOperationRoutes(runs: Jobs, deps: RouteDeps): readonly Route[] {
  return [
    operationRoute(runs, deps, {
      name: "cancel",
      summary: "Cancel a run. Does nothing when it has ended.",
      refusals: {},
      act: (runId, options) => runs.cancel(runId, options),
      isDone: (run) => run.cancelling === true || run.endedAt !== undefined,
    }),
    operationRoute(runs, deps, {
      name: "retry",
      summary:
        "Retry a failed or cancelled run with the same config. For a fleet, only the instances that did not succeed.",
      refusals: { 409: { description: "OUTCOME_NEGATIVE: the run has not failed, or is no longer stored." } },
      act: (runId, options) => runs.retry(runId, options),
      isDone: (run, before) => run.endedAt !== before.endedAt,
    }),
  ];
}

interface RunOperation {
  readonly name: "cancel" | "retry";
  readonly summary: string;
  readonly refusals: Readonly<Record<number, { readonly description: string }>>;
  readonly act: (runId: string, options: JobOptions) => Promise<void>;
  readonly isDone: (run: JobView, before: JobView) => boolean;
}

function operationRoute(runs: Jobs, deps: RouteDeps, operation: RunOperation): Route {
  const { name, summary, refusals, act, isDone } = operation;
  return defineRoute("POST", `/v1/runs/:runId/${name}`, {
    operationId: `${name}Run`,
    permission: "operate",
    subject: "run",
    tag: "runs",
    summary,
    params: { runId: RunId },
    body: RunOperationBody,
    answers: {
      200: { description: "The operation was applied.", schema: Run },
      202: { description: "Not decided yet.", schema: Run },
      404: { description: "NOT_FOUND" },
      ...refusals,
    },
    async handle({ params: { runId }, body: { reason } }, { sender, signal }) {
      const before = await loadRun(runs, runId);
      await act(runId, { sender, ...defined({ reason }) });
      const run = await waitForRun(deps, runs, { runId, signal, isDone: (seen) => isDone(seen, before) });
      return json(isDone(run, before) ? 200 : 202, toRun(run));
    },
  });
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

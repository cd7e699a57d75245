import { continueLater, defineExecutor, type Executor, type ExecutorContext, isPassing } from "@stackyard/core";
import { requireYard } from "@stackyard/core/engine";
import { parseAttemptId } from "@stackyard/core/machine";
import { PageConflictError } from "@stackyard/core/rollout";
import type { CreateHolds } from "../hold.ts";
import { type DeployConfig, type DeployProgress, type DeployStep, deployDefinition } from "./definition.ts";
import type { DeployDeps } from "./deploy-deps.ts";
import { toJob } from "./deploy-job.ts";
import { runPlan } from "./make-plan.ts";
import { openRows } from "./rows.ts";
import { runDeployment } from "./run-deployment.ts";

/**
 * Creates the executor `deploy`: sends one event to each selected stack and waits until each has arrived. Rows are
 * written before events, so that no crash sends one twice. Fails with the codes of the README.
 */
export function createDeployExecutor(createHolds: CreateHolds): Executor {
  const run = (ctx: ExecutorContext, config: DeployConfig, progress?: DeployProgress) =>
    guard(ctx, progress, () => runStep(ctx, { config, progress, createHolds }));
  return defineExecutor({
    ...deployDefinition,
    start: (ctx, config) => run(ctx, config),
    poll: run,
    cancel: run,
  });
}

interface StepInput {
  readonly config: DeployConfig;
  readonly progress: DeployProgress | undefined;
  readonly createHolds: CreateHolds;
}

async function runStep(ctx: ExecutorContext, { config, progress, createHolds }: StepInput): Promise<DeployStep> {
  const yard = requireYard(ctx);
  if ("kind" in yard) return yard;
  const job = toJob(config);
  if ("kind" in job) return job;
  const own = parseAttemptId(ctx.attempt.id);
  if (own === undefined) throw new TypeError(`"${ctx.attempt.id}" is not the id of an attempt.`);
  const { stackId, incarnation, entry, task, attempt } = own;
  const owner = { stackId, incarnation, task };
  const rows = openRows({ records: ctx.records, clock: ctx.clock, owner });
  const release = await yard.own();
  const deps: DeployDeps = { ctx, yard, release, owner, entry, attempt, rows, createHolds };
  return job.op === "plan" ? runPlan(deps, job, progress) : runDeployment(deps, job, progress);
}

const AGAIN_MS = 1_000;
const OUTAGE_MS = 5_000;

/** The next poll continues after an outage or a conflict; any other fault ends the attempt. */
function guard(
  ctx: ExecutorContext,
  progress: DeployProgress | undefined,
  work: () => Promise<DeployStep>,
): Promise<DeployStep> {
  // Nothing is known of what this call has written: the next one repeats what is not decided.
  const kept = progress ?? { next: 0, quietSince: ctx.clock.now() };
  const isOvertaken = (error: unknown) => error instanceof PageConflictError;
  return continueLater({ ctx, progress: kept, isPassing, everyMs: OUTAGE_MS }, () =>
    continueLater({ ctx, progress: kept, isPassing: isOvertaken, everyMs: AGAIN_MS }, work),
  );
}

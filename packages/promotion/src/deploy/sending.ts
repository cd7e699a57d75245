import type { Failed } from "@stackyard/core";
import { addTallies, listItems, tallyByWave } from "@stackyard/core/rollout";
import type { Planned } from "./begin-deployment.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import type { SendJob } from "./deploy-job.ts";
import { toSendLimits } from "./deploy-limits.ts";
import { createPlanCheck, findApproved, toApprovedRows, toFollowed } from "./follow-plan.ts";
import type { Fault, Operation } from "./operation.ts";
import { findTooFew, selectStacks, toLeast } from "./select-stacks.ts";
import { createSensitiveCheck } from "./sensitive-keys.ts";

/** Creates what `op: send` does, with the plan that it follows. A cancelled one follows none: it sends nothing. */
export async function createSending(deps: DeployDeps, job: SendJob): Promise<Operation | Failed> {
  const approved = deps.ctx.cancelling ? undefined : await findApproved(deps, job);
  if (approved !== undefined && "kind" in approved) return approved;
  const { event, metadata, until, failed: failedStates, create, stacks, holds, skipFrozen } = job;
  const machine = typeof stacks === "string" ? (create ?? "") : stacks.machine;
  return {
    op: "send",
    eachMs: job.eachMs,
    again: job.again,
    create,
    toLeasts: ({ waves }) => waves.map((name) => toNamedLeast(job, name)),
    observesArrived: true,
    async plan() {
      const planned = await planSend(deps, job);
      if ("kind" in planned || approved === undefined) return planned;
      return { ...toApprovedRows(planned, approved, job), ...toFollowed(deps, job) };
    },
    toRetried: () => ({ event, metadata, until, failed: failedStates, ...toFollowed(deps, job) }),
    toLimits: (state) => toSendLimits(job, state),
    toChecks: ({ state }, aims) => ({
      holds: deps.createHolds(deps.ctx, holds),
      skipFrozen,
      checkPlan: approved && createPlanCheck(deps, { job, approved, aims }),
      findSensitive: createSensitiveCheck(deps.yard, { event: state.event, metadata: state.metadata, machine }),
      machine,
    }),
    findFailure: (deployment) => findSendFailure(job, deployment),
    noteEnd: async () => {},
  };
}

function toNamedLeast({ waves }: SendJob, name: string): number {
  const wave = waves.find((each) => each.name === name);
  return wave === undefined ? 0 : toLeast(wave);
}

/** Selects the stacks of `op: send`. */
async function planSend(deps: DeployDeps, job: SendJob): Promise<Planned | Failed> {
  const { release, ctx, yard } = deps;
  const { selected, unseen } = await selectStacks(yard, job, { machine: release.machine, task: ctx.task });
  const fault = findTooFew({ selected, unseen }, job);
  if (fault !== undefined) return fault;
  const at = ctx.clock.now();
  const { event, metadata, until, failed: failedStates, waves, stacks, concurrency } = job;
  return {
    concurrency,
    event,
    metadata,
    until,
    failed: failedStates,
    waves: waves.map(({ name }) => name),
    isRule: typeof stacks !== "string",
    ...(unseen > 0 && { unseen }),
    rows: selected.map((each) => ({ ...each, try: 0, state: "waiting", at })),
  };
}

function findSendFailure(job: SendJob, deployment: Deployment): Fault | undefined {
  const { stop, sizes } = deployment.state;
  const waves = tallyByWave(deployment.state);
  const { maxFailures } = toSendLimits(job, deployment.state);
  const isTooMany = waves.some((wave, index) => wave.failed > (maxFailures[index] ?? 0));
  if (!isTooMany && stop === undefined) return findNothingHere(deployment);
  const stacks = sizes.reduce((sum, size) => sum + size, 0);
  return { code: "TOO_MANY_FAILURES", message: `${addTallies(waves).failed} of ${stacks} stacks have failed.` };
}

/** A release that no stack has, because all have something newer, has not arrived. */
function findNothingHere(deployment: Deployment): Fault | undefined {
  const rows = listItems(deployment);
  const newer = rows.filter(({ code }) => code === "NEWER_RELEASE").length;
  if (newer === 0 || rows.some(({ state }) => state === "done" || state === "unchanged")) return undefined;
  return { code: "NEWER_RELEASE", message: `No stack has this version, and ${newer} have that of a newer release.` };
}

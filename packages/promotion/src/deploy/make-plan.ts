import { type Failed, failed, running, succeeded } from "@stackyard/core";
import { isResting, type LoadedStack } from "@stackyard/core/engine";
import type { DeployProgress, DeployStep } from "./definition.ts";
import type { DeployDeps } from "./deploy-deps.ts";
import type { PlanJob, SendJob } from "./deploy-job.ts";
import { loadSendJob } from "./load-send-job.ts";
import { findSeen, loadStacks } from "./observe-stacks.ts";
import { type PlanEntry, type PlanSubject, planStack, toAims } from "./plan-entry.ts";
import { notePlan, type PlannedTask, storePlan } from "./plan-records.ts";
import { findTooFew, type Selected, selectStacks } from "./select-stacks.ts";
import { createSensitiveCheck } from "./sensitive-keys.ts";

const POLL_MS = 2_000;
const QUIET_POLL_MS = 10_000;
const QUIET_AFTER_MS = 60_000;

/** Makes the plan of tasks and sends nothing. Stacks that move are waited for. */
export async function runPlan(
  deps: DeployDeps,
  job: PlanJob,
  progress: DeployProgress | undefined,
): Promise<DeployStep> {
  const { ctx } = deps;
  const now = ctx.clock.now();
  if (ctx.cancelling) return failed({ code: "DEPLOY_CANCELLED", message: "The plan was cancelled.", retryable: false });
  const jobs = await findJobs(deps, job.of);
  if ("kind" in jobs) return jobs;
  const selections = new Map<string, readonly Selected[]>();
  let unseen = 0;
  for (const [task, send] of jobs) {
    const found = await selectStacks(deps.yard, send, { machine: deps.release.machine, task });
    const fault = findTooFew(found, send);
    if (fault !== undefined) return fault;
    selections.set(task, found.selected);
    unseen += found.unseen;
  }
  const ids = [...selections.values()].flat().map(({ stack }) => stack);
  const loaded = await loadStacks(deps.yard, [...new Set(ids)]);
  const since = progress?.quietSince ?? now;
  const moving = [...loaded.values()].filter(({ stack }) => stack !== undefined && !isResting(stack));
  if (moving.length > 0 && now < since + job.eachMs) {
    const message = `${moving.length} of ${ids.length} stacks move. The plan waits.`;
    const pollAfterMs = now - since >= QUIET_AFTER_MS ? QUIET_POLL_MS : POLL_MS;
    return running({ progress: { next: 0, quietSince: since }, pollAfterMs, message });
  }
  const entries = await planAll(deps, { job, jobs, selections, loaded });
  const { id, machine } = deps.release;
  const tasks = [...jobs].map(([task, send]) => toPlannedTask(task, send));
  const hidden = unseen > 0 ? { unseen } : {};
  const plan = await storePlan(ctx, { version: 1, release: { id, machine }, tasks, entries, ...hidden });
  for (const task of [ctx.task, ...jobs.keys()]) {
    await notePlan({ records: ctx.records, clock: ctx.clock, owner: { ...deps.owner, task } }, plan.digest);
  }
  ctx.report(plan.summary);
  return succeeded({ digest: plan.digest, stacks: entries.length, summary: plan.summary, ...hidden });
}

/** Returns what the tasks would send, by their names. */
async function findJobs(
  { yard }: DeployDeps,
  tasks: readonly string[],
): Promise<ReadonlyMap<string, SendJob> | Failed> {
  const jobs = new Map<string, SendJob>();
  for (const task of tasks) {
    const job = await loadSendJob(yard, task);
    if (!("op" in job)) return job;
    jobs.set(task, job);
  }
  return jobs;
}

/** Returns what a plan says about a task as a whole. */
export function toPlannedTask(task: string, { op: _, plan: __, ...job }: SendJob): PlannedTask {
  return { task, ...job };
}

interface Selections {
  readonly job: PlanJob;
  readonly jobs: ReadonlyMap<string, SendJob>;
  readonly selections: ReadonlyMap<string, readonly Selected[]>;
  readonly loaded: ReadonlyMap<string, LoadedStack>;
}

async function planAll(deps: DeployDeps, { job, jobs, selections, loaded }: Selections): Promise<readonly PlanEntry[]> {
  const entries: PlanEntry[] = [];
  for (const [task, send] of jobs) {
    const subject = toSubject(deps, { task, job: send, show: job.show });
    for (const { stack, wave } of selections.get(task) ?? []) {
      const present = findSeen(loaded, stack);
      entries.push(await planStack(deps.yard, present, { subject, wave: send.waves[wave]?.name ?? "" }));
    }
  }
  return entries;
}

/** Returns the facts that decide the entries of one task. */
export function toSubject(
  deps: DeployDeps,
  { task, job, show }: { readonly task: string; readonly job: SendJob; readonly show: readonly string[] },
): PlanSubject {
  const { release, ctx, yard } = deps;
  const { event, metadata, stacks, create } = job;
  const aims = toAims(job, release, ctx.clock.now());
  const machine = typeof stacks === "string" ? (create ?? "") : stacks.machine;
  return { task, job, aims, show, findSensitive: createSensitiveCheck(yard, { event, metadata, machine }) };
}

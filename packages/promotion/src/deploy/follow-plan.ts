import { chunk, defined, type Failed, failed, isStackyardError, mapLimited } from "@stackyard/core";
import { isResting, type LoadedStack, type SeenStack } from "@stackyard/core/engine";
import { listItems } from "@stackyard/core/rollout";
import type { Planned } from "./begin-deployment.ts";
import { withChanges } from "./change-deployment.ts";
import { type Aims, decideRow, end, isOwn } from "./decide-row.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import type { SendJob } from "./deploy-job.ts";
import type { DeployRow, DeployState } from "./deploy-row.ts";
import { toPlannedTask, toSubject } from "./make-plan.ts";
import { findSeen, loadStacks, toObserved } from "./observe-stacks.ts";
import { type Checks, isReady } from "./observe-waiting.ts";
import { formatDifferences, listDifferences, type PlanEntry, planStack } from "./plan-entry.ts";
import { findPlan, findPlanDigest } from "./plan-records.ts";

/** The approved entries of one task, by stack. */
export type Approved = ReadonlyMap<string, PlanEntry>;

/**
 * Returns what the plan says about the task; undefined: it follows none. Only the last plan that names the task counts: an
 * earlier one may have been rejected, or be of an earlier stack of the same id.
 */
export async function findApproved(deps: DeployDeps, job: SendJob): Promise<Approved | Failed | undefined> {
  if (job.plan === undefined) return undefined;
  const { task, records, clock } = deps.ctx;
  const last = await findPlanDigest({ records, clock, owner: deps.owner });
  const plan = job.plan === last ? await findPlan(deps.ctx, job.plan) : undefined;
  const planned = plan?.tasks.find((each) => each.task === task);
  if (plan === undefined || planned === undefined) {
    const message = `${describeUnknown(job.plan, last)} Make one with op: plan, of: [${task}], before this task.`;
    return failed({ code: "PLAN_UNKNOWN", message, retryable: false });
  }
  const differing = listDifferences(planned, toPlannedTask(task, job));
  if (differing.length > 0) {
    const message = `The task is not as the plan ${job.plan} says: ${differing.join(", ")}. Make another plan.`;
    return failed({ code: "PLAN_STALE", message, retryable: false });
  }
  return new Map(plan.entries.filter((entry) => entry.task === task).map((entry) => [entry.stack, entry]));
}

function describeUnknown(plan: string, last: string | undefined): string {
  if (plan === "") return "The task follows a plan that was not made yet.";
  return last === undefined
    ? `No plan ${plan} names it.`
    : `The plan ${plan} is not the last one that names it, ${last}.`;
}

/** Returns the rows as the plan has them, with its waves: stacks that it lacks are left alone. */
export function toApprovedRows(
  { rows, ...planned }: Planned,
  approved: Approved,
  { waves }: Pick<SendJob, "waves">,
): Planned {
  const selected = new Map(rows.map((row) => [row.stack, row]));
  const at = rows[0]?.at ?? 0;
  const known = [...approved.values()].map((entry): DeployRow => {
    const wave = Math.max(
      0,
      waves.findIndex(({ name }) => name === entry.wave),
    );
    const row = selected.get(entry.stack);
    const incarnation = entry.incarnation ?? undefined;
    return { ...(row ?? { stack: entry.stack, try: 0, state: "waiting", at }), wave, ...defined({ incarnation }) };
  });
  const last = waves.length - 1;
  const others = rows
    .filter(({ stack }) => !approved.has(stack))
    .map((row): DeployRow => {
      const message = "The plan does not name this stack. It is not changed.";
      return { ...row, wave: last, state: "skipped", code: "NOT_IN_PLAN", message };
    });
  return { ...planned, rows: [...known, ...others].sort((a, b) => a.wave - b.wave) };
}

/** Returns the plan that a task follows, and who has approved it. */
export function toFollowed(
  { release }: Pick<DeployDeps, "release">,
  { plan }: Pick<SendJob, "plan">,
): Pick<DeployState, "plan" | "approval"> {
  const [found] = Object.entries(release.approved ?? {}).filter(([, { of }]) => of === plan);
  if (found === undefined) return defined({ plan });
  const [task, { by, at, settled }] = found;
  return defined({ plan, approval: { task, by, at, ...defined({ settled }) } });
}

/** Creates the check of one stack before its event: it is planned again, and must be as it was approved. */
export function createPlanCheck(
  deps: DeployDeps,
  { job, approved, aims }: { readonly job: SendJob; readonly approved: Approved; readonly aims: Aims },
): NonNullable<Checks["checkPlan"]> {
  return async (row, loaded) => {
    const planned = approved.get(row.stack);
    if (planned === undefined) return stale(row, aims, "The plan does not name this stack.");
    const subject = toSubject(deps, { task: planned.task, job, show: Object.keys(planned.show) });
    const present = await planStack(deps.yard, loaded, { subject, wave: planned.wave });
    const isOurs = hasOurs(row, { loaded, aims, present });
    const left = isOurs ? undefined : await findWhyLeft(deps, job, loaded);
    if (left !== undefined) return stale(row, aims, `Since the plan: ${left}`);
    const isBegun = isOurs || hasSent(loaded, aims);
    const differences = listDifferences(planned, present).filter((key) => {
      return (!isOurs || key === REVISION) && !(isBegun && key === READS);
    });
    if (differences.length === 0) return row;
    return stale(row, aims, `Since the plan: ${formatDifferences(planned, present, differences)}.`);
  };
}

/**
 * A value that this release has sent already is not a change since the plan: of such a stack only the machine must be the
 * same. Its row shows before that whether it was removed and created again.
 */
const REVISION = "revision" satisfies keyof PlanEntry;

/** What another task of this release has sent does not count as a change by others. */
const READS = "reads" satisfies keyof PlanEntry;

function hasSent({ stack }: LoadedStack, { release }: Aims): boolean {
  return Object.values(stack?.releases ?? {}).some(({ id, createdAt }) => {
    return id === release.id && createdAt === release.createdAt;
  });
}

interface Present {
  readonly loaded: LoadedStack;
  readonly aims: Aims;
  readonly present: PlanEntry;
}

/**
 * Returns whether the values of the stack are those of this release: this task has sent them, or another one of the
 * release, so that nothing is left to be sent.
 */
function hasOurs({ try: tries }: DeployRow, { loaded: { stack }, aims, present }: Present): boolean {
  return stack !== undefined && isOwn(stack, aims) && (tries > 0 || present.does === "same");
}

/** Returns why another plan would not name the stack; undefined: it would. */
async function findWhyLeft(
  { yard }: DeployDeps,
  { stacks }: SendJob,
  { stack }: LoadedStack,
): Promise<string | undefined> {
  if (stack === undefined || typeof stacks === "string" || stacks.where === undefined) return undefined;
  try {
    const fitting = await yard.keepFitting(stacks.where, [stack]);
    return fitting.length > 0 ? undefined : "the stack does not fit `where` any more.";
  } catch (error) {
    // If it is unknown for one stack whether it fits, the others are on their way.
    if (isStackyardError(error, "USAGE")) return error.message;
    throw error;
  }
}

function stale(row: DeployRow, aims: Aims, message: string): DeployRow {
  return end(row, aims, { state: "failed", code: "PLAN_STALE", message: `${message} Make another plan.` });
}

const AT_ONCE = 50;

/**
 * Compares all stacks with the plan before the first event. Those that move are waited for, as long as `each`; after
 * that they are compared before their own event only.
 */
export async function checkAll(
  deps: DeployDeps,
  given: Deployment,
  { aims, checkPlan }: PlanChecks,
): Promise<Deployment> {
  const whole = await deps.rows.loadAll(given);
  const open = listItems(whole).filter(({ state, isPlanned }) => state === "waiting" && isPlanned !== true);
  const parts = await mapLimited(chunk(open, AT_ONCE), 1, (part) => checkRows(deps, part, { aims, checkPlan }));
  const results = parts.flat();
  const changes = new Map(results.filter(({ row, after }) => after !== row).map(({ after }) => [after.stack, after]));
  const isChecked = !results.some(({ isMoving }) => isMoving) || aims.now >= given.state.startedAt + aims.eachMs;
  if (!isChecked && changes.size === 0) return given;
  const changed = withChanges(whole, changes);
  const checked = isChecked ? { ...changed, state: { ...changed.state, isChecked: true as const } } : changed;
  await deps.rows.save(checked);
  return checked;
}

interface PlanChecks {
  readonly aims: Aims;
  readonly checkPlan: NonNullable<Checks["checkPlan"]>;
}

async function checkRows({ yard }: DeployDeps, rows: readonly DeployRow[], checks: PlanChecks) {
  const loaded = await loadStacks(
    yard,
    rows.map(({ stack }) => stack),
  );
  const checked = [];
  for (const row of rows) {
    const present = findSeen(loaded, row.stack);
    const isMoving = present.stack !== undefined && !isResting(present.stack);
    checked.push({ row, after: await checkRow(row, present, checks), isMoving });
  }
  return checked;
}

async function checkRow(row: DeployRow, loaded: SeenStack, { aims, checkPlan }: PlanChecks): Promise<DeployRow> {
  const observed = decideRow(row, toObserved(loaded), aims);
  if (!isReady(observed) && observed.state !== "unchanged") return observed;
  const checked = await checkPlan(observed, loaded);
  return isReady(checked) ? { ...row, isPlanned: true } : checked;
}

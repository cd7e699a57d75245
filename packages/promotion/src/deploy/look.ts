import { defined } from "@stackyard/core";
import { addTallies, advanceWave, listItems, type Stop } from "@stackyard/core/rollout";
import { recoverSent } from "./begin-deployment.ts";
import type { Call, Course, Seen } from "./call.ts";
import { withChanges, withStop } from "./change-deployment.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import { findAlarmsSince } from "./deploy-row.ts";
import { observeLost } from "./observe-stacks.ts";
import { observeWaiting } from "./observe-waiting.ts";
import { sendEvents } from "./send-rows.ts";

/** Looks at what waits in the present wave, until no further wave begins. */
export async function look(deps: DeployDeps, given: Course, call: Call): Promise<Seen> {
  for (let course = given; ; ) {
    const begun = await beginWave(deps, course, call);
    const { ready, ...observed } = await observeDue(deps, begun, call);
    const repeated = await repeatAhead(deps, observed, call);
    course = await beginWave(deps, repeated, call);
    if (course.deployment.state.wave === repeated.deployment.state.wave) return { ...course, ready };
  }
}

/** An alarm since the first event ends the task, also while nothing is left to be sent. */
export async function observeAlarms(course: Course, { checks }: Pick<Call, "checks">): Promise<Course> {
  const { stop, tallies } = course.deployment.state;
  const since = findAlarmsSince(course.deployment.state);
  const { waiting, sent } = addTallies(tallies.flat());
  const isDue = course.observesWaiting || waiting + sent === 0;
  if (!isDue || stop !== undefined || since === undefined) return course;
  const hold = await checks.holds?.watch?.(since);
  if (hold?.kind === "closed" && hold.code === "GATE_UNAVAILABLE") return { ...course, unknown: hold.message };
  if (hold?.kind !== "fails") return course;
  const { code, message } = hold;
  const deployment = withStop(course.deployment, { code, message, retryable: false });
  return { ...course, deployment, hasChanged: true };
}

/** Before a wave begins and before the task ends, what has arrived is observed again: it may have broken in the pause. */
async function beginWave(deps: DeployDeps, given: Course, call: Call): Promise<Course> {
  const { limits, leasts, aims } = call;
  const { state } = given.deployment;
  const { waiting, sent } = addTallies(state.tallies.flat());
  const begins = advanceWave(state, limits, aims.now).wave !== state.wave;
  const isKept = !call.observesArrived || state.stop !== undefined || (!begins && waiting + sent > 0);
  if (isKept) return withWave(given, call);
  const observed = await observeArrived(deps, given, call);
  const untried = begins ? findUntried(observed.deployment, leasts) : undefined;
  if (untried === undefined) return withWave(observed, call);
  return withWave({ ...observed, deployment: withStop(observed.deployment, untried), hasChanged: true }, call);
}

/** The stacks of a wave that begins are observed at once. */
function withWave(course: Course, { limits, aims }: Call): Course {
  const { deployment } = course;
  const state = advanceWave(deployment.state, limits, aims.now);
  if (state === deployment.state) return course;
  const observesWaiting = course.observesWaiting || state.wave !== deployment.state.wave;
  return { ...course, deployment: { ...deployment, state }, observesWaiting, hasChanged: true };
}

/** Observes what has arrived again, once in a call. */
async function observeArrived(deps: DeployDeps, course: Course, { aims }: Call): Promise<Course> {
  if (course.hasObservedArrived) return course;
  const deployment = await deps.rows.loadAll(course.deployment);
  const changes = await observeLost(deps, listItems(deployment), aims);
  const hasChanged = course.hasChanged || changes.size > 0;
  return { ...course, deployment: withChanges(deployment, changes), hasChanged, hasObservedArrived: true };
}

/**
 * Observes what has arrived before the first event of a wave, and of a retry: a freeze or a window may have held the wave
 * since it began, and a retry may be within it.
 */
export async function observeBeforeFirst(deps: DeployDeps, seen: Seen, call: Call): Promise<Seen> {
  const { state } = seen.deployment;
  if (!call.observesArrived || state.checkedWave === state.wave) return seen;
  const { done, unchanged } = addTallies(state.tallies.flat());
  const { deployment, ...observed } = done + unchanged === 0 ? seen : await observeArrived(deps, seen, call);
  const checked = { ...deployment, state: { ...deployment.state, checkedWave: deployment.state.wave } };
  return { ...observed, ready: seen.ready, deployment: checked };
}

const UNTRIED: ReadonlySet<string | undefined> = new Set(["FROZEN", "STACK_REMOVED"]);

/** A wave whose stacks were skipped as frozen, or are gone, has not tried the version for the others. */
function findUntried(deployment: Deployment, leasts: readonly number[]): Stop | undefined {
  const { wave, waves } = deployment.state;
  const rows = listItems(deployment).filter((row) => row.wave === wave);
  const untried = rows.filter(({ state, code }) => state === "skipped" && UNTRIED.has(code));
  if (untried.length === 0 || rows.length - untried.length >= (leasts[wave] ?? 0)) return undefined;
  const codes = [...new Set(untried.map(({ code }) => code))].join(", ");
  const message = `${untried.length} of ${rows.length} stacks of the wave "${waves[wave]}" were skipped (${codes}), so too few have tried the version. Retry after the freeze, add stacks to the wave, or set its min: 0.`;
  return { code: "TOO_FEW_STACKS", message, retryable: false };
}

/** Observes waiting rows when they are due, and may be sent to. */
async function observeDue(deps: DeployDeps, course: Course, { aims, checks, limits }: Call): Promise<Seen> {
  const { state } = course.deployment;
  const wanted = limits.concurrency - addTallies(state.tallies.flat()).sent;
  const isPaused = state.waveEndedAt !== undefined;
  if (!course.observesWaiting || wanted <= 0 || state.stop !== undefined || isPaused) return { ...course, ready: [] };
  const observed = await observeWaiting(deps, course.deployment, { aims, checks, wanted });
  const { deployment, ready, changes, fails, until } = observed;
  const changed = withChanges(deployment, changes);
  return {
    ...course,
    ready,
    deployment: fails === undefined ? changed : withStop(changed, { ...fails, retryable: false }),
    hasChanged: course.hasChanged || changes.size > 0 || fails !== undefined,
    ...defined({ until }),
  };
}

/** Sends what a call that died was about to send, on pages that were loaded only now. */
async function repeatAhead(deps: DeployDeps, course: Course, call: Call): Promise<Course> {
  const { deployment, ahead } = await recoverSent(deps.rows, course.deployment);
  if (ahead.length === 0) return course;
  await sendEvents(deps, ahead, call);
  return { ...course, deployment, hasChanged: true };
}

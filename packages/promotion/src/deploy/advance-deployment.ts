import { defined } from "@stackyard/core";
import type { ReleaseEvent } from "@stackyard/core/engine";
import {
  type Action,
  addTallies,
  advanceWave,
  decideRollout,
  type Limits,
  listItems,
  type Stop,
  updateItems,
} from "@stackyard/core/rollout";
import { recoverSent } from "./begin-deployment.ts";
import type { Changes, DeployDeps, Deployment } from "./deploy-deps.ts";
import { type DeployRow, findAlarmsSince, toRow } from "./deploy-row.ts";
import { type Checks, type Examined, examineWaiting } from "./examine-waiting.ts";
import { type Aims, EVENT_MS, end } from "./observe-row.ts";
import { observeLost, observeSent } from "./observe-stacks.ts";

/** What one call does with a deployment. */
export interface Advance {
  readonly aims: Aims;
  readonly checks: Checks;
  readonly limits: Limits;
  /** How many stacks each wave needs that were not skipped as frozen. */
  readonly leasts: readonly number[];
  /** The machine of a stack that may be created. */
  readonly create?: string;
  /** False: waiting rows are not examined this time, unless there is something else to do. */
  readonly examines: boolean;
  /** A call may have died between writing rows and sending their events. */
  readonly repeats: boolean;
  readonly isCancelled: boolean;
}

/** A deployment after one call. */
export interface Advanced {
  readonly deployment: Deployment;
  readonly isOver: boolean;
  readonly hasChanged: boolean;
  readonly hasExamined: boolean;
  /** The next known instant at which something may be sent. */
  readonly until?: number;
  /** Why it is not over, although nothing is on its way: what must be known cannot be read. */
  readonly unknown?: string;
}

/** Looks at what is on its way, sends what may be sent, and writes both down. Without a change it writes nothing. */
export async function advanceDeployment(deps: DeployDeps, given: Deployment, advance: Advance): Promise<Advanced> {
  const { aims, isCancelled, repeats } = advance;
  const sent = listItems(given).filter(({ state }) => state === "sent");
  const { changes, undecided } = await observeSent(deps, sent, aims);
  const deployment = withChanges(given, changes);
  if (isCancelled) {
    const dropped = await drop(deps, deployment, CANCELLED);
    await deps.rows.save(dropped);
    return { deployment: dropped, isOver: undecided.length === 0, hasChanged: changes.size > 0, hasExamined: false };
  }
  if (repeats && undecided.length > 0) await deps.yard.send(undecided.map((row) => toEvent(row, advance)));
  const hasChanged = changes.size > 0;
  return sendReady(deps, { deployment, hasChanged, examines: advance.examines || hasChanged }, advance);
}

const CANCELLED: Stop = { code: "DEPLOY_CANCELLED", message: "The deployment was cancelled.", retryable: false };

/** Replaces rows. */
export function withChanges(deployment: Deployment, changes: Changes): Deployment {
  return changes.size === 0 ? deployment : updateItems(deployment, toRow, (row) => changes.get(row.stack) ?? row);
}

/** One pass of a call. */
interface Pass {
  readonly deployment: Deployment;
  readonly hasChanged: boolean;
  readonly examines: boolean;
  /** What has arrived was checked again in this call. */
  readonly hasLooked?: true;
  readonly until?: number;
  readonly unknown?: string;
}

/** An alarm since the first event ends the task, also while nothing is left to be sent. */
async function watch(pass: Pass, { checks }: Advance): Promise<Pass> {
  const { stop, tallies } = pass.deployment.state;
  const since = findAlarmsSince(pass.deployment.state);
  const { waiting, sent } = addTallies(tallies.flat());
  const isDue = pass.examines || waiting + sent === 0;
  if (!isDue || stop !== undefined || since === undefined) return pass;
  const hold = await checks.holds?.watch?.(since);
  if (hold?.kind === "closed" && hold.code === "GATE_UNAVAILABLE") return { ...pass, unknown: hold.message };
  if (hold?.kind !== "fails") return pass;
  const { code, message } = hold;
  const deployment = withStop(pass.deployment, { code, message, retryable: false });
  return { ...pass, deployment, hasChanged: true };
}

async function sendReady(deps: DeployDeps, given: Pass, advance: Advance): Promise<Advanced> {
  let pass = await watch(given, advance);
  for (;;) {
    const begun = withWave(await lookBack(deps, pass, advance), advance);
    const { ready, ...looked } = await examine(deps, begun, advance);
    const examined = await sendAhead(deps, looked, advance);
    pass = withWave(await lookBack(deps, examined, advance), advance);
    if (pass.deployment.state.wave !== examined.deployment.state.wave) continue;
    const { action, ...decided } = await decideNext(deps, { ...pass, ready }, advance);
    pass = decided;
    if (action.kind === "drop") {
      pass = { ...pass, deployment: await drop(deps, pass.deployment, action.stop), hasChanged: true };
    } else if (action.kind === "send") {
      pass = await sendRows(deps, pass, { advance, ready: ready.slice(0, action.most) });
    } else {
      if (pass.hasChanged) await deps.rows.save(pass.deployment);
      return toAdvanced(pass, action, given.examines || pass.examines);
    }
  }
}

/** Sends what a call that died was about to send, on pages that were loaded only now. */
async function sendAhead(deps: DeployDeps, pass: Pass, advance: Advance): Promise<Pass> {
  const { deployment, ahead } = await recoverSent(deps.rows, pass.deployment);
  if (ahead.length === 0) return pass;
  await deps.yard.send(ahead.map((row) => toEvent(row, advance)));
  return { ...pass, deployment, hasChanged: true };
}

/** Decides what is next; what has arrived is checked before the first event of a wave. */
async function decideNext(
  deps: DeployDeps,
  { ready, ...pass }: Pass & Pick<Examined, "ready">,
  advance: Advance,
): Promise<Pass & { readonly action: Action }> {
  const action = decideAction(pass.deployment, ready, advance);
  if (action.kind !== "send" || isChecked(pass.deployment, advance)) return { ...pass, action };
  const checked = await checkArrived(deps, pass, advance);
  return { ...checked, action: decideAction(checked.deployment, ready, advance) };
}

/** Stacks that wait may be held back, each for its own reason. */
function decideAction({ state }: Deployment, ready: readonly DeployRow[], { limits, aims }: Advance): Action {
  const action = decideRollout(state, limits, aims.now);
  return action.kind === "send" && ready.length === 0 ? { kind: "wait" } : action;
}

function toAdvanced({ deployment, hasChanged, until, unknown }: Pass, action: Action, hasExamined: boolean): Advanced {
  const opensAt = action.kind === "wait" ? action.until : undefined;
  const isOver = action.kind === "settle" && unknown === undefined;
  return { deployment, isOver, hasChanged, hasExamined, ...defined({ until: opensAt ?? until, unknown }) };
}

/** Before a wave begins and before the task ends, what has arrived is checked again: it may have broken in the pause. */
async function lookBack(deps: DeployDeps, pass: Pass, { aims, limits, leasts }: Advance): Promise<Pass> {
  const { state } = pass.deployment;
  const { waiting, sent } = addTallies(state.tallies.flat());
  const begins = advanceWave(state, limits, aims.now).wave !== state.wave;
  if (aims.op === "undo" || state.stop !== undefined || (!begins && waiting + sent > 0)) return pass;
  const looked = await look(deps, pass, aims);
  const untried = begins ? findUntried(looked.deployment, leasts) : undefined;
  if (untried === undefined) return looked;
  return { ...looked, deployment: withStop(looked.deployment, untried), hasChanged: true };
}

/** Checks again what has arrived, once in a call. */
async function look(deps: DeployDeps, pass: Pass, aims: Aims): Promise<Pass> {
  if (pass.hasLooked) return pass;
  const deployment = await deps.rows.loadAll(pass.deployment);
  const changes = await observeLost(deps, listItems(deployment), aims);
  const hasChanged = pass.hasChanged || changes.size > 0;
  return { ...pass, deployment: withChanges(deployment, changes), hasChanged, hasLooked: true };
}

/** A freeze or a window may have held a wave since it began, and a retry may be within it. */
function isChecked({ state }: Deployment, { aims }: Advance): boolean {
  return aims.op === "undo" || state.checkedWave === state.wave;
}

/** Before the first event of a wave, and of a retry, what has arrived is checked again. */
async function checkArrived(deps: DeployDeps, pass: Pass, { aims }: Advance): Promise<Pass> {
  const { done, unchanged } = addTallies(pass.deployment.state.tallies.flat());
  const looked = done + unchanged === 0 ? pass : await look(deps, pass, aims);
  const { deployment } = looked;
  return {
    ...looked,
    deployment: { ...deployment, state: { ...deployment.state, checkedWave: deployment.state.wave } },
  };
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

/** The stacks of a wave that begins are examined at once. */
function withWave(pass: Pass, { limits, aims }: Advance): Pass {
  const { deployment } = pass;
  const state = advanceWave(deployment.state, limits, aims.now);
  if (state === deployment.state) return pass;
  const examines = pass.examines || state.wave !== deployment.state.wave;
  return { ...pass, deployment: { ...deployment, state }, examines, hasChanged: true };
}

async function examine(
  deps: DeployDeps,
  pass: Pass,
  { aims, checks, limits }: Advance,
): Promise<Pass & Pick<Examined, "ready">> {
  const { state } = pass.deployment;
  const wanted = limits.concurrency - addTallies(state.tallies.flat()).sent;
  const isPaused = state.waveEndedAt !== undefined;
  if (!pass.examines || wanted <= 0 || state.stop !== undefined || isPaused) return { ...pass, ready: [] };
  const { deployment, ready, changes, fails, until } = await examineWaiting(deps, pass.deployment, {
    aims,
    checks,
    wanted,
  });
  const changed = withChanges(deployment, changes);
  return {
    ...pass,
    ready,
    deployment: fails === undefined ? changed : withStop(changed, { ...fails, retryable: false }),
    hasChanged: pass.hasChanged || changes.size > 0 || fails !== undefined,
    ...defined({ until }),
  };
}

function withStop(deployment: Deployment, stop: Stop): Deployment {
  return { ...deployment, state: { ...deployment.state, stop: deployment.state.stop ?? stop } };
}

/** Sends nothing more: rows that wait are never sent to. */
async function drop(deps: DeployDeps, deployment: Deployment, stop: Stop): Promise<Deployment> {
  const whole = withStop(await deps.rows.loadAll(deployment), stop);
  const at = { now: deps.ctx.clock.now() };
  return updateItems(whole, toRow, (row) => {
    return row.state === "waiting" ? end(row, at, { ...row, state: "unsent" }) : row;
  });
}

interface Sending {
  readonly advance: Advance;
  readonly ready: readonly DeployRow[];
}

/** Writes the rows as sent, then sends their events: a call that dies in between is repeated under the same ids. */
async function sendRows(deps: DeployDeps, pass: Pass, { advance, ready }: Sending): Promise<Pass> {
  const { now } = advance.aims;
  const { next } = pass.deployment.state;
  const sent = ready.map((row): DeployRow => ({ ...toSent(row, now), batch: next }));
  const noted = withChanges(pass.deployment, toChanges(sent));
  const state = { ...noted.state, next: next + 1, firstSentAt: noted.state.firstSentAt ?? now };
  const deployment = { ...noted, state };
  await deps.rows.save(deployment);
  const results = await deps.yard.send(sent.map((row) => toEvent(row, advance)));
  const refused = sent.flatMap((row, index) => {
    const result = results[index];
    if (result?.kind !== "refused") return [];
    return [end(row, advance.aims, { state: "failed", code: result.code, message: result.reason })];
  });
  const hasRefused = refused.length > 0;
  return {
    ...pass,
    deployment: withChanges(deployment, toChanges(refused)),
    hasChanged: hasRefused,
    examines: hasRefused,
  };
}

function toSent(row: DeployRow, now: number): DeployRow {
  return { ...row, state: "sent", try: row.try + 1, at: now, sentAt: now };
}

function toChanges(rows: readonly DeployRow[]): Changes {
  return new Map(rows.map((row) => [row.stack, row]));
}

/** Returns the event of a row that was written as sent: always the same one. */
function toEvent(row: DeployRow, { aims, create }: Pick<Advance, "aims" | "create">): ReleaseEvent {
  const { stack, try: tries, expect = 0, sentAt = 0, from = {}, onlyNotes } = row;
  const expiresAt = sentAt + EVENT_MS;
  const event = { stackId: stack, event: aims.event, try: tries, expect, expiresAt, ...defined({ onlyNotes }) };
  if (aims.op === "send") return { ...event, metadata: aims.metadata, ...defined({ machine: create }) };
  const entries = Object.entries(from);
  return {
    ...event,
    metadata: Object.fromEntries(entries.map(([key, { value = null }]) => [key, value])),
    restores: Object.fromEntries(entries.map(([key, { release = null }]) => [key, release])),
  };
}

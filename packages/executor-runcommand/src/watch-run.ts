import { decideAbsence } from "@stackyard/aws";
import { defined, mapLimited } from "@stackyard/core";
import { listItems } from "@stackyard/core/rollout";
import { AwsCallError, type FleetAws } from "./call-fleet.ts";
import { INSTANCE_GONE, isUnreachable } from "./count-instances.ts";
import {
  findCommand,
  type Invocation,
  type InvocationOutput,
  listInvocations,
  loadOutput,
  type SentCommand,
} from "./fleet-calls.ts";
import { addInstances, type FleetRun, isWaiting, toWaiting, updateInstances, withUnseen } from "./fleet-run.ts";
import { isFinalStatus, toInstanceState, toPlainStatus } from "./instance-state.ts";
import { RATE_EXCEEDED } from "./next-action.ts";
import { toSkipped } from "./plan-run.ts";
import type { FleetInstanceReport } from "./report-page.ts";
import { isLost, noteGone, noteLost } from "./watch-gone.ts";

/** Calls at a time: SSM's rates are per account, and others work there too. */
const AT_ONCE = 4;

/** The most outputs that one poll loads; the next poll loads the rest. */
const MAX_OUTPUTS = 200;

/** A run after a look at SSM. */
export interface WatchedRun {
  readonly run: FleetRun;
  /** True if some failures were left for the next poll. */
  readonly isPartial: boolean;
  /** Those that have ended since. */
  readonly ended: readonly FleetInstanceReport[];
}

/**
 * Loads the open commands of a run from SSM, and the outputs of failures. `longestMs`: how long an agent works on a command at
 * most.
 */
export async function watchRun(
  aws: FleetAws,
  run: FleetRun,
  longestMs = Number.POSITIVE_INFINITY,
): Promise<WatchedRun> {
  const commandIds = listOpenCommands(run);
  if (commandIds.length === 0) return { run, isPartial: false, ended: [] };
  const command = await findFleetCommand(aws, run);
  const invocations = (await mapLimited(commandIds, AT_ONCE, (commandId) => listInvocations(aws, commandId))).flat();
  const failures = findNewFailures(run, invocations);
  const outputs = await loadOutputs(aws, failures.slice(0, MAX_OUTPUTS));
  const left = new Set(failures.slice(MAX_OUTPUTS));
  const looked = invocations.filter((invocation) => !left.has(invocation));
  const now = aws.clock.now();
  const known = noteInvocations(run, { invocations: looked, outputs, now });
  const there = await noteGone(aws, await noteMissing(aws, known, invocations));
  const noted = await noteLost(aws, there, longestMs);
  const isPartial = left.size > 0;
  return {
    run: isPartial ? noted : noteStatus(noted, command, { listed: invocations.length, now }),
    isPartial,
    ended: listEnded(run, noted),
  };
}

/** Loads the commands of instances that are missing from the invocations for too long. */
async function noteMissing(aws: FleetAws, run: FleetRun, invocations: readonly Invocation[]): Promise<FleetRun> {
  const now = aws.clock.now();
  let noted = run;
  for (const commandId of findUnbegun(run, invocations, now)) {
    const command = await findCommand(aws, commandId);
    if (command !== undefined) noted = noteUnbegun(noted, command, { invocations, now });
  }
  return noted;
}

/** Commands that have not ended on all of their instances. */
export function listOpenCommands(run: FleetRun): readonly string[] {
  const { fleetCommand } = run.state;
  const own = listItems(run).flatMap(({ state, commandId }) =>
    state === "running" && commandId !== undefined ? [commandId] : [],
  );
  const fleet = fleetCommand === undefined || isFinalStatus(fleetCommand.status) ? [] : [fleetCommand.commandId];
  return [...new Set([...own, ...fleet])];
}

/** Finds the fleet's command. Read before the invocations, so that they include everything that ended before it. */
async function findFleetCommand(aws: FleetAws, { state }: FleetRun): Promise<SentCommand | undefined> {
  const { fleetCommand } = state;
  if (fleetCommand === undefined || isFinalStatus(fleetCommand.status)) return undefined;
  return findCommand(aws, fleetCommand.commandId);
}

async function loadOutputs(aws: FleetAws, failures: readonly Invocation[]): Promise<Map<string, InvocationOutput>> {
  const loaded = await mapLimited(failures, AT_ONCE, async ({ instanceId, commandId }) => {
    try {
      return [instanceId, await loadOutput(aws, commandId, instanceId)] as const;
    } catch (error) {
      // The failure is known even without its output.
      if (!(error instanceof AwsCallError)) throw error;
      return [instanceId, {}] as const;
    }
  });
  return new Map(loaded);
}

function listEnded(before: FleetRun, after: FleetRun): readonly FleetInstanceReport[] {
  const open = new Map(listItems(before).map((instance) => [instance.instanceId, instance.state]));
  return listItems(after).filter(
    ({ instanceId, state }) => state !== "running" && state !== "not-sent" && isOpenState(open.get(instanceId)),
  );
}

function isOpenState(state: string | undefined): boolean {
  return state === undefined || state === "running" || state === "not-sent";
}

/** SSM's news about the instances of a run. */
interface InvocationNews {
  readonly invocations: readonly Invocation[];
  /** The outputs of failed instances, by instance. */
  readonly outputs: ReadonlyMap<string, InvocationOutput>;
  readonly now: number;
}

/** Returns new failures with an output: instances that the run does not list as ended. */
export function findNewFailures(run: FleetRun, invocations: readonly Invocation[]): readonly Invocation[] {
  const byId = new Map(listItems(run).map((instance) => [instance.instanceId, instance]));
  return invocations.filter((invocation) => {
    const { code } = toInstanceState(invocation.detailedStatus);
    if (code !== "COMMAND_FAILED" && code !== "EXECUTION_TIMEOUT") return false;
    const instance = byId.get(invocation.instanceId);
    return instance === undefined ? run.state.way === "targets" : isOpen(run, instance, invocation);
  });
}

/**
 * Applies the news of the instances. If SSM found the instances itself, adds new ones; if they had been selected
 * before, an unreachable new one counts as not running. A command that has arrived at an instance without ending there
 * changes nothing, so that pages are written only for relevant changes.
 */
export function noteInvocations(run: FleetRun, { invocations, outputs, now }: InvocationNews): FleetRun {
  const byId = new Map(invocations.map((invocation) => [invocation.instanceId, invocation]));
  const { way, byInventory } = run.state;
  const noted = updateInstances(run, (instance) => {
    const invocation = byId.get(instance.instanceId);
    if (invocation === undefined || !isOpen(run, instance, invocation)) return instance;
    return leaveOut(run, toNoted(instance, invocation, { output: outputs.get(instance.instanceId), now, byInventory }));
  });
  if (way === "ids") return noted;
  const known = new Set(listItems(run).map(({ instanceId }) => instanceId));
  const added = invocations.filter(({ instanceId }) => !known.has(instanceId));
  return addInstances(
    noted,
    added.map((invocation) => {
      const instance = { instanceId: invocation.instanceId, state: "not-sent", roles: [] } as const;
      const output = outputs.get(invocation.instanceId);
      return leaveOut(run, toNoted(instance, invocation, { output, now, byInventory: false }));
    }),
  );
}

/**
 * Skips an unreachable instance that SSM found in addition to the selected ones (only those have a platform): it is not
 * running.
 */
function leaveOut({ state }: FleetRun, instance: FleetInstanceReport): FleetInstanceReport {
  const isOther = state.isPinned === true && instance.platform === undefined;
  return isOther && isUnreachable(instance) ? toSkipped(instance.instanceId, "STATE_NOT_RUNNING") : instance;
}

interface NoteInput {
  readonly output: InvocationOutput | undefined;
  readonly now: number;
  readonly byInventory: boolean;
}

function toNoted(
  instance: FleetInstanceReport,
  invocation: Invocation,
  { output, now, byInventory }: NoteInput,
): FleetInstanceReport {
  const { state, code } = toInstanceState(invocation.detailedStatus);
  const { commandId, detailedStatus, requestedAt = now, links } = invocation;
  if (state === "running" && instance.state === "running") return instance;
  const begun = { startedAt: requestedAt, ...instance, state, commandId };
  if (state === "running") return begun;
  const warning = state === "succeeded" && byInventory && instance.roles.length === 0 ? "NO_ROLES" : code;
  return {
    ...begun,
    ...defined({ code: warning, links }),
    detailedStatus,
    endedAt: now,
    ...output,
  };
}

/** Returns true if news of this command still matter for the instance. */
function isOpen({ state }: FleetRun, instance: FleetInstanceReport, { commandId }: Invocation): boolean {
  if (instance.state === "running") return instance.commandId === commandId;
  return state.way === "targets" && (isWaiting(instance) || instance.code === "NOT_SENT");
}

/**
 * Applies the state of the run's one command. SSM lists invocations some seconds late: an end counts once all of its
 * instances are listed, or once looks in a row did not show them, because a stopped command never lists the rest. It waits
 * for instances that are gone; the run does not.
 */
export function noteStatus(
  run: FleetRun,
  command: Pick<SentCommand, "commandId" | "status" | "targetCount"> | undefined,
  { listed, now }: { readonly listed: number; readonly now: number },
): FleetRun {
  const { fleetCommand } = run.state;
  if (fleetCommand === undefined || command === undefined) return run;
  const { commandId, targetCount } = command;
  const status = hasLostTheRest(run, { listed, targetCount }) ? "Success" : command.status;
  if (isFinalStatus(status) && listed < targetCount) {
    const { kind, absence } = decideAbsence(run.state.unseen?.[commandId], now);
    if (kind === "again") return withUnseen(run, commandId, absence);
  }
  const { state } = withUnseen(run, commandId, undefined);
  return { ...run, state: { ...state, fleetCommand: { ...fleetCommand, status } } };
}

/** Returns true if nothing of a command runs but on instances that are gone, or what SSM has lost. */
function hasLostTheRest(run: FleetRun, { listed, targetCount }: { listed: number; targetCount: number }): boolean {
  const items = listItems(run);
  const isAll = targetCount > 0 && listed >= targetCount && !items.some(({ state }) => state === "running");
  return isAll && !items.some(isWaiting) && items.some((each) => each.code === INSTANCE_GONE || isLost(each));
}

/** SSM lists invocations some seconds late. */
const LISTED_WITHIN_MS = 15_000;

/** The number of tries, and the pause between them, of commands that SSM rejected because the account had too many. */
const MAX_REFUSALS = 20;
const REFUSAL_PAUSE_MS = 30_000;

/** Returns commands with instances that SSM does not list. */
export function findUnbegun(run: FleetRun, invocations: readonly Invocation[], now: number): readonly string[] {
  if (run.state.way === "targets") return [];
  const listed = toKeys(invocations);
  const commandIds = listItems(run).flatMap((instance) =>
    isMissing(instance, listed) && now - (instance.startedAt ?? now) >= LISTED_WITHIN_MS ? [instance.commandId] : [],
  );
  return [...new Set(commandIds)].filter((commandId) => commandId !== undefined);
}

/**
 * Updates instances that SSM will not start, because their command has ended without them, at looks in a row. If the
 * account had too many running invocations (`Rate Exceeded`), they wait again at once.
 */
export function noteUnbegun(
  run: FleetRun,
  { commandId, status }: Pick<SentCommand, "commandId" | "status">,
  { invocations, now }: { readonly invocations: readonly Invocation[]; readonly now: number },
): FleetRun {
  if (!isFinalStatus(status)) return run;
  const listed = toKeys(invocations);
  const isRefused = toPlainStatus(status) === "rateexceeded";
  const { kind, absence } = decideAbsence(run.state.unseen?.[commandId], now);
  if (!isRefused && kind === "again") return withUnseen(run, commandId, absence);
  const noted = updateInstances(withUnseen(run, commandId, undefined), (instance) => {
    if (instance.commandId !== commandId || !isMissing(instance, listed)) return instance;
    return isRefused ? toWaiting(instance) : toEnded(instance, status, now);
  });
  if (!isRefused) return noted;
  const refusals = (run.state.refusals ?? 0) + 1;
  const stop = refusals > MAX_REFUSALS && run.state.stop === undefined ? { stop: RATE_EXCEEDED } : {};
  return { ...noted, state: { ...noted.state, refusals, pausedUntil: now + REFUSAL_PAUSE_MS, ...stop } };
}

/** Ends an instance with its command: cancelled if that failed or was cancelled; otherwise SSM could not reach it. */
function toEnded(instance: FleetInstanceReport, status: string, now: number): FleetInstanceReport {
  const isTerminated = ["failed", "executiontimedout", "cancelled", "canceled"].includes(toPlainStatus(status));
  const outcome = isTerminated
    ? ({ state: "cancelled", code: "TERMINATED" } as const)
    : ({ state: "failed", code: "UNDELIVERABLE" } as const);
  return { ...instance, ...outcome, detailedStatus: status, endedAt: now };
}

function isMissing({ state, instanceId, commandId }: FleetInstanceReport, listed: ReadonlySet<string>): boolean {
  return state === "running" && !listed.has(`${commandId} ${instanceId}`);
}

function toKeys(invocations: readonly Invocation[]): ReadonlySet<string> {
  return new Set(invocations.map(({ commandId, instanceId }) => `${commandId} ${instanceId}`));
}

import type { FleetInstanceReport } from "./fleet-report.ts";
import { addInstances, type FleetRun, isWaiting, listInstances, updateInstances } from "./fleet-run.ts";
import { toSkipped } from "./plan-members.ts";
import type { Invocation } from "./ssm/list-invocations.ts";
import type { InvocationOutput } from "./ssm/load-output.ts";
import { isUnreachable } from "./tally.ts";
import { toInstanceState } from "./to-instance-state.ts";

/** What SSM says of the instances of a run. */
export interface InvocationNews {
  readonly invocations: readonly Invocation[];
  /** By instance: what those that failed left behind. */
  readonly outputs: ReadonlyMap<string, InvocationOutput>;
  readonly now: number;
}

/** Instances whose commands are still open by what is known so far, but failed with an output by what SSM says. */
export function findNewFailures(run: FleetRun, invocations: readonly Invocation[]): readonly Invocation[] {
  const byId = toOpen(run);
  return invocations.filter((invocation) => {
    const { code } = toInstanceState(invocation.detailedStatus);
    if (code !== "COMMAND_FAILED" && code !== "EXECUTION_TIMEOUT") return false;
    return run.state.way === "targets" ? !isKnownFinal(run, invocation, byId) : isOf(byId, invocation);
  });
}

/**
 * The run with the news of its instances. Where SSM found the instances itself, those that are new are added; where they had been
 * selected before, one that is new and cannot be reached is one that does not run. That a command
 * has reached an instance without having ended there is no news: pages are written for what counts.
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
  const known = new Set(listInstances(run).map(({ instanceId }) => instanceId));
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

/** Whom SSM found besides those that were selected (they alone have a platform) and cannot reach: it does not run. */
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
    ...(warning === undefined ? {} : { code: warning }),
    detailedStatus,
    endedAt: now,
    ...(Object.keys(links).length === 0 ? {} : { links }),
    ...output,
  };
}

/** An instance of which news of this command still matter. */
function isOpen({ state }: FleetRun, instance: FleetInstanceReport, { commandId }: Invocation): boolean {
  if (instance.state === "running") return instance.commandId === commandId;
  return state.way === "targets" && (isWaiting(instance) || instance.code === "NOT_SENT");
}

function toOpen(run: FleetRun): ReadonlyMap<string, FleetInstanceReport> {
  return new Map(listInstances(run).map((instance) => [instance.instanceId, instance]));
}

function isOf(byId: ReadonlyMap<string, FleetInstanceReport>, { instanceId, commandId }: Invocation): boolean {
  const instance = byId.get(instanceId);
  return instance?.state === "running" && instance.commandId === commandId;
}

function isKnownFinal(run: FleetRun, invocation: Invocation, byId: ReadonlyMap<string, FleetInstanceReport>): boolean {
  const instance = byId.get(invocation.instanceId);
  return instance !== undefined && !isOpen(run, instance, invocation);
}

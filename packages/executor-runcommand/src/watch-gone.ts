import { type Absence, decideAbsence, runOptional } from "@stackyard/aws";
import { listItems } from "@stackyard/core/rollout";
import { AwsCallError, type FleetAws } from "./call-fleet.ts";
import { INSTANCE_GONE } from "./count-instances.ts";
import { cancelCommand, loadByIds } from "./fleet-calls.ts";
import { type FleetRun, updateInstances } from "./fleet-run.ts";
import type { FleetInstanceReport } from "./report-page.ts";

/** EC2 user guide, "Instance lifecycle": no command ends in these states. SSM says InProgress until its time is over. */
const GONE: ReadonlySet<string> = new Set(["shutting-down", "terminated", "stopping", "stopped"]);

/** Instances whose command has run for so long are looked for in EC2, and as often. */
const LOOK_EVERY_MS = 60_000;

/**
 * Ends the instances of a run that are gone. One that EC2 does not list is looked for again. Without an answer of EC2
 * nothing changes, because a run by targets needs no right to list instances.
 */
export async function noteGone(aws: FleetAws, run: FleetRun): Promise<FleetRun> {
  const now = aws.clock.now();
  const { goneLookedAt = 0, unseen = {} } = run.state;
  const open = listItems(run).filter((instance) => isLong(instance, now));
  if (open.length === 0 || now - goneLookedAt < LOOK_EVERY_MS) return run;
  const states = await findStates(aws, open);
  if (states === undefined) return { ...run, state: { ...run.state, goneLookedAt: now } };
  const { gone, absent } = judge(open, { states, unseen, now });
  await withdraw(
    aws,
    open.filter(({ instanceId }) => gone.has(instanceId)),
  );
  const noted = updateInstances(run, (instance) => toGone(instance, gone.get(instance.instanceId), now));
  const others = Object.entries(unseen).filter(([key]) => !key.startsWith("i-"));
  return { ...noted, state: { ...noted.state, goneLookedAt: now, unseen: Object.fromEntries([...others, ...absent]) } };
}

/** The answer of EC2 about instances whose command runs. */
interface Look {
  readonly states: ReadonlyMap<string, string>;
  readonly unseen: Readonly<Record<string, Absence>>;
  readonly now: number;
}

/** Returns the states of the instances that are gone, and those that are looked for again. */
function judge(open: readonly FleetInstanceReport[], { states, unseen, now }: Look) {
  const gone = new Map<string, string>();
  const absent = new Map<string, Absence>();
  for (const { instanceId } of open) {
    const state = states.get(instanceId);
    const after = state === undefined ? decideAbsence(unseen[instanceId], now) : undefined;
    if (after?.kind === "again") absent.set(instanceId, after.absence);
    if (after?.kind === "unknown" || GONE.has(state ?? "")) gone.set(instanceId, state ?? "unknown");
  }
  return { gone, absent };
}

function isLong({ state, startedAt = 0, instanceId }: FleetInstanceReport, now: number): boolean {
  return state === "running" && instanceId.startsWith("i-") && now - startedAt >= LOOK_EVERY_MS;
}

async function findStates(
  aws: FleetAws,
  open: readonly FleetInstanceReport[],
): Promise<ReadonlyMap<string, string> | undefined> {
  const ids = open.map(({ instanceId }) => instanceId);
  const known = await unlessRefused(() => loadByIds(aws, ids));
  return known && new Map(known.map(({ instanceId, state = "" }) => [instanceId, state]));
}

/** Withdraws the commands of these instances, so that a stopped one does not continue them when it starts again. */
async function withdraw(aws: FleetAws, instances: readonly FleetInstanceReport[]): Promise<void> {
  for (const [commandId, all] of Map.groupBy(instances, ({ commandId = "" }) => commandId)) {
    const ids = all.map(({ instanceId }) => instanceId);
    await unlessRefused(() => cancelCommand(aws, commandId, ids));
  }
}

async function unlessRefused<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await runOptional(call);
  } catch (error) {
    if (error instanceof AwsCallError) return undefined;
    throw error;
  }
}

function toGone(instance: FleetInstanceReport, state: string | undefined, now: number): FleetInstanceReport {
  if (state === undefined || instance.state !== "running") return instance;
  return { ...instance, state: "failed", code: INSTANCE_GONE, detailedStatus: state, endedAt: now };
}

/** The status that SSM keeps reporting for a command that it has lost, such as during an update of the agent. */
const LOST_STATUS = "InProgress";

/** Returns true for an instance whose command was given up by `noteLost`. */
export function isLost({ state, detailedStatus }: FleetInstanceReport): boolean {
  return state === "failed" && detailedStatus === LOST_STATUS;
}

/**
 * Ends the instances whose command has been in progress for longer than any agent works on it: SSM has not noticed its end.
 * What it has done is not known, and it is withdrawn.
 */
export async function noteLost(aws: FleetAws, run: FleetRun, longestMs: number): Promise<FleetRun> {
  const now = aws.clock.now();
  const isOver = ({ state, startedAt = now }: FleetInstanceReport) =>
    state === "running" && now - startedAt >= longestMs;
  const lost = listItems(run).filter(isOver);
  if (lost.length === 0) return run;
  await withdraw(aws, lost);
  return updateInstances(run, (instance) =>
    isOver(instance)
      ? { ...instance, state: "failed", code: "EXECUTION_TIMEOUT", detailedStatus: LOST_STATUS, endedAt: now }
      : instance,
  );
}

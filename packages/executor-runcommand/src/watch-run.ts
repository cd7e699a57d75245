import type { FleetInstanceReport } from "./fleet-report.ts";
import { type FleetRun, listInstances } from "./fleet-run.ts";
import { isFinalStatus } from "./is-final-status.ts";
import { mapLimited } from "./map-limited.ts";
import { findNewFailures, noteInvocations } from "./note-invocations.ts";
import { noteStatus } from "./note-status.ts";
import { findUnbegun, noteUnbegun } from "./note-unbegun.ts";
import { AwsCallError, type FleetAws } from "./ssm/call-aws.ts";
import { findCommand, type SentCommand } from "./ssm/find-commands.ts";
import { type Invocation, listInvocations } from "./ssm/list-invocations.ts";
import { type InvocationOutput, loadOutput } from "./ssm/load-output.ts";

/** Calls at a time: SSM's rates are per account, and others work there too. */
const AT_ONCE = 4;

/** Outputs of one poll; the failures beyond are looked at by the next one. */
const MAX_OUTPUTS = 200;

/** A run after a look at SSM. */
export interface WatchedRun {
  readonly run: FleetRun;
  /** Some failures were left for the next look. */
  readonly isPartial: boolean;
  /** Those that have ended since. */
  readonly ended: readonly FleetInstanceReport[];
}

/** Asks SSM for the open commands of a run, and for the outputs of what failed. */
export async function watchRun(aws: FleetAws, run: FleetRun): Promise<WatchedRun> {
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
  const noted = await noteMissing(aws, known, invocations);
  const isPartial = left.size > 0;
  return {
    run: isPartial ? noted : noteStatus(noted, command, invocations.length),
    isPartial,
    ended: listEnded(run, noted),
  };
}

/** Who is not among the invocations for long is asked for by the command. */
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
  const own = listInstances(run).flatMap(({ state, commandId }) =>
    state === "running" && commandId !== undefined ? [commandId] : [],
  );
  const fleet = fleetCommand === undefined || isFinalStatus(fleetCommand.status) ? [] : [fleetCommand.commandId];
  return [...new Set([...own, ...fleet])];
}

/** Read before the invocations: what ended before the command did is then among them. */
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
      // What failed is known without what it said.
      if (!(error instanceof AwsCallError)) throw error;
      return [instanceId, {}] as const;
    }
  });
  return new Map(loaded);
}

function listEnded(before: FleetRun, after: FleetRun): readonly FleetInstanceReport[] {
  const open = new Map(listInstances(before).map((instance) => [instance.instanceId, instance.state]));
  return listInstances(after).filter(
    ({ instanceId, state }) => state !== "running" && state !== "not-sent" && isOpenState(open.get(instanceId)),
  );
}

function isOpenState(state: string | undefined): boolean {
  return state === undefined || state === "running" || state === "not-sent";
}

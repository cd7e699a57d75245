import type { FleetRun } from "./fleet-run.ts";
import { isFinalStatus } from "./is-final-status.ts";
import type { SentCommand } from "./ssm/find-commands.ts";

/**
 * The run with the state of its one command. SSM lists what a command has begun some seconds late: an end counts once all of
 * its instances are listed, or by the second look, since a command that was stopped never lists the rest.
 */
export function noteStatus(
  run: FleetRun,
  command: Pick<SentCommand, "status" | "targetCount"> | undefined,
  listed: number,
): FleetRun {
  const { fleetCommand } = run.state;
  if (fleetCommand === undefined || command === undefined) return run;
  const { status, targetCount } = command;
  const isLate = isFinalStatus(status) && listed < targetCount && fleetCommand.ending !== status;
  const noted = isLate ? { ...fleetCommand, ending: status } : { ...fleetCommand, status };
  return { ...run, state: { ...run.state, fleetCommand: noted } };
}

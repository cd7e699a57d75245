import type { PluginCommand } from "@stackyard/core";
import type { OpenRuns } from "@stackyard/sdk/commands";
import { fleetCancel } from "./fleet-cancel.ts";
import { createFleetCommand } from "./fleet-command.ts";
import { createFleetDoctor } from "./fleet-doctor.ts";
import { fleetShow, fleetWatch } from "./fleet-look-commands.ts";
import { fleetRetry } from "./fleet-retry.ts";
import { fleetPlan, fleetRun } from "./fleet-run-command.ts";

/** The commands about fleets, over runs that are opened when one of them is called. */
export function createFleetCommands(open: OpenRuns): readonly PluginCommand[] {
  return [
    createFleetCommand(fleetPlan, open),
    createFleetCommand(fleetRun, open),
    createFleetCommand(fleetShow, open),
    createFleetCommand(fleetWatch, open),
    createFleetCommand(fleetRetry, open),
    createFleetCommand(fleetCancel, open),
    createFleetDoctor(),
  ];
}

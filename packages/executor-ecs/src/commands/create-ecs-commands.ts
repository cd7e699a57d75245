import type { PluginCommand } from "@stackyard/core";
import { createRunsCommand, type OpenRuns } from "@stackyard/sdk/commands";
import { ecsLogs } from "./ecs-logs.ts";
import { ecsRun } from "./ecs-run.ts";

/** The commands about tasks on ECS, over runs that are opened when one of them is called. */
export function createEcsCommands(open: OpenRuns): readonly PluginCommand[] {
  return [createRunsCommand(ecsRun, open), createRunsCommand(ecsLogs, open)];
}

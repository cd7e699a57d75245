import type { PluginCommand } from "@stackyard/core";
import { createAppsCommand, type OpenAppsAws } from "./apps-command.ts";
import { appsDeploy } from "./apps-deploy.ts";
import { appsLs, appsPublish } from "./apps-publish.ts";

/** Creates all commands of this package. */
export function createAppsCommands(openAws: OpenAppsAws): readonly PluginCommand[] {
  return [
    createAppsCommand(appsPublish, openAws),
    createAppsCommand(appsDeploy, openAws),
    createAppsCommand(appsLs, openAws),
  ];
}

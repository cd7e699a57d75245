import type { PluginCommand } from "@stackyard/core";
import { type OpenAppsAws, withYard } from "./apps-command.ts";
import { appsDeploy } from "./apps-deploy.ts";
import { appsLs, appsPublish } from "./apps-publish.ts";

/** Creates all commands of this package. */
export function createAppsCommands(openAws: OpenAppsAws): readonly PluginCommand[] {
  return [appsPublish, appsDeploy, appsLs].map((command) => withYard(command, openAws));
}

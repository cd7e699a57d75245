import { definePlugin, type Plugin } from "@stackyard/core";
import { openAppsAws } from "./apps-command.ts";
import { createAppsCommands } from "./commands.ts";

/** The plugin `deployment`, as a project's configuration loads it: the commands `apps publish`, `apps deploy` and `apps ls`. */
const plugin: Plugin = definePlugin({
  name: "deployment",
  executors: [],
  commands: createAppsCommands(openAppsAws),
});

export default plugin;

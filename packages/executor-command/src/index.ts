import { definePlugin, type Plugin } from "@stackyard/core";
import { createCommandExecutor } from "./command.ts";
import { CommandOptions } from "./definition.ts";

export { begunCommands } from "./attempt-record.ts";
export { type CommandDeps, createCommandExecutor } from "./command.ts";
export {
  ALLOW_ALL,
  CommandConfig,
  CommandOptions,
  CommandOutputs,
  commandDefinition,
  createCommandDefinition,
} from "./definition.ts";
export { COMMAND_FAILURES, type CommandFailureCode } from "./failure.ts";

/** The plugin of the executor `command`. */
const plugin: Plugin = definePlugin({
  name: "command",
  options: CommandOptions,
  executors: (options, context) => [createCommandExecutor(options, context)],
});

export default plugin;

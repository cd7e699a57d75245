import type { Executor } from "@stackyard/core";
import type { CommandContext } from "../command.ts";
import { loadConfigFile } from "./config-file.ts";
import { loadExecutors } from "./load-executors.ts";

/** The executors that the plugins of the nearest project bring; none where its configuration names none. */
export async function loadPluginExecutors(
  { cwd, env }: Pick<CommandContext, "cwd" | "env">,
  project?: string,
): Promise<ReadonlyMap<string, Executor>> {
  const file = await loadConfigFile(cwd, project);
  const { plugins = [], executors } = file.config;
  return plugins.length === 0 && executors === undefined ? new Map() : loadExecutors(file, "plugins", env);
}

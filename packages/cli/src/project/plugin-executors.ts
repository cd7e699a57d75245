import type { Executor } from "@stackyard/core";
import { loadConfigFile } from "./config-file.ts";
import { loadExecutors } from "./load-executors.ts";

/** The executors that the plugins of the nearest project bring; none where its configuration names none. */
export async function loadPluginExecutors(cwd: string, project?: string): Promise<ReadonlyMap<string, Executor>> {
  const file = await loadConfigFile(cwd, project);
  const { plugins = [], executors } = file.config;
  return plugins.length === 0 && executors === undefined ? new Map() : loadExecutors(file, "plugins");
}

import type { Executor } from "@stackyard/core";
import { loadConfigFile } from "./config-file.ts";
import { loadExecutors } from "./load-executors.ts";

/** The executors that the plugins of the nearest project bring; none where there is no project. */
export async function loadPluginExecutors(cwd: string, project?: string): Promise<ReadonlyMap<string, Executor>> {
  const file = await loadConfigFile(cwd, project);
  return (file.config.plugins ?? []).length === 0 ? new Map() : loadExecutors(file, "plugins");
}

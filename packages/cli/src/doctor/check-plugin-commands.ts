import type { ConfigFile } from "../project/config-file.ts";
import { loadPlugins } from "../project/load-plugins.ts";
import { type Finding, warn } from "./finding.ts";

/** Looks for commands of plugins that cannot be reached, because their first word is one of our own. */
export async function checkPluginCommands(
  { config, projectDir }: ConfigFile,
  own: readonly string[],
): Promise<readonly Finding[]> {
  const firsts = new Set(own.map(toFirstWord));
  // What does not load is told by the check of the plugins.
  const { plugins } = await loadPlugins(config.plugins ?? [], projectDir);
  const hidden = plugins.flatMap(({ plugin }) =>
    plugin.commands
      .filter(({ name }) => firsts.has(toFirstWord(name)))
      .map(({ name }) => `"${name}" of the plugin "${plugin.name}"`),
  );
  if (hidden.length === 0) return [];
  const message = `Commands of Stackyard hide ${hidden.join(", ")}.`;
  return [warn("commands", message, "Ask the plugin's author for names with another first word.")];
}

function toFirstWord(name: string): string {
  return name.split(" ", 1)[0] ?? "";
}

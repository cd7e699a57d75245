import type {
  ExecutorsContext,
  PluginContext,
  PluginService,
  ProvidedService,
  ProvidingContext,
} from "@stackyard/core";
import { failWith } from "../failure.ts";
import { type ConfigFile, dataDirOf } from "./config.ts";
import { type LoadedPlugin, loadPlugins } from "./executors.ts";

/** Loads the services of a project's plugins. Throws `CONFIG_INVALID` with a plugin's message about its options. */
export async function loadServices(
  file: ConfigFile,
  environment: PluginContext["environment"],
): Promise<readonly PluginService[]> {
  const { url, servicesUrl } = file.config.server ?? {};
  const context = { projectDir: file.projectDir, dataDir: dataDirOf(file), environment, url, servicesUrl };
  return collect(file, ({ plugin, options }) => plugin.services?.(options, context));
}

/** Loads the services of plugins for executors. Throws `CONFIG_INVALID` with a plugin's message about its options. */
export async function loadProvided(
  file: ConfigFile,
  given: Omit<ProvidingContext, "projectDir" | "dataDir">,
): Promise<readonly ProvidedService[]> {
  const context = { ...given, projectDir: file.projectDir, dataDir: dataDirOf(file) };
  return collect(file, ({ plugin, options }) => plugin.provides?.(options, context));
}

/** Loads the addresses that the services of plugins call, and what plugins threw, such as about their documents. */
export async function loadAddresses(
  file: ConfigFile,
  context: Pick<ExecutorsContext, "environment" | "readSecret">,
): Promise<{ readonly addresses: readonly string[]; readonly faults: readonly unknown[] }> {
  const given = { ...context, projectDir: file.projectDir, dataDir: dataDirOf(file) };
  const { plugins } = await loadPlugins(file.config.plugins ?? [], file.projectDir);
  const found = await Promise.allSettled(
    plugins.map(async ({ plugin, options }) => (await plugin.addresses?.(options, given)) ?? []),
  );
  return {
    addresses: found.flatMap((each) => (each.status === "fulfilled" ? each.value : [])),
    faults: found.flatMap((each) => (each.status === "rejected" ? [each.reason] : [])),
  };
}

async function collect<Part>(
  { config, projectDir, path }: ConfigFile,
  partsOf: (loaded: LoadedPlugin) => readonly Part[] | undefined,
): Promise<readonly Part[]> {
  // The executors were loaded before: what does not load was reported there.
  const { plugins } = await loadPlugins(config.plugins ?? [], projectDir);
  return plugins.flatMap((loaded) => {
    try {
      return partsOf(loaded) ?? [];
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw failWith("CONFIG_INVALID", `The services of the plugin "${loaded.plugin.name}" cannot be set up: ${why}`, {
        hint: `Correct its options in ${path ?? "stackyard.config.ts"}.`,
        cause,
      });
    }
  });
}

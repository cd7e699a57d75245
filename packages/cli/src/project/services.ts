import { resolve } from "node:path";
import type { AwsAccess } from "@stackyard/aws";
import type { PluginContext, PluginService, ProvidedService, ProvidingContext, SecretReference } from "@stackyard/core";
import { createSecretReader } from "@stackyard/core/services";
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

/** What opens the parts of a server that are on AWS. */
export interface AwsDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Creates access to AWS in a region; undefined: that of the SDK. */
  readonly createAws: (region: string | undefined) => AwsAccess;
}

/** Creates the reader of secrets for a project's services. Relative files are those of the project's folder. */
export function createProjectSecrets(
  { projectDir }: ConfigFile,
  { env, createAws }: AwsDeps,
): (reference: SecretReference) => Promise<string> {
  return createSecretReader({
    environment: env,
    resolvePath: (path) => resolve(projectDir, path),
    async readAwsSecret(arn) {
      const { SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
      const { loadSecretText } = await import("@stackyard/aws/secrets");
      const { toArnPart } = await import("@stackyard/aws");
      const client = createAws(toArnPart(arn, 3) || undefined).client(SecretsManagerClient, undefined);
      return loadSecretText({ client, secretId: arn });
    },
  });
}

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutorContext } from "@stackyard/core";
import { BACKEND_OVERRIDE, BACKEND_OVERRIDE_FILE, type BackendSetup, toBackendSetup } from "./backend.ts";
import { findBinary } from "./binary.ts";
import type { TerraformConfig } from "./definition.ts";
import { type Environment, toEnvironment } from "./environment.ts";
import { TerraformFailure } from "./failure.ts";
import { copyLocalSource } from "./local-source.ts";
import { createMasker, isSecretName } from "./masker.ts";
import { findModuleFacts, isModuleFile, type ModuleFacts, type ModuleFile } from "./module-facts.ts";
import { createOwnedFolder, type OwnedFolder, removeDeadFolders } from "./owned-folder.ts";
import { openProviderCache, type RunProviderCache } from "./provider-cache.ts";
import { copyS3Source } from "./s3-source.ts";
import type { Settings } from "./settings.ts";
import { toStateKey } from "./state-key.ts";
import { TERRAFORM_STATE } from "./state-service.ts";
import { toVariables, type Variables } from "./variables.ts";

/** A configuration in a folder of its own, with all that a call of the program needs. */
export interface StagedRun {
  readonly ctx: ExecutorContext;
  readonly settings: Settings;
  readonly binary: string;
  /** The run's folder: logs of calls, and the configuration under `module`. */
  readonly folder: string;
  readonly module: string;
  readonly initArguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly mask: (text: string) => string;
  /** To be called after `init`. */
  shareProviders(): Promise<void>;
}

/** Runs `work` in a folder that is gone afterwards, however it ends. Fails with TerraformFailure. */
export async function withStagedRun<T>(
  settings: Settings,
  ctx: ExecutorContext,
  config: TerraformConfig,
  work: (run: StagedRun) => Promise<T>,
): Promise<T> {
  const source = requireSource(config, ctx);
  const binary = await findBinary(settings);
  return withFolders(settings, async (folder, cache) => {
    const module = join(folder.path, "module");
    await Promise.all([stageSource(settings, ctx, source, module), removeDeadFolders(settings.workDir)]);
    const facts = findModuleFacts(await loadModuleFiles(module, source));
    const backend = await setBackend(ctx, source, facts, module);
    const variables = toVariables({ stackId: ctx.stackId, metadata: ctx.metadata, variables: config.variables ?? {} });
    reportIgnored(ctx, variables, facts);
    const environment = await loadEnvironment(settings, ctx, variables, {
      ...backend.environment,
      ...cache.environment,
    });
    return work({
      ctx,
      settings,
      binary,
      module,
      environment,
      folder: folder.path,
      shareProviders: cache.share,
      initArguments: backend.initArguments,
      mask: createMasker(toSecrets(environment, facts)),
    });
  });
}

type FolderWork<T> = (folder: OwnedFolder, cache: RunProviderCache) => Promise<T>;

async function withFolders<T>({ workDir, providerCacheDir }: Settings, work: FolderWork<T>): Promise<T> {
  const folder = await createOwnedFolder(workDir);
  try {
    const cache = await openProviderCache(providerCacheDir);
    return await work(folder, cache).finally(cache.remove);
  } finally {
    await folder.remove();
  }
}

/** A source that says where it is, and the state key that follows from it. */
type Source = Extract<NonNullable<TerraformConfig["source"]>, { type: string }> & { readonly stateKey: string };

function requireSource({ source }: TerraformConfig, ctx: ExecutorContext): Source {
  if (source === undefined) {
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", `The task "${ctx.task}" has no "source" in its config.`);
  }
  const typed = "type" in source ? source : undefined;
  const stateKey = toStateKey(ctx, typed);
  if (typed !== undefined && stateKey !== undefined) return { ...typed, stateKey };
  const text = `The source of the task "${ctx.task}" has no type: add "type: s3" or "type: local".`;
  throw new TerraformFailure("TERRAFORM_SOURCE_UNSUPPORTED", text);
}

async function stageSource(settings: Settings, ctx: ExecutorContext, source: Source, target: string): Promise<void> {
  await mkdir(target);
  if (source.type === "local") {
    const { sourcesDir: baseDir, ownDirs: leaveOut } = settings;
    return copyLocalSource({ baseDir, location: source.location, target, leaveOut });
  }
  return copyS3Source(await settings.s3(ctx), { ...source, target, signal: ctx.signal });
}

async function loadModuleFiles(module: string, source: Source): Promise<ModuleFile[]> {
  const names = (await readdir(module)).filter(isModuleFile);
  if (names.length === 0) {
    const where = source.type === "local" ? source.location : `s3://${source.bucket}/${source.key}`;
    const text = `"${where}" holds no configuration files (*.tf, *.tf.json) at its top.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", text);
  }
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(module, name), "utf8") })));
}

async function setBackend(
  ctx: ExecutorContext,
  source: Source,
  facts: ModuleFacts,
  module: string,
): Promise<BackendSetup> {
  const state = facts.backend === undefined ? ctx.service(TERRAFORM_STATE) : undefined;
  const attempt = { id: ctx.attempt.id, password: state === undefined ? "" : await state.password() };
  const { stateKey } = source;
  const setup = toBackendSetup({ declared: facts.backend, stateKey, stateBackendUrl: state?.url, attempt });
  if (setup.override) await writeFile(join(module, BACKEND_OVERRIDE_FILE), BACKEND_OVERRIDE);
  return setup;
}

/** Nobody declared `stack_id` by putting it into metadata, so its absence from a module is no news. */
function reportIgnored(ctx: ExecutorContext, { values, unusable }: Variables, { variables }: ModuleFacts): void {
  const undeclared = [...values.keys()].filter((name) => name !== "stack_id" && !variables.has(name));
  if (undeclared.length > 0) ctx.report(`Not declared as variables by the configuration: ${undeclared.join(", ")}`);
  if (unusable.length > 0) ctx.report(`Skipped, because no variable can have such a name: ${unusable.join(", ")}`);
}

async function loadEnvironment(
  settings: Settings,
  ctx: ExecutorContext,
  { values }: Variables,
  own: Environment,
): Promise<Record<string, string>> {
  const { environment: runner, passEnvironment, cliConfigFile } = settings;
  const access = ctx.target && { target: ctx.target, credentials: await ctx.credentials() };
  return toEnvironment({
    runner,
    passEnvironment,
    variables: values,
    settings: own,
    ...(access === undefined ? {} : { access }),
    ...(ctx.traceContext === undefined ? {} : { traceContext: ctx.traceContext }),
    ...(cliConfigFile === undefined ? {} : { cliConfigFile }),
  });
}

function toSecrets(environment: Readonly<Record<string, string>>, { variables }: ModuleFacts): string[] {
  const isSecret = (name: string) => isSecretName(name) || variables.get(name.replace(/^TF_VAR_/, "")) === true;
  return Object.entries(environment).flatMap(([name, value]) => (isSecret(name) ? [value] : []));
}

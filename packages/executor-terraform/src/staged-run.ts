import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defined, type ExecutorContext } from "@stackyard/core";
import { createLogMasks, type StreamMask } from "@stackyard/core/services";
import { BACKEND_OVERRIDE, BACKEND_OVERRIDE_FILE, toBackendSetup } from "./backend.ts";
import { TERRAFORM_STATE, type TerraformConfig, type TerraformOutputs, toStateKey } from "./definition.ts";
import { TerraformFailure } from "./failure.ts";
import { findProgram, type Program } from "./find-program.ts";
import { copyGitSource, parseGitPath } from "./git-source.ts";
import { findModuleFacts, listModuleFiles, type ModuleFacts, type ModuleFile } from "./module-facts.ts";
import {
  claimFolder,
  claimSameFolder,
  createOwnedFolder,
  FolderRefused,
  type OwnedFolder,
  removeDeadFolders,
} from "./run-folder.ts";
import { type Environment, type Settings, toDefaultTags, toEnvironment } from "./settings.ts";
import { copyLocalSource, copyS3Source, digestFolder, findModuleFolder, parseSourcePath } from "./sources.ts";
import { isVariablesFile, removeVariables } from "./tfvars.ts";

/** A configuration in its own folder, with everything that a call of the program needs. */
export interface StagedRun {
  readonly ctx: ExecutorContext;
  readonly settings: Settings;
  readonly config: TerraformConfig;
  readonly program: Program;
  readonly stateKey: string;
  /** SHA-256 of the names and contents of all files of the source, in hex. */
  readonly sourceDigest: string;
  /** The run's folder: logs of calls, and the configuration under `module`. */
  readonly folder: string;
  readonly module: string;
  readonly initArguments: readonly string[];
  /** True if the state is in the backend of the yard. */
  readonly isYard: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Masks a text of one or more lines. */
  readonly mask: (text: string) => string;
  /** Creates a mask for the lines of one program. */
  readonly maskStream: () => StreamMask;
  /** Shares the new providers; call it after `init`. */
  shareProviders(): Promise<void>;
}

/** The outputs of a run, as a step returns them. */
export interface RunOutputs {
  readonly outputs: TerraformOutputs;
  readonly sensitive: readonly string[];
}

/** Runs `work` in a folder that is always removed afterwards. Fails with TerraformFailure. */
export async function withStagedRun<T>(
  settings: Settings,
  ctx: ExecutorContext,
  config: TerraformConfig,
  { isDryRun = false, folder: path, work }: RunOptions<T>,
): Promise<T> {
  const source = requireSource(config, ctx);
  const program = await findProgram(settings, config);
  const isTrusted = checkTrust(settings, ctx, source);
  const name = toFolderName(settings.yard, source.stateKey);
  const waitMs = isDryRun ? 0 : FOLDER_WAIT_MS;
  return withFolders(settings, defined({ name, path, waitMs, signal: ctx.signal }), async (folder, cache) => {
    const staged = join(folder.path, "module");
    const [module] = await Promise.all([
      stageSource(settings, ctx, source, staged),
      removeDeadFolders(settings.workDir),
      // Those of `workDir` are among its own.
      path === undefined ? undefined : removeDeadFolders(dirname(folder.path)),
    ]);
    const facts = findModuleFacts(await loadModuleFiles(ctx, { module, source, program }));
    // Before anything of ours is written there.
    const sourceDigest = await digestFolder(staged);
    const backend = await setBackend(ctx, { source, facts, module, config });
    const variables = toVariables(ctx, config.variables ?? {});
    reportIgnored(ctx, variables, facts);
    await removeFileVariables(ctx, module, variables);
    const access = ctx.target && { target: ctx.target, credentials: await ctx.credentials() };
    const { environment: runner, passEnvironment, cliConfigFile } = settings;
    const environment = toEnvironment({
      runner,
      passEnvironment: isTrusted ? passEnvironment : [],
      variables: variables.values,
      settings: {
        // The home folder of the runner contains its credentials for AWS and for registries.
        HOME: isTrusted ? runner["HOME"] : folder.path,
        ...backend.environment,
        ...cache.environment,
        ...toDefaultTags(settings.yard, ctx),
      },
      ...defined({ access, traceContext: ctx.traceContext, cliConfigFile }),
    });
    const masks = createLogMasks([...(ctx.secrets ?? []), ...toSecrets(environment, facts)]);
    return work({
      ctx,
      settings,
      config,
      program,
      module,
      sourceDigest,
      stateKey: source.stateKey,
      environment,
      folder: folder.path,
      shareProviders: cache.share,
      initArguments: backend.initArguments,
      isYard: backend.isYard,
      mask: masks.text,
      maskStream: masks.stream,
    });
  });
}

interface RunOptions<T> {
  /** True for a run that changes nothing: it does not wait for another one. Default: false. */
  readonly isDryRun?: boolean;
  /** The folder of the run that made the plan to apply. Default: the folder of the state below `workDir`. */
  readonly folder?: string;
  readonly work: (run: StagedRun) => Promise<T>;
}

/** A run of the same state in this folder ends soon: its lease has ended, or it is a dry run. */
const FOLDER_WAIT_MS = 30_000;

/** Returns the same name for each run of a state: configurations contain paths, such as `path.cwd`. */
function toFolderName(yard: string, stateKey: string): string {
  return createHash("sha256").update(`${yard}\0${stateKey}`).digest("hex").slice(0, 20);
}

type FolderWork<T> = (folder: OwnedFolder, cache: RunProviderCache) => Promise<T>;

interface FolderInput {
  readonly name: string;
  /** Replaces the name. */
  readonly path?: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

async function withFolders<T>(
  { workDir, providerCacheDir }: Settings,
  { name, path, ...options }: FolderInput,
  work: FolderWork<T>,
): Promise<T> {
  const folder =
    path === undefined
      ? await claimFolder(workDir, name, options)
      : await claimPlannedFolder(path, { ...options, parent: workDir });
  try {
    const cache = await openProviderCache(providerCacheDir);
    return await work(folder, cache).finally(cache.remove);
  } finally {
    await folder.remove();
  }
}

async function claimPlannedFolder(path: string, options: Parameters<typeof claimSameFolder>[1]): Promise<OwnedFolder> {
  const folder = await claimSameFolder(path, options).catch((error) => {
    if (!(error instanceof FolderRefused)) throw error;
    const text =
      `The plan was made in the folder "${path}", which its paths contain. This runner cannot use it: ${error.message}. ` +
      'Apply it on a runner that can. Or give all runners the same "workDir", and plan again.';
    throw new TerraformFailure("TERRAFORM_PLAN_STALE", text, { cause: error });
  });
  if (folder !== undefined) return folder;
  throw new TerraformFailure("TERRAFORM_STATE_LOCKED", `Another run of the state works in the folder "${path}".`);
}

/** A source with a location, and its state key. */
type Source = TypedSource & { readonly stateKey: string };
type TypedSource = Extract<NonNullable<TerraformConfig["source"]>, { type: string }>;

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

/** Checks trust: Terraform runs any code of its source's authors. Fails with TERRAFORM_SOURCE_REFUSED. */
function checkTrust({ allowsUntrusted }: Settings, ctx: ExecutorContext, source: Source): boolean {
  if (source.type !== "git" || source.trusted) return true;
  if (allowsUntrusted && ctx.target?.role !== undefined) return false;
  const mend = allowsUntrusted
    ? "Give the task a target with a role."
    : 'Review the commit and trust it, or set the option "untrusted" to "allow" on a separate runner.';
  const text = `${source.repository} at ${source.commit} is not trusted. ${mend}`;
  throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", text);
}

/**
 * Copies files of the project, of a bucket or of a code host into a new folder; of `folder//module`, the folder.
 * Returns the path of the module. Fails with TERRAFORM_SOURCE_* codes.
 */
export async function stageSource(
  settings: Settings,
  ctx: ExecutorContext,
  source: TypedSource,
  target: string,
): Promise<string> {
  await mkdir(target);
  if (source.type === "git") {
    await copyGitSource(ctx, source, target);
    return join(target, parseGitPath(source.path).module);
  }
  const { folder, module } = parseSourcePath(source.type === "local" ? source.location : source.key);
  if (source.type === "local") {
    const { sourcesDir: baseDir, ownDirs: leaveOut } = settings;
    await copyLocalSource({ baseDir, location: folder, target, leaveOut });
  } else await copyS3Source(await settings.s3(ctx), { ...source, key: folder, target, signal: ctx.signal });
  return findModuleFolder(target, module, toPlace(source));
}

interface ModuleInput {
  readonly module: string;
  readonly source: TypedSource;
  readonly program: Program;
}

async function loadModuleFiles(ctx: ExecutorContext, { module, source, program }: ModuleInput): Promise<ModuleFile[]> {
  const all = (await readdir(module)).filter((name) => /\.(tf|tofu)(\.json)?$/.test(name));
  const names = listModuleFiles(all, program);
  const unread = all.filter((name) => !names.includes(name));
  if (unread.length > 0) ctx.report(`Not read by ${program.product || "the program"}: ${unread.join(", ")}`);
  if (names.length === 0) {
    const text = `"${toPlace(source)}" contains no configuration files (*.tf, *.tf.json) at its top level.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", text);
  }
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(module, name), "utf8") })));
}

function toPlace(source: TypedSource): string {
  if (source.type === "git") return source.path ?? source.repository;
  return source.type === "local" ? source.location : `s3://${source.bucket}/${source.key}`;
}

interface SetBackendInput {
  readonly source: Source;
  readonly facts: ModuleFacts;
  readonly module: string;
  readonly config: TerraformConfig;
}

async function setBackend(ctx: ExecutorContext, { source, facts, module, config }: SetBackendInput) {
  const state = facts.backend === undefined ? ctx.service(TERRAFORM_STATE) : undefined;
  const attempt = { id: ctx.attempt.id, password: state === undefined ? "" : await state.password() };
  const { stateKey } = source;
  const setup = toBackendSetup({ declared: facts.backend, config, stateKey, stateBackendUrl: state?.url, attempt });
  if (setup.isYard) await writeFile(join(module, BACKEND_OVERRIDE_FILE), BACKEND_OVERRIDE);
  return setup;
}

/** Removes our variables from files that the program loads by itself, because these would override ours. */
async function removeFileVariables(ctx: ExecutorContext, module: string, { values }: Variables): Promise<void> {
  const names = new Set(values.keys());
  for (const file of (await readdir(module)).filter(isVariablesFile).sort()) {
    const path = join(module, file);
    const { text, removed } = removeVariables(file, await readFile(path, "utf8"), names);
    if (removed.length === 0) continue;
    await writeFile(path, text);
    ctx.report(
      `${file} sets ${[...new Set(removed)].join(", ")}: the values of the stack and the task are used instead.`,
    );
  }
}

/**
 * Reports ignored variables. Users do not set `stack_id` in metadata, so a module that does not declare it needs no
 * warning.
 */
function reportIgnored(
  ctx: ExecutorContext,
  { values, unusable, reserved }: Variables,
  { variables }: ModuleFacts,
): void {
  const undeclared = [...values.keys()].filter((name) => name !== "stack_id" && !variables.has(name));
  if (undeclared.length > 0) ctx.report(`Not declared as variables by the configuration: ${undeclared.join(", ")}`);
  if (unusable.length > 0)
    ctx.report(`Skipped, because the names are not valid variable names: ${unusable.join(", ")}`);
  if (reserved.length > 0) ctx.report(`Skipped, because the metadata cannot set it: ${reserved.join(", ")}`);
}

function toSecrets(environment: Readonly<Record<string, string>>, { variables }: ModuleFacts): string[] {
  const isSecret = (name: string) =>
    isSecretName(name) || variables.get(name.replace(/^TF_VAR_/, ""))?.sensitive === true;
  return Object.entries(environment).flatMap(([name, value]) => (isSecret(name) ? [value] : []));
}

/** Terraform's identifiers: letters of any script, digits, underscores and hyphens, not beginning with a digit or hyphen. */
const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u;

/** The variables of a module, and the names that are unusable. */
interface Variables {
  /** Text by name, in the form that `-var` takes. */
  readonly values: ReadonlyMap<string, string>;
  /** Names that no Terraform variable can have. */
  readonly unusable: readonly string[];
  /** Keys of the metadata that it cannot set. */
  readonly reserved: readonly string[];
}

/** Names that the metadata of a stack cannot set, because events write it. */
const RESERVED: ReadonlySet<string> = new Set(["stack_id"]);

/**
 * Returns the variables of a run: metadata, then what no event can change, `stack_id` and the task's own; a later one
 * of the same name wins. A name with the value null has no value, so that the configuration's default counts.
 */
export function toVariables(
  { stackId, metadata }: Pick<ExecutorContext, "stackId" | "metadata">,
  variables: Readonly<Record<string, unknown>>,
): Variables {
  const untrusted = Object.entries(metadata);
  const given = new Map<string, unknown>([
    ...untrusted.filter(([name]) => !RESERVED.has(name)),
    ["stack_id", stackId],
    ...Object.entries(variables),
  ]);
  const usable = [...given].filter(([name]) => IDENTIFIER.test(name));
  return {
    values: new Map(
      usable.flatMap(([name, value]) => (value === null ? [] : [[name, toVariableText(value)] as const])),
    ),
    unusable: [...given.keys()].filter((name) => !IDENTIFIER.test(name)),
    reserved: untrusted.map(([name]) => name).filter((name) => RESERVED.has(name)),
  };
}

/** Formats a value as text; lists and maps are JSON. */
export function toVariableText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  // Terraform parses the text as an expression, where `${` and `%{` begin a template.
  return JSON.stringify(value).replaceAll("${", "\\u0024{").replaceAll("%{", "\\u0025{");
}

/** `<host>/<namespace>/<type>/<version>/<system>`: the folders of a provider cache (Terraform docs, "CLI Configuration"). */
const DEPTH = 5;
const RUNS = ".runs";

/** The provider cache of one run. */
interface RunProviderCache {
  readonly environment: Environment;
  /** Shares the providers that this run has installed with later runs. */
  share(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Opens the provider cache. Two concurrent runs of `init` must not use the same cache folder, so each run has its own
 * folder with links to the shared packages; new ones are moved into the shared folder afterwards by one rename per
 * package. No run waits for another, and a killed run leaves no partial file there. Two runs that need the same new
 * provider at the same time both load it, and one of the two is kept.
 */
async function openProviderCache(shared: string): Promise<RunProviderCache> {
  // In the shared folder, because a rename needs the same file system.
  const runs = join(shared, RUNS);
  const own = await createOwnedFolder(runs);
  const [packages] = await Promise.all([findPackages(shared), removeDeadFolders(runs)]);
  await Promise.all(packages.map((name) => link(join(shared, name), join(own.path, name))));
  return {
    environment: {
      TF_PLUGIN_CACHE_DIR: own.path,
      // Without it a configuration that brings no lock file would load its providers anew each time.
      TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "1",
    },
    async share() {
      const installed = (await findPackages(own.path)).filter((name) => !packages.includes(name));
      await Promise.all(installed.map((name) => moveAndLink(join(own.path, name), join(shared, name))));
    },
    remove: own.remove,
  };
}

/** Returns the packages of a cache, as paths relative to it. */
async function findPackages(cache: string): Promise<string[]> {
  let level = [""];
  for (let depth = 0; depth < DEPTH; depth += 1) {
    level = (await Promise.all(level.map((folder) => findFolders(cache, folder)))).flat();
  }
  return level;
}

async function findFolders(cache: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(cache, folder), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.name.startsWith(".") && (entry.isDirectory() || entry.isSymbolicLink()))
    .map((entry) => join(folder, entry.name));
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}

/** Moves a package and leaves a link, so that the run still finds it in its original place. */
async function moveAndLink(from: string, to: string): Promise<void> {
  // A provider of a local mirror is a link already; it is cheap to make again.
  if ((await lstat(from)).isSymbolicLink()) return;
  await mkdir(dirname(to), { recursive: true });
  const moved = await rename(from, to).then(
    () => true,
    // Another run was first: its package is as good, and ours is used until the end of this run.
    () => false,
  );
  if (moved) await symlink(to, from);
}

const SECRET_NAME = /pass(word|phrase|wd)?|secret|token|credential|private_?key|api_?key|access_?key/i;

/** Returns true for names with values that count as secrets without being marked. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

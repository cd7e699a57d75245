import { lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defined, type ExecutorContext } from "@stackyard/core";
import { createOwnedFolder, type OwnedFolder, removeDeadFolders } from "./child.ts";
import {
  TERRAFORM_STATE,
  type TerraformConfig,
  type TerraformOutputs,
  toStateAddress,
  toStateKey,
} from "./definition.ts";
import { TerraformFailure } from "./failure.ts";
import { findProgram, type Program } from "./find-program.ts";
import { copyGitSource, parseGitPath } from "./git-source.ts";
import {
  type DeclaredBackend,
  findModuleFacts,
  isModuleFile,
  type ModuleFacts,
  type ModuleFile,
} from "./module-facts.ts";
import { type Environment, type Settings, toDefaultTags, toEnvironment } from "./settings.ts";
import { copyLocalSource, copyS3Source, digestFolder } from "./sources.ts";

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
  readonly environment: Readonly<Record<string, string>>;
  readonly mask: (text: string) => string;
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
  work: (run: StagedRun) => Promise<T>,
): Promise<T> {
  const source = requireSource(config, ctx);
  const program = await findProgram(settings, config);
  const isTrusted = checkTrust(settings, ctx, source);
  return withFolders(settings, async (folder, cache) => {
    const staged = join(folder.path, "module");
    await Promise.all([stageSource(settings, ctx, source, staged), removeDeadFolders(settings.workDir)]);
    const module = source.type === "git" ? join(staged, parseGitPath(source.path).module) : staged;
    const facts = findModuleFacts(await loadModuleFiles(module, source));
    // Before anything of ours is written there.
    const sourceDigest = await digestFolder(staged);
    const backend = await setBackend(ctx, source, facts, module);
    const variables = toVariables(ctx, config.variables ?? {});
    reportIgnored(ctx, variables, facts);
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

/** Copies files of the project, of a bucket or of a code host into a new folder. Fails with TERRAFORM_SOURCE_* codes. */
export async function stageSource(
  settings: Settings,
  ctx: ExecutorContext,
  source: TypedSource,
  target: string,
): Promise<void> {
  await mkdir(target);
  if (source.type === "local") {
    const { sourcesDir: baseDir, ownDirs: leaveOut } = settings;
    return copyLocalSource({ baseDir, location: source.location, target, leaveOut });
  }
  if (source.type === "git") return copyGitSource(ctx, source, target);
  return copyS3Source(await settings.s3(ctx), { ...source, target, signal: ctx.signal });
}

async function loadModuleFiles(module: string, source: Source): Promise<ModuleFile[]> {
  const names = (await readdir(module)).filter(isModuleFile);
  if (names.length === 0) {
    const text = `"${toPlace(source)}" contains no configuration files (*.tf, *.tf.json) at its top level.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", text);
  }
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(module, name), "utf8") })));
}

function toPlace(source: Source): string {
  if (source.type === "git") return source.path ?? source.repository;
  return source.type === "local" ? source.location : `s3://${source.bucket}/${source.key}`;
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

/**
 * Reports ignored variables. Users do not set `stack_id` in metadata, so a module that does not declare it needs no
 * warning.
 */
function reportIgnored(ctx: ExecutorContext, { values, unusable }: Variables, { variables }: ModuleFacts): void {
  const undeclared = [...values.keys()].filter((name) => name !== "stack_id" && !variables.has(name));
  if (undeclared.length > 0) ctx.report(`Not declared as variables by the configuration: ${undeclared.join(", ")}`);
  if (unusable.length > 0)
    ctx.report(`Skipped, because the names are not valid variable names: ${unusable.join(", ")}`);
}

function toSecrets(environment: Readonly<Record<string, string>>, { variables }: ModuleFacts): string[] {
  const isSecret = (name: string) => isSecretName(name) || variables.get(name.replace(/^TF_VAR_/, "")) === true;
  return Object.entries(environment).flatMap(([name, value]) => (isSecret(name) ? [value] : []));
}

/** With this name Terraform reads the file last, so that it overrides the module's own files. */
const BACKEND_OVERRIDE_FILE = "stackyard_backend_override.tf.json";

/** The content of the override file: everything else is in environment variables. */
const BACKEND_OVERRIDE: string = JSON.stringify({ terraform: { backend: { http: {} } } });

/** The setup of a run that persists the state. */
interface BackendSetup {
  /** More arguments of `init`. */
  readonly initArguments: readonly string[];
  readonly environment: Environment;
  /** True: the override file is to be written. */
  readonly override: boolean;
}

interface BackendInput {
  readonly declared: DeclaredBackend | undefined;
  readonly stateKey: string;
  readonly stateBackendUrl: string | undefined;
  /** The attempt's credentials for the yard's own backend. */
  readonly attempt: { readonly id: string; readonly password: string };
}

/**
 * Returns the backend setup: an `s3` backend gets the state key, any other declared one is used unchanged, and without
 * one the yard's own backend is used. Fails with TERRAFORM_BACKEND_MISSING when the state would be lost with the run.
 */
export function toBackendSetup({ declared, stateKey, stateBackendUrl, attempt }: BackendInput): BackendSetup {
  if (declared === undefined) {
    if (stateBackendUrl === undefined) throw new TerraformFailure("TERRAFORM_BACKEND_MISSING", MISSING_TEXT);
    return toYardBackend(stateBackendUrl, stateKey, attempt);
  }
  const isS3 = declared.kind === "backend" && declared.type === "s3";
  if (declared.kind === "backend" && declared.inFolder)
    throw new TerraformFailure("TERRAFORM_BACKEND_MISSING", LOCAL_TEXT);
  return { initArguments: isS3 ? [`-backend-config=key=${stateKey}`] : [], environment: {}, override: false };
}

const LOCAL_TEXT =
  'The configuration declares the backend "local" in its own folder, which is removed after each run, and the state with it. ' +
  "Declare a remote backend, give an absolute path, or remove the block to use the yard's own state backend.";

const MISSING_TEXT =
  "The configuration declares no backend, and this runner has no state backend of the yard. The state would be lost. " +
  'Declare one, such as `terraform { backend "s3" { bucket = … } }`, or run the task where the yard\'s server is configured.';

/**
 * Returns the setup for the yard's backend with the attempt's user and password: the lock ends with the attempt's
 * lease.
 */
function toYardBackend(url: string, stateKey: string, attempt: BackendInput["attempt"]): BackendSetup {
  const address = toStateAddress(url, stateKey);
  const environment = {
    TF_HTTP_ADDRESS: address,
    TF_HTTP_LOCK_ADDRESS: address,
    TF_HTTP_LOCK_METHOD: "LOCK",
    TF_HTTP_UNLOCK_ADDRESS: address,
    TF_HTTP_UNLOCK_METHOD: "UNLOCK",
    TF_HTTP_USERNAME: attempt.id,
    TF_HTTP_PASSWORD: attempt.password,
  };
  return { initArguments: [], environment, override: true };
}

/** Terraform's identifiers: letters of any script, digits, underscores and hyphens, not beginning with a digit or hyphen. */
const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u;

/** The variables of a module, and the names that are unusable. */
interface Variables {
  /** Text by name, in the form that `-var` takes. */
  readonly values: ReadonlyMap<string, string>;
  /** Names that no Terraform variable can have. */
  readonly unusable: readonly string[];
}

/**
 * Returns the variables of a run: `stack_id`, then metadata, then the task's own; a later one of the same name wins.
 */
export function toVariables(
  { stackId, metadata }: Pick<ExecutorContext, "stackId" | "metadata">,
  variables: Readonly<Record<string, unknown>>,
): Variables {
  const given = new Map<string, unknown>([
    ["stack_id", stackId],
    ...Object.entries(metadata),
    ...Object.entries(variables),
  ]);
  const usable = [...given].filter(([name]) => IDENTIFIER.test(name));
  return {
    values: new Map(usable.map(([name, value]) => [name, toVariableText(value)])),
    unusable: [...given.keys()].filter((name) => !IDENTIFIER.test(name)),
  };
}

/** Formats a value as text: null is `null`, lists and maps are JSON. */
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

/** Shorter texts would mask half of any log. */
const MIN_SECRET_CHARS = 4;
/** A line of a longer secret, such as a private key, is masked separately from this length on. */
const MIN_LINE_CHARS = 8;
/** Replaces secrets. */
export const MASK = "***";
const SECRET_NAME = /pass(word|phrase|wd)?|secret|token|credential|private_?key|api_?key|access_?key/i;

/** Returns true for names with values that count as secrets without being marked. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Creates a function that masks every occurrence of the secrets: raw, as in JSON, and line by line. */
export function createMasker(secrets: Iterable<string>): (text: string) => string {
  const forms = new Set([...secrets].filter((secret) => secret.trim().length >= MIN_SECRET_CHARS).flatMap(toForms));
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

function toForms(secret: string): string[] {
  const lines = secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= MIN_LINE_CHARS);
  const escaped = JSON.stringify(secret).slice(1, -1);
  return [secret, escaped, ...(lines.length > 1 ? lines : [])];
}

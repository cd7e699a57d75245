import { createHash } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, defined, type ExecutorContext } from "@stackyard/core";
import { withTargetCredentials } from "@stackyard/core/programs";
import { createLogMasks } from "@stackyard/core/services";
import { type SourceConfig, toSourceText } from "@stackyard/sources";
import { TERRAFORM_STATE, type TerraformConfig, toStateKey } from "../definition.ts";
import { type Settings, toDefaultTags, toEnvironment } from "../settings.ts";
import type { AppliedSource } from "../source/applied-source.ts";
import { listTexts, toHclTokens } from "../source/hcl.ts";
import { restoreFiles } from "../source/kept-files.ts";
import { findModuleFacts, listModuleFiles, type ModuleFacts, type ModuleFile } from "../source/module-facts.ts";
import { createParsedFiles, type ParsedFiles, parseFile } from "../source/parsed-files.ts";
import { digestFolder, stageSource } from "../source/stage-source.ts";
import { BACKEND_OVERRIDE, BACKEND_OVERRIDE_FILE, toBackendSetup } from "../state/backend.ts";
import { TerraformFailure } from "./failure.ts";
import { findProgram, type Program } from "./find-program.ts";
import { openProviderCache, type RunProviderCache } from "./provider-cache.ts";
import { recoverRun } from "./recorded-run.ts";
import { claimFolder, claimSameFolder, FolderRefused, type OwnedFolder, removeDeadFolders } from "./run-folder.ts";
import type { StagedRun } from "./staged-run.ts";
import { findCut, isVariablesFile, listTextsOf, removeVariables } from "./tfvars.ts";

/** Runs `work` in a folder that is always removed afterwards. Fails with TerraformFailure. */
export async function withStagedRun<T>(
  settings: Settings,
  ctx: ExecutorContext,
  task: TerraformConfig,
  { isDryRun = false, folder: path, applied, skipsRefresh = false, work }: RunOptions<T>,
): Promise<T> {
  const config = applied === undefined ? task : { ...omitPlace(task), ...applied.config };
  const source = requireSource(config, ctx);
  const program = await findProgram(settings, config);
  const isTrusted = checkTrust(settings, ctx, source);
  const name = toFolderName(settings.yard, source.stateKey);
  const waitMs = isDryRun ? 0 : FOLDER_WAIT_MS;
  const recover = (dead: string) => recoverRun({ ctx, settings }, dead);
  const input = defined({ name, path, waitMs, signal: ctx.signal, clock: ctx.clock, recover });
  return withFolders(settings, input, async (folder, cache) => {
    const staged = join(folder.path, "module");
    const [module] = await Promise.all([
      stageConfiguration({ settings, ctx, source, target: staged, applied }),
      removeDeadFolders(settings.workDir, recover),
      // Those of `workDir` are among its own.
      path === undefined ? undefined : removeDeadFolders(dirname(folder.path), recover),
    ]);
    const files = createParsedFiles();
    const facts = findModuleFacts(await loadModuleFiles(ctx, { module, source, program, files }));
    // Before anything of ours is written there.
    const sourceDigest = await digestFolder(staged);
    const backend = await setBackend(ctx, { source, facts, module, config });
    const variables = withApplied(toVariables(ctx, task.variables ?? {}), applied);
    reportIgnored(ctx, variables, facts);
    const fileSecrets = await readVariableFiles(ctx, { module, variables, facts, files });
    const hidden = new Set([...(ctx.secrets ?? []), ...listSecretsOf(applied)]);
    const masks = createLogMasks([...hidden, ...fileSecrets]);
    return withTargetCredentials(ctx, masks, (access) => {
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
      // Those of the target are masked where they are given; paths among their variables are not secret.
      const others = Object.entries(environment).filter(([name]) => !(name in (access?.credentials ?? {})));
      masks.add(toSecrets(Object.fromEntries(others), facts));
      return work({
        ctx,
        settings,
        config,
        program,
        module,
        sourceDigest,
        stateKey: source.stateKey,
        environment,
        variables: new Map([...variables.values].filter(([name]) => facts.variables.has(name))),
        isSecret: (name, value) =>
          isSecretName(name) || facts.variables.get(name)?.sensitive === true || hidden.has(value),
        folder: folder.path,
        shareProviders: cache.share,
        initArguments: backend.initArguments,
        destroyArguments: skipsRefresh ? ["-refresh=false"] : [],
        isYard: backend.isYard,
        mask: masks.text,
        maskStream: masks.stream,
      });
    });
  });
}

interface RunOptions<T> {
  /** True for a run that changes nothing: it does not wait for another one. Default: false. */
  readonly isDryRun?: boolean;
  /** The folder of the run that made the plan to apply. Default: the folder of the state below `workDir`. */
  readonly folder?: string;
  /** Used instead of the task's source, backend and variables. */
  readonly applied?: AppliedSource | undefined;
  /** True to destroy by the state alone, without reading resources and data sources before. Default: false. */
  readonly skipsRefresh?: boolean;
  readonly work: (run: StagedRun) => Promise<T>;
}

/** Returns the config of a task without what an applied source replaces. */
function omitPlace({ source: _, backend: __, variables: ___, ...rest }: TerraformConfig): TerraformConfig {
  return rest;
}

interface StageInput {
  readonly settings: Settings;
  readonly ctx: ExecutorContext;
  readonly source: SourceConfig;
  readonly target: string;
  readonly applied: AppliedSource | undefined;
}

/** Writes the configuration into a new folder. Returns the path of the module. */
async function stageConfiguration({ settings, ctx, source, target, applied }: StageInput): Promise<string> {
  if (applied?.files === undefined) return stageSource(settings, ctx, source, target);
  await mkdir(target);
  await restoreFiles(applied.files, target);
  return join(target, applied.module);
}

function listSecretsOf(applied: AppliedSource | undefined): readonly unknown[] {
  return applied?.secrets.map((name) => applied.variables[name]) ?? [];
}

/** Returns the variables of the last apply; those that could not be stored are the present ones. */
function withApplied(present: Variables, applied: AppliedSource | undefined): Variables {
  if (applied === undefined) return present;
  const secrets = [...present.values].filter(([name]) => applied.secrets.includes(name));
  return { values: new Map([...secrets, ...Object.entries(applied.variables)]), unusable: [], reserved: [] };
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
  readonly clock: Clock;
  readonly recover: (path: string) => Promise<void>;
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
type Source = SourceConfig & { readonly stateKey: string };

function requireSource({ source, state }: TerraformConfig, ctx: ExecutorContext): Source {
  if (source === undefined) {
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", `The task "${ctx.task}" has no "source" in its config.`);
  }
  const typed = "type" in source ? source : undefined;
  const stateKey = toStateKey(ctx, { state, source: typed });
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

interface ModuleInput {
  readonly module: string;
  readonly source: SourceConfig;
  readonly program: Program;
  readonly files: ParsedFiles;
}

async function loadModuleFiles(ctx: ExecutorContext, input: ModuleInput): Promise<ModuleFile[]> {
  const { module, source, program, files } = input;
  const all = (await readdir(module)).filter((name) => /\.(tf|tofu)(\.json)?$/.test(name));
  const names = listModuleFiles(all, program);
  const unread = all.filter((name) => !names.includes(name));
  if (unread.length > 0) ctx.report(`Not read by ${program.product || "the program"}: ${unread.join(", ")}`);
  if (names.length === 0) {
    const text = `"${toSourceText(source)}" contains no configuration files (*.tf, *.tf.json) at its top level.`;
    throw new TerraformFailure("TERRAFORM_SOURCE_MISSING", text);
  }
  return Promise.all(names.map(async (name) => ({ name, text: await files.read(module, name) })));
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

interface VariableFilesInput {
  readonly module: string;
  readonly variables: Variables;
  readonly facts: ModuleFacts;
  readonly files: ParsedFiles;
}

/**
 * Removes our variables from files that the program loads by itself, because these would override ours. Returns the
 * secrets that stay there. A file that ends early is refused, as by the program: without our variables it may look whole.
 */
async function readVariableFiles(
  ctx: ExecutorContext,
  { module, variables, facts, files }: VariableFilesInput,
): Promise<readonly string[]> {
  const names = new Set(variables.values.keys());
  const sensitive = new Set([...facts.variables].flatMap(([name, variable]) => (variable.sensitive ? [name] : [])));
  const secrets: string[] = [];
  for (const file of (await readdir(module)).filter(isVariablesFile).sort()) {
    const path = join(module, file);
    const found = await files.read(module, file);
    const cut = parseFile(file, () => findCut(file, found));
    if (cut !== undefined) {
      const problem = `"${file}" ends within the value of "${cut}", or has none for it. It is incomplete: correct it.`;
      throw new TerraformFailure("TERRAFORM_SOURCE_REFUSED", problem);
    }
    const { text, removed } = removeVariables(file, found, names);
    secrets.push(...listTextsOf(file, text, sensitive));
    if (removed.length === 0) continue;
    await writeFile(path, text);
    ctx.report(
      `${file} sets ${[...new Set(removed)].join(", ")}: the values of the stack and the task are used instead.`,
    );
  }
  return secrets;
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

/** Returns the secrets of a run: values in its environment with their members, which may be in HCL, and defaults without a value. */
function toSecrets(environment: Readonly<Record<string, string>>, { variables }: ModuleFacts): string[] {
  const isSecret = (name: string) =>
    isSecretName(name) || variables.get(name.replace(/^TF_VAR_/, ""))?.sensitive === true;
  const given = Object.entries(environment).filter(([name]) => isSecret(name));
  return [
    ...given.flatMap(([, value]) => (/^\s*[[{]/.test(value) ? [value, ...listTexts(toHclTokens(value))] : [value])),
    ...[...variables].flatMap(([name, { sensitive, texts }]) => {
      return sensitive && environment[`TF_VAR_${name}`] === undefined ? texts : [];
    }),
  ];
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

const SECRET_NAME = /pass(word|phrase|wd)?|secret|token|credential|private_?key|api_?key|access_?key/i;

/** Returns true for names with values that count as secrets without being marked. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

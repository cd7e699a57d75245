import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import {
  defined,
  type Executor,
  type ExecutorDefinition,
  type ExecutorsContext,
  findNearestName,
  formatFaults,
  isMap,
  listSchemaFaults,
  type MachineSource,
  type Plugin,
  type PluginContext,
  type PluginReference,
  requireUtf8,
} from "@stackyard/core";
import { loadMachineFile, readInput } from "@stackyard/core/engine";
import type { Problem } from "@stackyard/core/machine";
import { type Machine, type ParseMachineOptions, parseMachine } from "@stackyard/core/machine";
import {
  ALLOW_ALL,
  CommandOptions,
  commandDefinition,
  createCommandDefinition,
} from "@stackyard/executor-command/definition";
import { LambdaOptions, lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { TerraformOptions, terraformDefinition } from "@stackyard/executor-terraform/definition";
import { promotionDefinitions } from "@stackyard/promotion/definition";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { type ConfigFile, dataDirOf, loadConfigFile, machinesDirOf } from "./config.ts";
import { formatImportError, importFromProject, isPlugin, offerOwnPackages } from "./modules.ts";
import { createProjectSecrets } from "./secrets.ts";

/** The executors that come with the command line and have options. */
const BUILT_IN = ["terraform", "lambda", "command"] as const;
/** Reserved names that executors of plugins must not have; `approval` tasks are done by people. */
const TAKEN: readonly string[] = [...BUILT_IN, "deploy", "gate", "approval"];

/** Which executors of a project to load: `plugins` leaves out the built-in ones, whose names every machine can use. */
type ExecutorScope = "all" | "plugins";

interface LoadOptions {
  /** True for a yard of the person who writes its machines: without options, they may run any program. Default: false. */
  readonly isOwn?: boolean;
}

/**
 * Loads the executors of a project by name; they may pass the environment on to programs. Throws one `CONFIG_INVALID`
 * that lists every plugin that does not load and every invalid option.
 */
export async function loadExecutors(
  file: ConfigFile,
  scope: ExecutorScope,
  environment: PluginContext["environment"],
  { isOwn = false }: LoadOptions = {},
): Promise<ReadonlyMap<string, Executor>> {
  const { config, projectDir } = file;
  const { command, ...others } = config.executors ?? {};
  const ofCommand = isOwn && (command === undefined || isMap(command)) ? { ...ALLOW_ALL, ...command } : command;
  const options = { ...others, ...defined({ command: ofCommand }) };
  const builtIn = scope === "all" ? await loadBuiltIn(options) : [];
  const { plugins, faults, cause } = await loadPlugins(config.plugins ?? [], projectDir);
  const readSecret = createProjectSecrets(file, { env: environment });
  const context = { projectDir, dataDir: dataDirOf(file), environment, readSecret };
  const executors = new Map<string, Executor>();
  const more = [
    ...(scope === "all" ? [] : listOptionFaults(options)),
    ...builtIn.map((loaded) => addExecutors(executors, loaded, { ...context, taken: [] })),
    ...plugins.map((loaded) => addExecutors(executors, loaded, { ...context, taken: TAKEN })),
  ];
  const all = [...formatUnknownNames(options), ...faults, ...more.filter((fault) => fault !== undefined)];
  if (all.length === 0) return executors;
  const message = `The project's executors cannot be set up:${all.map((fault) => `\n  - ${fault}`).join("")}`;
  throw failWith("CONFIG_INVALID", message, {
    hint: `Correct ${file.path ?? "stackyard.config.ts"} and try again.`,
    cause,
  });
}

async function loadBuiltIn(options: Readonly<Record<string, unknown>>): Promise<readonly (LoadedPlugin | string)[]> {
  const [terraform, lambda, command, promotion] = await Promise.all([
    import("@stackyard/executor-terraform"),
    import("@stackyard/executor-lambda"),
    import("@stackyard/executor-command"),
    import("@stackyard/promotion"),
  ]);
  return [
    checkOptions(terraform.default, options["terraform"]),
    checkOptions(lambda.default, options["lambda"]),
    checkOptions(command.default, options["command"]),
    checkOptions(promotion.default, undefined),
  ];
}

/** Returns the faults of the built-in executors' options from their definitions alone: the executors bring their SDKs. */
function listOptionFaults(options: Readonly<Record<string, unknown>>): readonly string[] {
  const checked = [
    checkOptions({ name: "terraform", options: TerraformOptions }, options["terraform"]),
    checkOptions({ name: "lambda", options: LambdaOptions }, options["lambda"]),
    checkOptions({ name: "command", options: CommandOptions }, options["command"]),
  ];
  return checked.filter((fault) => typeof fault === "string");
}

function formatUnknownNames(options: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(options)
    .filter((name) => !BUILT_IN.some((known) => known === name))
    .map((name) => {
      const near = findNearestName(name, BUILT_IN);
      const advice = near ? `Did you mean "${near}"?` : "Options of a plugin belong next to it: { use, options }.";
      return `"executors.${name}": only ${BUILT_IN.join(", ")} are built in and have options. ${advice}`;
    });
}

function addExecutors(
  executors: Map<string, Executor>,
  loaded: LoadedPlugin | string,
  { taken, ...context }: ExecutorsContext & { readonly taken: readonly string[] },
): string | undefined {
  if (typeof loaded === "string") return loaded;
  const { plugin, options } = loaded;
  try {
    for (const executor of plugin.executors(options, context)) {
      if (!isExecutor(executor))
        return `The plugin "${plugin.name}" contains an executor that was not created by \`defineExecutor\`.`;
      const { name } = executor;
      if (taken.includes(name))
        return `The plugin "${plugin.name}" contains the executor "${name}", which is built in.`;
      if (executors.has(name)) return `Two plugins contain the executor "${name}".`;
      executors.set(name, executor);
    }
    return undefined;
  } catch (error) {
    return `The plugin "${plugin.name}" failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

// A plugin in plain JavaScript may return anything; without this check, it would fail only when a task runs.
function isExecutor(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const parts = new Map<string, unknown>(Object.entries(value));
  const config = parts.get("config");
  const hasSchema = typeof config === "object" && config !== null;
  return typeof parts.get("name") === "string" && hasSchema && typeof parts.get("start") === "function";
}

/** Loads the definitions of the built-in executors and of those in the plugins of the nearest project. */
export async function loadDefinitions(
  { cwd, env }: Pick<CommandContext, "cwd" | "env">,
  project?: string,
): Promise<ExecutorRegistry> {
  const file = await loadConfigFile(cwd, project);
  const plugins = await loadExecutors(file, "plugins", env);
  const command = toCommandDefinition(file);
  const builtIn = [terraformDefinition, lambdaDefinition, command, ...promotionDefinitions].map(withoutLimits);
  return new Map([...builtIn.map((definition) => [definition.name, definition] as const), ...plugins]);
}

/** Returns the definition that judges by the project's options, if it has some. */
function toCommandDefinition({ config }: ConfigFile): ExecutorDefinition {
  const options: unknown = config.executors?.["command"];
  // What does not fit was reported before.
  return options === undefined ? commandDefinition : createCommandDefinition(options as CommandOptions);
}

/** Removes the limits, because simulations use those of the document: `timeout`, else the default of its version. */
function withoutLimits(definition: ExecutorDefinition): ExecutorDefinition {
  const { timeout, cancelWithin, exclusiveKey, ...checks } = definition;
  return checks;
}

/** A file, its machine if it has one, and all its problems. */
export interface MachineFileReport {
  /** As it was given, or as found in the folder that was given. */
  readonly file: string;
  readonly name: string;
  /** The compiled machine; undefined when a problem is an error. */
  readonly machine: Machine | undefined;
  readonly problems: readonly Problem[];
}

export interface ReadMachinesOptions {
  readonly cwd: string;
  readonly executors: ExecutorRegistry;
  readonly strict?: boolean;
  /** Ends the wait for a pipe. */
  readonly signal?: AbortSignal;
}

const ENDINGS: ReadonlySet<string> = new Set([".yml", ".yaml", ".json", ".ts", ".mts", ".js", ".mjs"]);

/**
 * Reads machines from files and from the files of folders, each judged alone. Throws `CONFIG_INVALID` that names every
 * path that is not there.
 */
export async function readMachineFiles(
  paths: readonly string[],
  { cwd, strict = false, ...options }: ReadMachinesOptions,
): Promise<readonly MachineFileReport[]> {
  const missing = paths.filter((path) => !existsSync(resolve(cwd, path)));
  if (missing.length > 0) {
    throw failWith("CONFIG_INVALID", `File or folder not found: ${missing.map((path) => `"${path}"`).join(", ")}.`, {
      hint: "Check the spelling; paths start at the current folder.",
    });
  }
  const files = (await Promise.all(paths.map((path) => listFiles(cwd, path)))).flat();
  return Promise.all(files.map((file) => readMachineFile(resolve(cwd, file), file, { strict, ...options })));
}

/** Returns the machines of reports by name. */
export function toMachineSource(reports: readonly MachineFileReport[]): MachineSource {
  return {
    async find(name) {
      const report = reports.find((each) => each.name === name);
      if (report === undefined) return { kind: "unknown" };
      return report.machine === undefined ? { kind: "invalid" } : { kind: "found", machine: report.machine };
    },
  };
}

/** Returns the machines of a project's folder, which is read once. Those of a missing folder are not known to be wrong. */
export function createMachineSource({ env }: Pick<CommandContext, "env">, file: ConfigFile): MachineSource {
  let loaded: Promise<MachineSource> | undefined;
  async function load(): Promise<MachineSource> {
    const folder = machinesDirOf(file);
    if (!isFolder(folder)) return { find: async () => ({ kind: "invalid" }) };
    const executors = await loadDefinitions({ cwd: file.projectDir, env });
    return toMachineSource(await readMachineFiles([folder], { cwd: file.projectDir, executors }));
  }
  return {
    async find(name) {
      loaded ??= load();
      return (await loaded).find(name);
    },
  };
}

/** Throws `CONFIG_INVALID` when folders contain no machine files, so that a wrong path is not taken for a success. */
export function requireReports(reports: readonly MachineFileReport[], paths: readonly string[]): void {
  if (reports.length > 0) return;
  throw failWith("CONFIG_INVALID", `No machine files in ${paths.map((path) => `"${path}"`).join(", ")}.`, {
    hint: "Pass a machine file, or a folder that contains .yaml, .json or .ts machines.",
  });
}

/** Returns the reports with an error for each machine in several files of a folder: a yard uses none of them. */
export function markDuplicates(reports: readonly MachineFileReport[]): readonly MachineFileReport[] {
  const keyOf = ({ file, name }: MachineFileReport) => join(dirname(file), name);
  const byKey = Map.groupBy(new Map(reports.map((report) => [report.file, report])).values(), keyOf);
  return reports.map((report) => {
    const same = byKey.get(keyOf(report)) ?? [];
    if (same.length < 2) return report;
    const { file, name, problems } = report;
    const message = `The machine "${name}" is in several files: ${same.map((each) => each.file).join(", ")}. Keep one of them.`;
    const problem = { severity: "error", code: "machine-duplicate", path: "", line: 1, column: 1, message } as const;
    return { file, name, machine: undefined, problems: [problem, ...problems] };
  });
}

/** Returns the names of the machines in a folder without reading them. Throws when the folder cannot be listed. */
export async function listMachineNames(folder: string): Promise<readonly string[]> {
  const files = await listFiles(folder, ".");
  return files.map((file) => basename(file, extname(file)));
}

/** Returns true if the path is a folder. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function listFiles(cwd: string, path: string): Promise<readonly string[]> {
  if (!isFolder(resolve(cwd, path))) return [path];
  const entries = await readdir(resolve(cwd, path), { withFileTypes: true });
  return entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && isMachineFile(entry.name))
    .map(({ name }) => join(path, name))
    .sort();
}

function isMachineFile(name: string): boolean {
  return !name.startsWith(".") && !name.endsWith(".d.ts") && ENDINGS.has(extname(name));
}

async function readMachineFile(
  path: string,
  file: string,
  options: Omit<ReadMachinesOptions, "cwd">,
): Promise<MachineFileReport> {
  if (!ENDINGS.has(extname(path))) {
    // A file that is named explicitly is read as YAML, whatever its ending.
    const name = basename(path, extname(path));
    const { machine, problems } = parseMachine(await readInput(path, options.signal), { ...options, name });
    return { file, name, machine, problems };
  }
  offerOwnPackages();
  const { name, located } = await loadMachineFile(path, options);
  if (located.kind === "unknown") return { file, name, machine: undefined, problems: [] };
  return { file, name, machine: located.kind === "found" ? located.machine : undefined, problems: located.problems };
}

/** Executors that machines may name, besides the built-in ones. */
export type ExecutorRegistry = NonNullable<ParseMachineOptions["executors"]>;

const MODULES: ReadonlySet<string> = new Set([".ts", ".mts", ".js", ".mjs"]);

/**
 * Reads the text of a YAML or JSON machine, and its name from the file's. Throws `CONFIG_INVALID` for programs and
 * files that are not UTF-8, and errors of the file system as they are.
 */
export async function readMachineText(file: string, cwd: string) {
  const ending = extname(file);
  if (MODULES.has(ending)) {
    throw failWith("CONFIG_INVALID", `${file} is a program. Only YAML and JSON documents can be rewritten.`, {
      hint: 'Change it by hand: version: 2, revision: "follow", leaving: "abandon" in each state.',
    });
  }
  return { name: basename(file, ending), source: requireUtf8(await readInput(resolve(cwd, file)), file) };
}

/** A plugin with its validated options from the project. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly options: unknown;
}

/** The plugins that were loaded, and the faults of the others. */
interface LoadedPlugins {
  readonly plugins: readonly LoadedPlugin[];
  readonly faults: readonly string[];
  /** The errors that the other plugins have thrown. */
  readonly cause?: unknown;
}

/** Loads the plugins of the configuration, by package or by path from the project's folder. Never throws. */
export async function loadPlugins(references: readonly PluginReference[], projectDir: string): Promise<LoadedPlugins> {
  const thrown: unknown[] = [];
  const noteThrown = (error: unknown) => thrown.push(error);
  const results = await Promise.all(references.map((reference) => loadPlugin(reference, projectDir, noteThrown)));
  return {
    plugins: results.flatMap((result) => (typeof result === "string" ? [] : [result])),
    faults: results.filter((result) => typeof result === "string"),
    ...(thrown.length === 0 ? {} : { cause: thrown.length === 1 ? thrown[0] : new AggregateError(thrown) }),
  };
}

/** Returns the plugin with its options, or the faults of the options. */
export function checkOptions<Owner extends Pick<Plugin, "name" | "options">>(
  plugin: Owner,
  options: unknown,
): { readonly plugin: Owner; readonly options: unknown } | string {
  if (plugin.options === undefined) {
    return options === undefined ? { plugin, options } : `The plugin "${plugin.name}" has no options.`;
  }
  const given = options ?? {};
  const faults = formatFaults(listSchemaFaults(plugin.options, given));
  return faults.length === 0 ? { plugin, options: given } : `Options of "${plugin.name}": ${faults.join(" ")}`;
}

async function loadPlugin(
  reference: PluginReference,
  projectDir: string,
  onThrown: (error: unknown) => void,
): Promise<LoadedPlugin | string> {
  const { use, options, ...more } = toUse(reference);
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return `Unknown key "${unknown}" next to "use". Valid keys: "use", "options".`;
  if (typeof use !== "string") return checkOptions(use, options);
  try {
    const { default: found } = await importFromProject(use, projectDir);
    if (isPlugin(found)) return checkOptions(found, options);
    return `"${use}" does not export a Stackyard plugin: its default export must come from \`definePlugin\`.`;
  } catch (error) {
    onThrown(error);
    return `The plugin "${use}" cannot be loaded: ${await formatImportError(error, use, projectDir)}`;
  }
}

function toUse(reference: PluginReference): { readonly use: string | Plugin; readonly options?: unknown } {
  return typeof reference === "object" && "use" in reference ? reference : { use: reference };
}

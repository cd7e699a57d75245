import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { cutText, defineCommand, type Executor, isMap, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { BASE_VARIABLES, pickEnvironment } from "@stackyard/core/programs";
import { type Finding, fail, failOf, look, ok, reportFindings, warn } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import type { CliCommand, CommandContext } from "../command.ts";
import { findNodeProblem } from "../node-version.ts";
import type { Style } from "../output.ts";
import { markUnknownCalendars } from "../project/check-windows.ts";
import { type ConfigFile, dataDirOf, findYard, isAwsYard, loadConfigFile, machinesDirOf } from "../project/config.ts";
import { isFolder, loadExecutors, loadPlugins, markDuplicates, readMachineFiles } from "../project/executors.ts";
import { isHidden } from "../project/plugin-commands.ts";
import { chooseSharedStore, findStoreVariable } from "../project/store.ts";
import { findYardName, type GivenServer, serverArgs } from "../server/connection.ts";
import { readVariables } from "../variables.ts";
import { loadYardRuntime, toYardRuntimeContext } from "../yard/aws-yard.ts";
import { checkLogs } from "../yard/logs.ts";
import { createOwnAwsAccess } from "../yard/own-aws-access.ts";
import { findGrantWarning, GRANT_HINT, loadApiTokens } from "../yard/settings.ts";
import { checkProxies } from "./doctor-access.ts";
import { checkCommands } from "./doctor-commands.ts";
import { checkNetwork } from "./doctor-network.ts";
import {
  checkDisk,
  checkProviderCache,
  checkServer,
  checkSharedStore,
  checkStore,
  type SharedStoreInput,
} from "./doctor-stores.ts";

/** Creates `stackyard doctor`; `own` are the names of all our commands. */
export function createDoctor(own: readonly string[]): CliCommand {
  return defineCommand({
    name: "doctor",
    summary: "Check that everything the project needs is available, and suggest fixes.",
    description:
      "Exits with 1 if a check fails; optional requirements only cause warnings. With --yard, checks a yard of the configuration: for a yard on AWS its identity, queues, functions, tables, machines and permissions.",
    examples: {
      "stackyard doctor": "Print one line per check.",
      "stackyard doctor --yard production": "Check a deployment on AWS instead of this machine.",
    },
    args: Type.Object({ ...serverArgs }),
    async run(context: CommandContext, given) {
      const yard = findYardName(given, context.env);
      const { file, findings: found, used } = await checkProject(context, given.project);
      // Those in the folder are not those of another yard.
      const findings = [checkNode(), ...found.filter(({ check }) => yard === undefined || check !== "machines")];
      if (file !== undefined) {
        findings.push(...(await checkPluginCommands(file, own)));
        if (yard !== undefined) findings.push(...(await checkNamedYard(context, file, { ...given, yard })));
        else
          findings.push(
            ...(await checkMachine(context, file, { used, given })),
            ...(await checkServer(context, given, isOfServer(given, context.env) ? used : undefined)),
          );
      }
      // The store and the server may say the same.
      const each = new Map(findings.map((finding) => [`${finding.check} ${finding.message}`, finding]));
      const { out } = context;
      return reportFindings([...each.values()], out, (text, status) => out.paint(STYLES[status], text));
    },
  });
}

function checkNode(): Finding {
  const { node } = process.versions;
  const problem = findNodeProblem(node);
  return problem === undefined ? ok("node", node) : fail("node", problem, "Install a newer Node.");
}

interface CheckMachineInput {
  readonly used: ReadonlySet<string>;
  readonly given: GivenServer;
}

async function checkMachine(
  { env }: CommandContext,
  file: ConfigFile,
  { used, given }: CheckMachineInput,
): Promise<readonly Finding[]> {
  const aws = createOwnAwsAccess({ clock: systemClock, logger: silentLogger, retriesDenials: false });
  const dataDir = dataDirOf(file);
  const options = file.config.executors?.["terraform"];
  const binary = textOf(options, "binary") ?? "terraform";
  const cache = textOf(options, "providerCacheDir") ?? join(dataDir, "terraform-providers");
  const found = await Promise.all([
    isOfServer(given, env) ? [] : checkChosenStore(file, { projectDir: file.projectDir, env, used }),
    checkTerraform({ binary, needed: used.has("terraform"), env }),
    checkCommands(file, { needed: used.has("command"), env }),
    checkProviderCache(resolve(file.projectDir, cache)),
    checkDisk(dataDir),
    checkLogs(file, aws),
  ]);
  return found.flat();
}

/** A command that names a server elsewhere needs no database: a laptop has none, and must not have its password. */
function isOfServer({ url }: GivenServer, env: CommandContext["env"]): boolean {
  const { STACKYARD_URL } = readVariables(env);
  return (url ?? STACKYARD_URL) !== undefined && !env["DATABASE_URL"] && !env["DATABASE_URL_FILE"];
}

function checkChosenStore(file: ConfigFile, input: SharedStoreInput): Promise<readonly Finding[]> {
  return look("store", "Correct `store` in the configuration.", async () => {
    const choice = chooseSharedStore(file, input.env);
    if (choice.kind === "sqlite") return await checkStore(choice.folder);
    const found = await checkSharedStore(choice, input);
    const variable = findStoreVariable(file, input.env);
    if (variable === undefined) return found;
    return [...(await checkStore(dataDirOf(file))), ...found.map((finding) => doubtStore(finding, variable))];
  });
}

/** Turns a failure into a warning: a variable in a developer's shell may name any database, not the project's. */
function doubtStore(finding: Finding, variable: string): Finding {
  if (finding.status !== "fail") return finding;
  const message = `${variable} names a store that cannot be used; \`stackyard dev\` does without it. ${finding.message}`;
  const hint =
    "Servers and workers would use it. If it is not meant for them, set `store` in the configuration before you migrate.";
  return warn(finding.check, message, hint);
}

function textOf(options: unknown, key: string): string | undefined {
  const value = isMap(options) ? options[key] : undefined;
  return typeof value === "string" ? value : undefined;
}

const STYLES: Readonly<Record<Finding["status"] | "hint", Style>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
  hint: "dim",
};

/** The project as far as it could be loaded, and what was found on the way. */
interface CheckedProject {
  readonly findings: readonly Finding[];
  readonly file?: ConfigFile;
  /** Names of executors that the machines use. */
  readonly used: ReadonlySet<string>;
}

/** Looks at configuration, plugins and machines. */
async function checkProject(
  { cwd, env }: Pick<CommandContext, "cwd" | "env">,
  project?: string,
): Promise<CheckedProject> {
  let file: ConfigFile;
  try {
    file = await loadConfigFile(cwd, project);
  } catch (error) {
    const finding = failOf("config", error, "Correct it; the other checks of the project need it.");
    return { findings: [finding], used: new Set() };
  }
  const plugins = await checkPlugins(file, env);
  const machines = await checkMachines(file, plugins.executors);
  const access = [...(await checkGrants(file, env)), ...(await checkNetwork(file, env)), ...checkProxies(file)];
  const findings = [checkConfig(file), plugins.finding, ...access, machines.finding];
  return { findings, file, used: machines.used };
}

function checkConfig({ path, projectDir }: ConfigFile): Finding {
  if (path !== undefined) return ok("config", path);
  const message = `${projectDir} has no stackyard.config.ts; the defaults apply.`;
  return warn("config", message, "Run `stackyard init` to create a project.");
}

/** Warns about tokens without a grant: next to grants it is rarely intended. */
async function checkGrants({ config }: ConfigFile, env: CommandContext["env"]): Promise<readonly Finding[]> {
  if (config.access === undefined) return [];
  return look("access", "Correct STACKYARD_API_TOKENS or its file.", async () => {
    const warning = findGrantWarning(config, await loadApiTokens(env));
    if (warning !== undefined) return [warn("access", warning, GRANT_HINT)];
    return [ok("access", "Every configured token has a grant.")];
  });
}

async function checkPlugins(
  file: ConfigFile,
  env: CommandContext["env"],
): Promise<{ readonly finding: Finding; readonly executors: ReadonlyMap<string, Executor> }> {
  try {
    // What a server allows is a check of its own.
    const executors = await loadExecutors(file, "all", env, { isOwn: true });
    return { finding: ok("plugins", `executors ${[...executors.keys()].join(", ")}`), executors };
  } catch (error) {
    const finding = failOf("plugins", error, "Correct the configuration, or install the plugin.");
    return { finding, executors: new Map() };
  }
}

async function checkMachines(
  file: ConfigFile,
  executors: ReadonlyMap<string, Executor>,
): Promise<{ readonly finding: Finding; readonly used: ReadonlySet<string> }> {
  const folder = machinesDirOf(file);
  if (!isFolder(folder)) return { finding: toFolderFinding(folder), used: new Set() };
  const cwd = file.projectDir;
  const reports = await markUnknownCalendars(markDuplicates(await readMachineFiles([folder], { cwd, executors })), cwd);
  const broken = reports.filter(({ machine }) => machine === undefined).map(({ file: path }) => path);
  const tasks = reports.flatMap(({ machine }) => [...(machine?.tasks.values() ?? [])]);
  const used = new Set(tasks.flatMap(({ executor }) => executor ?? []));
  if (broken.length > 0) {
    const finding = fail("machines", `Errors in ${broken.join(", ")}.`, "Run `stackyard validate` to list them.");
    return { finding, used };
  }
  const names = reports.map(({ name }) => name).join(", ");
  const none = warn("machines", `${folder} has no machine.`, "Run `stackyard init` to create one.");
  return { finding: reports.length === 0 ? none : ok("machines", names), used };
}

function toFolderFinding(folder: string): Finding {
  if (existsSync(folder)) {
    return fail("machines", `${folder} is not a folder.`, "Correct `machines` in the configuration.");
  }
  return warn("machines", `Folder ${folder} not found.`, "Create it, or set `machines` in the configuration.");
}

/** Checks for plugin commands that cannot be reached because one of our own has the same name. */
async function checkPluginCommands(
  { config, projectDir }: ConfigFile,
  own: readonly string[],
): Promise<readonly Finding[]> {
  // The check of the plugins reports what does not load.
  const { plugins } = await loadPlugins(config.plugins ?? [], projectDir);
  const hidden = plugins.flatMap(({ plugin }) =>
    plugin.commands
      .filter(({ name }) => isHidden(name, own))
      .map(({ name }) => `"${name}" of the plugin "${plugin.name}"`),
  );
  if (hidden.length === 0) return [];
  const message = `Commands of Stackyard hide ${hidden.join(", ")}.`;
  return [warn("commands", message, "Ask the plugin's author for other names.")];
}

/** Checks a yard of the configuration: all its resources on AWS, else whether its server answers. */
function checkNamedYard(
  context: CommandContext,
  file: ConfigFile,
  given: GivenServer & { readonly yard: string },
): Promise<readonly Finding[]> {
  return look("yard", "Correct `yards` in the configuration.", async () => {
    const yard = findYard(file, given.yard);
    if (!isAwsYard(yard)) return await checkServer(context, given, new Set());
    const runtime = await loadYardRuntime(file.projectDir);
    const executors = await findExecutors(file, context.env);
    return await runtime.checkYard(yard, toYardRuntimeContext(context, executors, file));
  });
}

/** Loads the executors; returns none when a plugin does not load, which the check of the plugins reports. */
async function findExecutors(file: ConfigFile, env: CommandContext["env"]): Promise<ReadonlyMap<string, Executor>> {
  return loadExecutors(file, "all", env).catch(() => new Map());
}

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

interface CheckTerraformInput {
  /** As the project's options name it. */
  readonly binary: string;
  /** True if a machine of the project needs it. */
  readonly needed: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Finds the program that runs Terraform tasks, and its version. */
async function checkTerraform({ binary, needed, env }: CheckTerraformInput): Promise<Finding> {
  const asked = await askVersion(binary, env);
  if (asked.kind === "usable") return ok("terraform", `${binary} ${asked.version}`);
  const other = binary === "tofu" ? "terraform" : "tofu";
  const found = await askVersion(other, env);
  const message = `The program "${binary}" ${asked.why}.`;
  const hint =
    found.kind === "usable"
      ? `${other} ${found.version} is installed. To use it, set \`executors: { terraform: { binary: "${other}" } }\`.`
      : "Install Terraform or OpenTofu, or set `executors.terraform.binary`.";
  return needed ? fail("terraform", message, hint) : warn("terraform", `${message} No machine needs it.`, hint);
}

type AskedVersion =
  | { readonly kind: "usable"; readonly version: string }
  | { readonly kind: "unusable"; readonly why: string };

async function askVersion(binary: string, env: CheckTerraformInput["env"]): Promise<AskedVersion> {
  const { isTooOld, parseVersionText } = await import("@stackyard/executor-terraform");
  try {
    const { stdout } = await run(binary, ["version"], {
      env: { ...pickEnvironment(env, BASE_VARIABLES), CHECKPOINT_DISABLE: "1" },
      timeout: TIMEOUT_MS,
    });
    const facts = parseVersionText(stdout);
    if (facts.version === "") return { kind: "unusable", why: "does not report its version" };
    if (isTooOld(facts))
      return { kind: "unusable", why: `is version ${facts.version}, which is too old: 1.0 is needed` };
    return { kind: "usable", version: facts.version };
  } catch (error) {
    return { kind: "unusable", why: explainUnusable(error) };
  }
}

/** Explains the error of `execFile`. */
function explainUnusable(error: unknown): string {
  const { code, killed = false, stderr = "" }: { code?: unknown; killed?: boolean; stderr?: string } = Object(error);
  if (code === "ENOENT") return "is not found in any folder of PATH";
  if (killed) return `does not answer within ${TIMEOUT_MS / 1_000} s`;
  if (typeof code === "string")
    return `cannot be started (${code}): it is not a program of this system, or may not be run`;
  const [line = ""] = stripVTControlCharacters(stderr).trim().split("\n");
  return `does not answer: it ended with exit code ${code}${line === "" ? "" : `, and "${cutText(line, 200)}"`}`;
}

import { existsSync } from "node:fs";
import type { Executor } from "@stackyard/core";
import type { CommandContext } from "../command.ts";
import { type ConfigFile, loadConfigFile } from "../project/config-file.ts";
import { loadExecutors, machinesDirOf } from "../project/load-executors.ts";
import { isFolder, markDuplicates, readMachineFiles } from "../project/machine-files.ts";
import { type Finding, fail, failOf, ok, warn } from "./finding.ts";

/** The project as far as it could be loaded, and what was found on the way. */
export interface CheckedProject {
  readonly findings: readonly Finding[];
  readonly file?: ConfigFile;
  /** Names of executors that the machines use. */
  readonly used: ReadonlySet<string>;
}

/** Looks at configuration, plugins and machines. */
export async function checkProject(
  { cwd, env }: Pick<CommandContext, "cwd" | "env">,
  project?: string,
): Promise<CheckedProject> {
  let file: ConfigFile;
  try {
    file = await loadConfigFile(cwd, project);
  } catch (error) {
    return {
      findings: [failOf("config", error, "Correct it; the other checks of the project need it.")],
      used: new Set(),
    };
  }
  const plugins = await checkPlugins(file, env);
  const machines = await checkMachines(file, plugins.executors);
  const findings = [checkConfig(file), plugins.finding, ...machines.findings];
  return { findings, file, used: machines.used };
}

function checkConfig({ path, projectDir }: ConfigFile): Finding {
  if (path !== undefined) return ok("config", path);
  return warn(
    "config",
    `${projectDir} has no stackyard.config.ts; the defaults hold.`,
    "`stackyard init` writes a project.",
  );
}

async function checkPlugins(
  file: ConfigFile,
  env: CommandContext["env"],
): Promise<{ readonly finding: Finding; readonly executors: ReadonlyMap<string, Executor> }> {
  try {
    const executors = await loadExecutors(file, "all", env);
    return { finding: ok("plugins", `executors ${[...executors.keys()].join(", ")}`), executors };
  } catch (error) {
    return {
      finding: failOf("plugins", error, "Correct the configuration, or install the plugin."),
      executors: new Map(),
    };
  }
}

async function checkMachines(
  file: ConfigFile,
  executors: ReadonlyMap<string, Executor>,
): Promise<{ readonly findings: readonly Finding[]; readonly used: ReadonlySet<string> }> {
  const folder = machinesDirOf(file);
  if (!existsSync(folder)) {
    const finding = warn(
      "machines",
      `There is no folder ${folder}.`,
      "Make it, or set `machines` in the configuration.",
    );
    return { findings: [finding], used: new Set() };
  }
  if (!isFolder(folder)) {
    const finding = fail("machines", `${folder} is not a folder.`, "Correct `machines` in the configuration.");
    return { findings: [finding], used: new Set() };
  }
  const reports = markDuplicates(await readMachineFiles([folder], { cwd: file.projectDir, executors }));
  const broken = reports.filter(({ machine }) => machine === undefined).map(({ file: path }) => path);
  const tasks = reports.flatMap(({ machine }) => [...(machine?.tasks.values() ?? [])]);
  const used = new Set(tasks.flatMap(({ executor }) => (executor === undefined ? [] : [executor])));
  const names = reports.map(({ name }) => name).join(", ");
  if (broken.length > 0) {
    const finding = fail("machines", `${broken.join(", ")}: errors.`, "`stackyard validate` shows them.");
    return { findings: [finding], used };
  }
  const none = warn("machines", `${folder} has no machine.`, "`stackyard init` writes one to begin with.");
  return { findings: [reports.length === 0 ? none : ok("machines", names)], used };
}

import { join, resolve } from "node:path";
import { Type } from "typebox";
import { serverArgs } from "../client/find-server.ts";
import { findYardName, type GivenServer } from "../client/open-server.ts";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { checkNamedYard } from "../doctor/check-named-yard.ts";
import { checkPluginCommands } from "../doctor/check-plugin-commands.ts";
import { type CheckedProject, checkProject } from "../doctor/check-project.ts";
import { checkServer } from "../doctor/check-server.ts";
import { checkSharedStore, type SharedStoreInput } from "../doctor/check-shared-store.ts";
import { checkDisk, checkProviderCache, checkStore } from "../doctor/check-store.ts";
import { checkTerraform } from "../doctor/check-terraform.ts";
import { type Finding, fail, failOf, ok, warn } from "../doctor/finding.ts";
import { findNodeProblem } from "../node-version.ts";
import { chooseSharedStore, findStoreVariable } from "../project/choose-store.ts";
import type { ConfigFile } from "../project/config-file.ts";
import { dataDirOf } from "../project/load-executors.ts";
import type { Style } from "../shell/output.ts";

/** `stackyard doctor`; `listCommands` gives the names of all our commands. */
export function createDoctor(listCommands: () => readonly string[]): Command {
  return defineCommand({
    name: "doctor",
    summary: "Look whether everything is there that the project needs, and say what to do.",
    description:
      "Ends with 1 when a check fails; what is only missing for some uses is a warning. With --yard it looks at a yard of the configuration: of one on AWS at identity, queues, functions, tables, machines and permissions.",
    examples: [
      { command: "stackyard doctor", what: "One line a check." },
      { command: "stackyard doctor --yard production", what: "A deployment on AWS, instead of this machine." },
    ],
    args: Type.Object({ ...serverArgs }),
    async run(context, given) {
      const yard = findYardName(given, context.env);
      const checked = await checkProject(context, given.project);
      const findings = [
        checkNode(),
        // Those in the folder are not those of another yard.
        ...checked.findings.filter(({ check }) => yard === undefined || check !== "machines"),
        ...(checked.file === undefined ? [] : await checkPluginCommands(checked.file, listCommands())),
        ...(checked.file === undefined
          ? []
          : await checkRest(context, { ...checked, file: checked.file }, given, yard)),
      ];
      for (const finding of findings) tell(finding, context);
      return findings.some(({ status }) => status === "fail") ? 1 : 0;
    },
  });
}

/** What the project works with: this machine and its server, or a yard elsewhere. */
async function checkRest(
  context: CommandContext,
  { file, used }: CheckedProject & { readonly file: ConfigFile },
  given: GivenServer,
  yard: string | undefined,
): Promise<readonly Finding[]> {
  if (yard !== undefined) return checkNamedYard(context, { file, given, name: yard });
  return [...(await checkMachine(context, file, used)), await checkServer(context, given)];
}

function checkNode(): Finding {
  const { node } = process.versions;
  const problem = findNodeProblem(node);
  return problem === undefined ? ok("node", node) : fail("node", problem, "Install a newer Node.");
}

async function checkMachine(
  { env }: CommandContext,
  file: ConfigFile,
  used: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const dataDir = dataDirOf(file);
  const options = file.config.executors?.["terraform"];
  const binary = textOf(options, "binary") ?? "terraform";
  const cache = textOf(options, "providerCacheDir") ?? join(dataDir, "terraform-providers");
  const found = await Promise.all([
    checkChosenStore(file, { projectDir: file.projectDir, env, used }),
    checkTerraform({ binary, needed: used.has("terraform"), env }),
    checkProviderCache(resolve(file.projectDir, cache)),
    checkDisk(dataDir),
  ]);
  return found.flat();
}

async function checkChosenStore(file: ConfigFile, input: SharedStoreInput): Promise<readonly Finding[]> {
  try {
    const choice = chooseSharedStore(file, input.env);
    if (choice.kind === "sqlite") return [await checkStore(choice.folder)];
    const found = await checkSharedStore(choice, input);
    const variable = findStoreVariable(file, input.env);
    if (variable === undefined) return found;
    return [await checkStore(dataDirOf(file)), ...found.map((finding) => doubtStore(finding, variable))];
  } catch (error) {
    return [failOf("store", error, "Correct `store` in the configuration.")];
  }
}

/** A variable of a developer's shell may name any database, so its faults are not the project's. */
function doubtStore(finding: Finding, variable: string): Finding {
  if (finding.status !== "fail") return finding;
  const message = `${variable} names a store that cannot be used; \`stackyard dev\` does without it. ${finding.message}`;
  const hint =
    "Servers and workers would take it: if it is not meant for them, write `store` into the configuration. Until then do not migrate it.";
  return warn(finding.check, message, hint);
}

function textOf(options: unknown, key: string): string | undefined {
  const entries = typeof options === "object" && options !== null ? Object.entries(options) : [];
  const value: unknown = entries.find(([name]) => name === key)?.[1];
  return typeof value === "string" ? value : undefined;
}

const STYLES: Readonly<Record<Finding["status"], Style>> = { ok: "green", warn: "yellow", fail: "red" };

function tell(finding: Finding, { out }: CommandContext): void {
  const { check, status, message, hint } = finding;
  out.result(finding, () => {
    const line = `${out.paint(STYLES[status], status.padEnd(4))}  ${check.padEnd(14)}  ${message}`;
    return hint === undefined ? line : `${line}\n${" ".repeat(22)}${out.paint("dim", hint)}`;
  });
}

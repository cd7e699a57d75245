import { relative } from "node:path";
import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { loadConfigFile } from "../project/config-file.ts";
import { loadDefinitions } from "../project/load-definitions.ts";
import { machinesDirOf } from "../project/load-executors.ts";
import { isFolder, type MachineFileReport, markDuplicates, readMachineFiles } from "../project/machine-files.ts";
import { failWith } from "../shell/failure.ts";
import { tellProblems } from "../shell/tell-problems.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard validate` */
export const validate = defineCommand({
  name: "validate",
  summary: "Check machine files and show every problem with its place.",
  description:
    "Takes files, or folders whose machine files are all checked; without one the machines of the project. Ends with 1 when one has errors. With --json: one object a file, {file, valid, problems}.",
  examples: [
    { command: "stackyard validate", what: "Check every machine of the project." },
    { command: "stackyard validate machines", what: "Check every machine of a folder." },
    {
      command: "stackyard validate review-app.yaml --strict --json",
      what: "Check one for a program; warnings are errors.",
    },
  ],
  args: Type.Object({
    files: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        placeholder: "file",
        description: "Files or folders. Default: the machines of the project.",
      }),
    ),
    strict: Type.Optional(Type.Boolean({ description: "Warnings are errors." })),
    ...projectArg,
  }),
  positionals: ["files"],
  async run(context, { files: given = [], strict = false, project }) {
    const files = given.length > 0 ? given : [await findMachines(context, project)];
    const executors = await loadDefinitions(context, project);
    const reports = markDuplicates(await readMachineFiles(files, { cwd: context.cwd, executors, strict }));
    for (const report of reports) tellReport(context, report);
    const invalid = reports.filter(({ machine }) => machine === undefined).length;
    context.out.note(
      reports.length === 0 ? `No machine file in ${files.join(", ")}.` : toSummary(reports.length, invalid),
    );
    return invalid === 0 ? 0 : 1;
  },
});

/** The machines folder of the project, as a path from here. Throws `CONFIG_INVALID` where there is none. */
async function findMachines({ cwd }: CommandContext, project: string | undefined): Promise<string> {
  const folder = machinesDirOf(await loadConfigFile(cwd, project));
  const path = relative(cwd, folder) || ".";
  if (isFolder(folder)) return path;
  throw failWith("CONFIG_INVALID", `The project's machines folder "${path}" does not exist.`, {
    hint: "Name the files to check, or let `stackyard init` write a project.",
  });
}

function tellReport({ out }: CommandContext, { file, machine, problems }: MachineFileReport): void {
  const valid = machine !== undefined;
  out.result({ file, valid, problems }, () => {
    const mark = valid ? out.paint("green", "ok  ") : out.paint("red", "FAIL");
    return [`${mark} ${file}`, ...tellProblems(problems, out)].join("\n");
  });
}

function toSummary(count: number, invalid: number): string {
  const machines = count === 1 ? "1 machine" : `${count} machines`;
  return invalid === 0 ? `${machines}, no errors.` : `${machines}, ${invalid} with errors.`;
}

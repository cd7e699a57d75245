import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { type MachineFileReport, readMachineFiles } from "../project/machine-files.ts";
import { loadPluginExecutors } from "../project/plugin-executors.ts";
import { tellProblems } from "../shell/tell-problems.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard validate` */
export const validate = defineCommand({
  name: "validate",
  summary: "Check machine files and show every problem with its place.",
  description:
    "Names files, or folders whose machine files are all checked. Ends with 1 when one has errors. With --json: one object a file, {file, valid, problems}.",
  examples: [
    { command: "stackyard validate machines", what: "Check every machine of a folder." },
    {
      command: "stackyard validate review-app.yaml --strict --json",
      what: "Check one for a program; warnings are errors.",
    },
  ],
  args: Type.Object({
    files: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      placeholder: "file",
      description: "Files or folders.",
    }),
    strict: Type.Optional(Type.Boolean({ description: "Warnings are errors." })),
    ...projectArg,
  }),
  positionals: ["files"],
  async run(context, { files, strict = false, project }) {
    const executors = await loadPluginExecutors(context, project);
    const reports = await readMachineFiles(files, { cwd: context.cwd, executors, strict });
    for (const report of reports) tellReport(context, report);
    const invalid = reports.filter(({ machine }) => machine === undefined).length;
    context.out.note(toSummary(reports.length, invalid));
    return invalid === 0 ? 0 : 1;
  },
});

function tellReport({ out }: CommandContext, { file, machine, problems }: MachineFileReport): void {
  const valid = machine !== undefined;
  out.result({ file, valid, problems }, () => {
    const mark = valid ? out.paint("green", "ok  ") : out.paint("red", "FAIL");
    return [`${mark} ${file}`, ...tellProblems(problems, out)].join("\n");
  });
}

function toSummary(count: number, invalid: number): string {
  if (count === 0) return "No machine file was found.";
  const machines = count === 1 ? "1 machine" : `${count} machines`;
  return invalid === 0 ? `${machines}, no errors.` : `${machines}, ${invalid} with errors.`;
}

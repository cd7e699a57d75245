import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Machine, toDot, toGraph, toMermaid, toSvg } from "@stackyard/core/machine";
import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { loadConfigFile } from "../project/config-file.ts";
import { loadDefinitions } from "../project/load-definitions.ts";
import { machinesDirOf } from "../project/load-executors.ts";
import { isFolder, readMachineFiles } from "../project/machine-files.ts";
import { failWith } from "../shell/failure.ts";
import { tellProblems } from "../shell/tell-problems.ts";
import { projectArg } from "./project-arg.ts";

const DRAWINGS = { mermaid: toMermaid, dot: toDot, svg: toSvg } as const;

/** `stackyard graph` */
export const graph = defineCommand({
  name: "graph",
  summary: "Draw a machine: Mermaid, Graphviz or SVG.",
  examples: [
    { command: "stackyard graph machines/review-app.yaml", what: "A Mermaid diagram, as Markdown pages show it." },
    {
      command: "stackyard graph review-app --format svg --output review-app.svg",
      what: "A picture of a machine of the project.",
    },
  ],
  args: Type.Object({
    machine: Type.String({
      minLength: 1,
      completes: "machine",
      description: "A file, or the name of a machine of the project.",
    }),
    format: Type.Optional(
      Type.Union([Type.Literal("mermaid"), Type.Literal("dot"), Type.Literal("svg")], {
        description: "Default: mermaid.",
        short: "f",
      }),
    ),
    direction: Type.Optional(
      Type.Union([Type.Literal("horizontal"), Type.Literal("vertical")], { description: "Default: horizontal." }),
    ),
    output: Type.Optional(Type.String({ short: "o", placeholder: "file", description: "Write to a file." })),
    ...projectArg,
  }),
  positionals: ["machine"],
  async run(context, { machine: wanted, format = "mermaid", direction = "horizontal", output, project }) {
    const machine = await loadMachine(context, wanted, project);
    const drawn = toGraph(machine);
    const text = DRAWINGS[format](drawn, { direction });
    if (output !== undefined) await writeFile(resolve(context.cwd, output), text);
    const written = output === undefined ? { text } : { output };
    if (context.out.json) context.out.result({ machine: machine.name, format, ...drawn, ...written }, () => "");
    else if (output === undefined) context.out.text(text);
    else context.out.note(`Wrote ${output}.`);
    return 0;
  },
});

async function loadMachine(context: CommandContext, wanted: string, project?: string): Promise<Machine> {
  const path = existsSync(resolve(context.cwd, wanted)) ? wanted : await findByName(context, wanted, project);
  if (isFolder(resolve(context.cwd, path))) {
    throw failWith("USAGE", `"${wanted}" is a folder.`, { hint: "Name one machine file." });
  }
  const executors = await loadDefinitions(context, project);
  const [report] = await readMachineFiles([path], { cwd: context.cwd, executors });
  if (report?.machine !== undefined) return report.machine;
  const problems = tellProblems(report?.problems ?? [], context.out).join("\n");
  throw failWith("MACHINE_INVALID", `${path} has errors:\n${problems}`, { hint: "Correct them and draw it again." });
}

async function findByName({ cwd }: CommandContext, name: string, project?: string): Promise<string> {
  const folder = machinesDirOf(await loadConfigFile(cwd, project));
  const reports = isFolder(folder) ? await readMachineFiles([folder], { cwd, executors: new Map() }) : [];
  const found = reports.find((report) => report.name === name);
  if (found !== undefined) return found.file;
  throw failWith("CONFIG_INVALID", `There is no file "${name}", and no machine of that name in ${folder}.`, {
    hint: "`stackyard graph FILE` draws a file; `stackyard machines ls` lists a running yard's machines.",
  });
}

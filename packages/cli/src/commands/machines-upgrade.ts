import { rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { upgradeMachine } from "@stackyard/core/machine";
import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { loadDefinitions } from "../project/load-definitions.ts";
import { readMachineText } from "../project/read-machine-text.ts";
import { failWith } from "../shell/failure.ts";
import { tellProblems } from "../shell/tell-problems.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard machines upgrade` */
export const machinesUpgrade = defineCommand({
  name: "machines upgrade",
  summary: "Rewrite a machine of version 1 as version 2 with the same behaviour.",
  description: [
    "Comments, anchors and the order of keys stay where that is possible. What version 1 accepts and version 2 does not, such as a task without executor, is told with its place; then nothing is written and the command ends with 1.",
    "The upgraded machine follows its newest revision and leaves running tasks alone, as before; see docs/machines.md for what to change next.",
  ].join("\n"),
  examples: [
    { command: "stackyard machines upgrade machines/review-app.yaml --print", what: "Look at the result first." },
    { command: "stackyard machines upgrade machines/review-app.yaml", what: "Rewrite the file." },
  ],
  args: Type.Object({
    file: Type.String({ minLength: 1, description: "A YAML or JSON file." }),
    print: Type.Optional(Type.Boolean({ description: "Print the result; change nothing." })),
    ...projectArg,
  }),
  positionals: ["file"],
  async run(context, { file, print = false, project }) {
    const { cwd, out } = context;
    const { name, source } = await readMachineText(file, cwd);
    const executors = await loadDefinitions(context, project);
    const upgraded = upgradeMachine(source, { name, executors });
    const { problems } = upgraded;
    if (upgraded.kind === "refused") {
      out.result({ file, upgraded: false, problems }, () => {
        return [`${file} stays as it is:`, ...tellProblems(problems, out)].join("\n");
      });
      return 1;
    }
    if (!print) await writeWhole(resolve(cwd, file), upgraded.source, context);
    if (print && !out.json) {
      out.text(upgraded.source);
      if (problems.length > 0) out.note(tellProblems(problems, out).join("\n"));
      return 0;
    }
    out.result({ file, upgraded: true, problems, ...(print && { source: upgraded.source }) }, () => {
      return [`${out.paint("green", "ok  ")} ${file} is of version 2 now.`, ...tellProblems(problems, out)].join("\n");
    });
    return 0;
  },
});

/** Written beside it and moved: a crash leaves the old file or the new one. */
async function writeWhole(path: string, text: string, { signal }: CommandContext): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(beside, text, { flag: "wx", signal });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw failWith("CONFIG_INVALID", `${path} could not be written.`, { cause: error, hint: "It is as it was." });
  }
}

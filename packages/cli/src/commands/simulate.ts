import { resolve } from "node:path";
import { createSimulation, type Machine, type SimulationLine } from "@stackyard/core/machine";
import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { checkSteps } from "../project/check-steps.ts";
import { isFolder, type MachineFileReport, readMachineFiles } from "../project/machine-files.ts";
import { loadPluginExecutors } from "../project/plugin-executors.ts";
import { readSteps } from "../project/read-steps.ts";
import { failWith } from "../shell/failure.ts";
import type { Output } from "../shell/output.ts";
import { tellProblems } from "../shell/tell-problems.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard simulate` */
export const simulate = defineCommand({
  name: "simulate",
  summary: "Try events on machines without a yard. Runs no task and changes nothing.",
  description: [
    "Works the steps, one after the other, on an empty yard with these machines; the same function decides as in the engine.",
    'A step is {"event": <event message>}, or a worker\'s answer {"task": NAME, "result": "succeeded" | "failed" | "cancelled", "stackId"?, "message"?, "outputs"?, "metadata"?}.',
    "Refused steps are answers, not failures: the command ends with 0 when all steps were worked. With 3, and without a try, when one is no step.",
  ].join("\n"),
  examples: [
    {
      command: "stackyard simulate machines --steps steps.json",
      what: "Steps from a JSON array, or one object a line.",
    },
    {
      command: "stackyard simulate review-app.yaml --steps - --json < steps.jsonl",
      what: "From standard input; one JSON object a step.",
    },
  ],
  args: Type.Object({
    machines: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      placeholder: "machine",
      description: "Files, or folders of machine files.",
    }),
    steps: Type.String({ minLength: 1, placeholder: "file", description: "A file of steps; - is standard input." }),
    ...projectArg,
  }),
  positionals: ["machines"],
  async run(context, { machines: paths, steps: from, project }) {
    const { cwd, out, stdin } = context;
    const executors = await loadPluginExecutors(cwd, project);
    const reports = await readMachineFiles(paths, { cwd, executors });
    const machines = toMachines(reports);
    const steps = await readSteps(from, { cwd, stdin });
    checkSteps(steps, from === "-" ? "Standard input" : from);
    if (steps.length === 0) out.note("There are no steps, so nothing was tried.");
    const broken = tellBroken(reports, context);
    const simulation = createSimulation(machines);
    for (const step of steps) {
      const line = simulation.step(step);
      out.result(line, () => tellLine(line, step, out));
    }
    // In a folder a machine may be broken that no step needs; one that is named is part of the question.
    return broken.some((file) => paths.includes(file) && !isFolder(resolve(cwd, file))) ? 1 : 0;
  },
});

function toMachines(reports: readonly MachineFileReport[]): ReadonlyMap<string, Machine | undefined> {
  const machines = new Map<string, Machine | undefined>();
  for (const { name, file, machine } of reports) {
    if (machines.has(name)) {
      const files = reports.filter((report) => report.name === name).map((report) => report.file);
      throw failWith("CONFIG_INVALID", `The machine "${name}" stands in several files: ${files.join(", ")}.`, {
        hint: `Name only one of them, such as ${file}.`,
      });
    }
    machines.set(name, machine);
  }
  return machines;
}

function tellBroken(reports: readonly MachineFileReport[], { out }: CommandContext): readonly string[] {
  const broken = reports.filter(({ machine }) => machine === undefined);
  for (const { file, problems } of broken) {
    out.note([`${file} has errors; its events are refused:`, ...tellProblems(problems, out)].join("\n"));
  }
  return broken.map(({ file }) => file);
}

function tellLine(line: SimulationLine, step: unknown, out: Output): string {
  const { stack, outcome, code, reason, dispatched } = line;
  const color = outcome === "refused" ? "yellow" : outcome === "ignored" ? "dim" : "green";
  const head = `${String(line.step).padStart(3)}  ${toTitle(step)}  ${out.paint(color, outcome)}`;
  const why = code === undefined ? "" : ` ${code}: ${reason ?? ""}`;
  const state =
    stack === null ? [] : [`${stack.state}${stack.previousState === null ? "" : ` (was ${stack.previousState})`}`];
  const tasks = stack?.tasks.map(
    ({ name, status, errorMessage }) => `${name} ${status}${errorMessage ? ` (${errorMessage})` : ""}`,
  );
  const sent = dispatched.length === 0 ? [] : [`sent ${dispatched.join(", ")}`];
  const details = [...state, ...(tasks ?? []), ...sent].join(out.paint("dim", " · "));
  return details === "" ? head + why : `${head}${why}\n     ${details}`;
}

function toTitle(step: unknown): string {
  if (typeof step !== "object" || step === null) return JSON.stringify(step) ?? "";
  if ("event" in step) return toEventTitle(step.event);
  if (!("task" in step)) return JSON.stringify(step);
  return `${String(step.task)} ${"result" in step ? String(step.result) : "?"}`;
}

function toEventTitle(event: unknown): string {
  if (typeof event !== "object" || event === null) return JSON.stringify(event) ?? "";
  const name = "event" in event ? event.event : "action" in event ? event.action : "?";
  return `${String(name)} ${"stackId" in event ? String(event.stackId) : ""}`.trimEnd();
}

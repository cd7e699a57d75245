import { resolve } from "node:path";
import { createSimulation, type Machine, readStep } from "@stackyard/core/machine";
import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { checkSteps } from "../project/check-steps.ts";
import { loadDefinitions } from "../project/load-definitions.ts";
import {
  isFolder,
  type MachineFileReport,
  type ReadMachinesOptions,
  readMachineFiles,
} from "../project/machine-files.ts";
import { readSteps } from "../project/read-steps.ts";
import { failWith } from "../shell/failure.ts";
import { tellProblems } from "../shell/tell-problems.ts";
import { projectArg } from "./project-arg.ts";
import { tellSimulationLine } from "./tell-simulation-line.ts";

/** `stackyard simulate` */
export const simulate = defineCommand({
  name: "simulate",
  summary: "Try events on machines without a yard. Runs no task and changes nothing.",
  description: [
    "Works the steps, one after the other, on an empty yard with these machines; the same function decides as in the engine.",
    'A step is {"event": <event message>}, or a worker\'s answer {"task": NAME, "result": "succeeded" | "failed" | "cancelled", "stackId"?, "message"?, "code"?, "retryable"?, "outputs"?, "metadata"?}.',
    '{"advance": "15m"} lets time pass: every timer on the way fires. {"load": FILE} brings a new revision of the machine that is named as the file is, such as next/review-app.yaml; {"upgrade": STACK, "dryRun"?: true} moves a stack to it or tells where its events would differ.',
    "An event that the present state does not handle is parked, as in the engine, and applied when its turn comes.",
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
    now: Type.Optional(
      Type.String({
        placeholder: "instant",
        description: "Where the clock stands: ISO 8601 with Z or an offset. Default: 2030-01-01T00:00:00Z.",
      }),
    ),
    ...projectArg,
  }),
  positionals: ["machines"],
  async run(context, { machines: paths, steps: from, now, project }) {
    const { cwd, out, stdin } = context;
    const executors = await loadDefinitions(context, project);
    const reports = await readMachineFiles(paths, { cwd, executors });
    const machines = toMachines(reports);
    const steps = await readSteps(from, { cwd, stdin });
    checkSteps(steps, from === "-" ? "Standard input" : from);
    if (steps.length === 0) out.note("There are no steps, so nothing was tried.");
    const revisions = await readRevisions(steps, { cwd, executors });
    const broken = tellBroken([...reports, ...revisions.values()], context);
    const simulation = createSimulation(machines, { ...toClock(now), revisions });
    for (const step of steps) {
      const line = simulation.step(step);
      out.result(line, () => tellSimulationLine(line, step, out));
    }
    // In a folder a machine may be broken that no step needs; one that is named is part of the question.
    return broken.some((file) => paths.includes(file) && !isFolder(resolve(cwd, file))) ? 1 : 0;
  },
});

type Revision = Omit<MachineFileReport, "machine"> & { readonly machine: Machine | undefined };

/** The machines that `load` steps name, by the text of the step. */
async function readRevisions(
  steps: readonly unknown[],
  options: ReadMachinesOptions,
): Promise<ReadonlyMap<string, Revision>> {
  const files = new Set(steps.flatMap((step) => findLoaded(step) ?? []));
  const revisions = new Map<string, Revision>();
  for (const file of files) {
    const [report] = await readMachineFiles([file], options);
    if (report) revisions.set(file, { ...report, machine: report.machine });
  }
  return revisions;
}

function findLoaded(step: unknown): string | undefined {
  const read = readStep(step, undefined);
  return read.kind === "load" ? read.file : undefined;
}

// Without an offset a time would be that of whatever machine this is.
const INSTANT = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/;

function toClock(now: string | undefined): { readonly now?: number } {
  if (now === undefined) return {};
  const at = Date.parse(now);
  if (!Number.isNaN(at) && INSTANT.test(now) && isDay(now.slice(0, 10))) return { now: at };
  throw failWith("USAGE", `"${now}" is no instant.`, { hint: "Write it as 2030-01-01T00:00:00Z." });
}

/** The 31st of February is read as a day in March. */
function isDay(text: string): boolean {
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}

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

function tellBroken(reports: readonly (MachineFileReport | Revision)[], { out }: CommandContext): readonly string[] {
  const broken = reports.filter(({ machine }) => machine === undefined);
  for (const { file, problems } of broken) {
    out.note([`${file} has errors; its events are refused:`, ...tellProblems(problems, out)].join("\n"));
  }
  return broken.map(({ file }) => file);
}

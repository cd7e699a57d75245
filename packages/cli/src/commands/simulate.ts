import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import {
  cutText,
  defineCommand,
  findNearestName,
  formatPlannedEvent,
  isMap,
  optionalText,
  requireUtf8,
} from "@stackyard/core";
import { readInput } from "@stackyard/core/engine";
import { createSimulation, type Machine, readStep, type SimulationLine } from "@stackyard/core/machine";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith, formatProblems } from "../failure.ts";
import type { Output } from "../output.ts";
import { projectArg } from "../project/config.ts";
import {
  isFolder,
  loadDefinitions,
  type MachineFileReport,
  type ReadMachinesOptions,
  readMachineFiles,
  requireReports,
} from "../project/executors.ts";

/** `stackyard simulate` */
export const simulate = defineCommand({
  name: "simulate",
  summary: "Try events on machines without a yard. Runs no task and changes nothing.",
  description: [
    "Applies the steps in order to an empty yard with these machines, with the same code as the engine.",
    '{"stack": …}, the output of `stackyard stacks snapshot`, begins with a stack of a yard; its revision must be among the machines, or loaded before.',
    'A step is {"event": <event message>, "sender"?: {"name": NAME, "groups"?: [NAME], "kind"?: "person" | "stack", "machine"?: NAME}}, or a worker\'s answer {"task": NAME, "result": "succeeded" | "failed" | "cancelled", "stackId"?, "message"?, "code"?, "retryable"?, "outputs"?, "metadata"?}.',
    '{"advance": "15m"} advances the clock and fires every timer on the way. {"load": FILE} loads a new revision of the machine with the name of the file, such as next/review-app.yaml; {"upgrade": STACK, "dryRun"?: true} moves a stack to it, or reports which events would differ. A simulation does not keep exclusive keys: tasks with the same key start at once, and a note says which one waits in a yard.',
    "An event that the current state does not handle is parked, as in the engine, and applied later.",
    "A refused step is a result, not an error. Exits with 0 if all steps ran, and with 3, before running any, if a step is invalid.",
  ].join("\n"),
  examples: {
    "stackyard simulate machines --steps steps.json": "Run steps from a JSON array, or from one JSON object per line.",
    "stackyard simulate review-app.yaml --steps - --json < steps.jsonl":
      "Read steps from standard input, and print one JSON object per step.",
  },
  args: Type.Object({
    machines: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      placeholder: "machine",
      description: "Files, or folders of machine files.",
    }),
    steps: Type.String({
      minLength: 1,
      placeholder: "file",
      description: "A file with steps, or - for standard input.",
    }),
    now: optionalText("Initial time of the clock: ISO 8601 with Z or an offset. Default: 2030-01-01T00:00:00Z.", {
      placeholder: "instant",
    }),
    ...projectArg,
  }),
  positionals: ["machines"],
  async run(context: CommandContext, { machines: paths, steps: from, now, project }) {
    const { cwd, out, stdin, signal } = context;
    const executors = await loadDefinitions(context, project);
    const reports = await readMachineFiles(paths, { cwd, executors, signal });
    requireReports(reports, paths);
    const machines = toMachines(reports);
    const steps = await readSteps(from, { cwd, stdin, signal });
    checkSteps(steps, from === "-" ? "Standard input" : from);
    if (steps.length === 0) out.note("No steps to simulate.");
    const revisions = await readRevisions(steps, { cwd, executors, signal });
    const broken = reportBroken([...reports, ...revisions.values()], context);
    const simulation = createSimulation(machines, { ...toClock(now), revisions });
    for (const step of steps) {
      const line = simulation.step(step);
      out.result(line, () => formatSimulationLine(line, step, out));
    }
    // A broken machine in a folder fails only if a step needs it; one that is named always does.
    return broken.some((file) => paths.includes(file) && !isFolder(resolve(cwd, file))) ? 1 : 0;
  },
});

/** Returns the machines that `load` steps name, by the text of the step. */
async function readRevisions(
  steps: readonly unknown[],
  options: ReadMachinesOptions,
): Promise<ReadonlyMap<string, MachineFileReport>> {
  const files = new Set(steps.flatMap((step) => findLoaded(step) ?? []));
  const revisions = new Map<string, MachineFileReport>();
  for (const file of files) {
    const [report] = await readMachineFiles([file], options);
    if (report) revisions.set(file, report);
  }
  return revisions;
}

function findLoaded(step: unknown): string | undefined {
  const read = readStep(step, undefined);
  return read.kind === "load" ? read.file : undefined;
}

// Without an offset, the time would depend on this machine's time zone.
const INSTANT = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/;

function toClock(now: string | undefined): { readonly now?: number } {
  if (now === undefined) return {};
  const at = Date.parse(now);
  if (!Number.isNaN(at) && INSTANT.test(now) && isDay(now.slice(0, 10))) return { now: at };
  throw failWith("USAGE", `Invalid time "${now}".`, { hint: "Use a time such as 2030-01-01T00:00:00Z." });
}

/** Returns true for an existing day: `Date` reads February 31 as a day in March. */
function isDay(text: string): boolean {
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}

function toMachines(reports: readonly MachineFileReport[]): ReadonlyMap<string, Machine | undefined> {
  const machines = new Map<string, Machine | undefined>();
  for (const { name, file, machine } of reports) {
    if (machines.has(name)) {
      const files = reports.filter((report) => report.name === name).map((report) => report.file);
      throw failWith("CONFIG_INVALID", `The machine "${name}" is defined in several files: ${files.join(", ")}.`, {
        hint: `Name only one of them, such as ${file}.`,
      });
    }
    machines.set(name, machine);
  }
  return machines;
}

function reportBroken(reports: readonly MachineFileReport[], { out }: CommandContext): readonly string[] {
  const broken = reports.filter(({ machine }) => machine === undefined);
  for (const { file, problems } of broken) {
    out.note([`${file} has errors; its events are refused:`, ...formatProblems(problems, out)].join("\n"));
  }
  return broken.map(({ file }) => file);
}

/** Formats one step of a simulation for people. */
function formatSimulationLine(line: SimulationLine, step: unknown, out: Output): string {
  const { stack, code, reason, dispatched, cancelled } = line;
  const head = `${String(line.step).padStart(3)}  ${toTitle(step)}  ${out.paint(COLORS[line.outcome], line.outcome)}`;
  const why = code === undefined ? "" : ` ${code}: ${reason ?? ""}`;
  const details = [
    ...formatStack(stack),
    ...formatNames("sent", dispatched),
    ...formatNames("asked to stop", cancelled),
  ];
  const shown = details.length === 0 ? [] : [details.join(out.paint("dim", " · "))];
  const fired = (line.fired ?? []).map((timer) => formatFired(timer, line));
  const retried = (line.retried ?? []).map((event) => formatDecided("parked", event));
  const raised = (line.raised ?? []).map((event) => formatDecided("raised", event));
  const { notes = [] } = line;
  const same = line.differences?.length === 0 ? ["Every event of its history would do the same."] : [];
  const lines = [
    ...shown,
    ...notes,
    ...raised,
    ...retried,
    ...fired,
    ...line.others.map(formatOther),
    ...(line.events ?? []).map(formatPlannedEvent),
    ...(line.differences ?? []).map(formatDifference),
    ...same,
  ];
  return [head + why, ...lines.map((each) => `     ${each}`)].join("\n");
}

const COLORS = { applied: "green", removed: "green", refused: "yellow", ignored: "dim" } as const;

function formatStack(stack: SimulationLine["stack"]): readonly string[] {
  if (stack === null) return [];
  const { state, previousState, tasks, approvals = [], failed, overdue, stalled } = stack;
  const marks = Object.entries({ failed, overdue, stalled }).flatMap(([mark, is]) => (is ? [mark] : []));
  const was = previousState === null ? "" : ` (was ${previousState})`;
  const shown = tasks.map((task) => {
    const approval = approvals.find(({ task: name }) => name === task.name);
    return approval === undefined ? formatTask(task) : `${formatTask(task)} ${formatGiven(approval)}`;
  });
  return [`${state}${was}`, ...shown, ...marks];
}

function formatGiven({ count, given }: { readonly count: number; readonly given: readonly string[] }): string {
  return `(${[`${given.length} of ${count}`, ...given].join(", ")})`;
}

type SimulatedTask = NonNullable<SimulationLine["stack"]>["tasks"][number];

function formatTask({ name, status, detail, errorMessage }: SimulatedTask): string {
  return `${name} ${detail ?? status}${errorMessage ? ` (${errorMessage})` : ""}`;
}

function formatNames(what: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${what} ${names.join(", ")}`];
}

function formatFired({ at, stackId, timer, event, task, outcome, code }: Fired, { stack }: SimulationLine): string {
  const whose = stackId === stack?.id ? "" : ` of ${stackId}`;
  const what = task === undefined ? event : `${timer} of task ${task}`;
  return `${at}  ${what}${whose} ${outcome}${code === undefined ? "" : ` (${code})`}`;
}

type Decided = NonNullable<SimulationLine["retried"]>[number];

function formatDecided(what: "parked" | "raised", { event, outcome, code }: Decided): string {
  return `${what} ${event} ${outcome}${code === undefined ? "" : ` (${code})`}`;
}

type Fired = NonNullable<SimulationLine["fired"]>[number];

function formatOther({ id, stack, dispatched }: SimulationLine["others"][number]): string {
  const details = stack === null ? ["removed"] : [...formatStack(stack), ...formatNames("sent", dispatched)];
  return `${id}: ${details.join(" · ")}`;
}

function formatDifference({ step, event, before, after }: NonNullable<SimulationLine["differences"]>[number]): string {
  const describe = ({ outcome, code, state, dispatched }: typeof before) =>
    [code ?? outcome, state ?? "no stack", ...formatNames("sent", dispatched)].join(" · ");
  return `step ${step} ${event}: ${describe(before)} would be ${describe(after)}`;
}

function toTitle(step: unknown): string {
  if (!isMap(step)) return JSON.stringify(step) ?? "";
  if ("event" in step) return toEventTitle(step["event"]);
  if ("stack" in step) return `stack ${toStackId(step["stack"])}`;
  if ("advance" in step) return `advance ${String(step["advance"])}`;
  if ("load" in step) return `load ${String(step["load"])}`;
  if ("upgrade" in step) return `upgrade ${String(step["upgrade"])}${step["dryRun"] ? " (dry run)" : ""}`;
  if (!("task" in step)) return JSON.stringify(step);
  return `${String(step["task"])} ${"result" in step ? String(step["result"]) : "?"}`;
}

function toStackId(stack: unknown): string {
  return typeof stack === "object" && stack !== null && "id" in stack ? String(stack.id) : "?";
}

function toEventTitle(event: unknown): string {
  if (typeof event !== "object" || event === null) return JSON.stringify(event) ?? "";
  const name = "event" in event ? event.event : "action" in event ? event.action : "?";
  return `${String(name)} ${"stackId" in event ? String(event.stackId) : ""}`.trimEnd();
}

const RESULTS = ["succeeded", "failed", "cancelled"] as const;
const KINDS = ["event", "stack", "task", "advance", "load", "upgrade"];
const MAX_SHOWN = 10;

/** Throws `CONFIG_INVALID` with every invalid step. */
export function checkSteps(steps: readonly unknown[], from: string): void {
  const faults = steps.flatMap((step, index) => {
    const fault = findFault(step);
    return fault === undefined ? [] : [`step ${index + 1}: ${fault}`];
  });
  if (faults.length === 0) return;
  const more = faults.length > MAX_SHOWN ? [`and ${faults.length - MAX_SHOWN} more`] : [];
  const shown = [...faults.slice(0, MAX_SHOWN), ...more].map((line) => `\n  - ${line}`).join("");
  throw failWith("CONFIG_INVALID", `${from} has invalid steps:${shown}`, {
    hint: 'A step is {"event": {"stackId": "pr-12", "event": "OPENED", …}}, {"task": "db", "result": "succeeded", …}, {"advance": "15m"}, {"load": "next/review-app.yaml"} or {"upgrade": "pr-12"}.',
  });
}

function findFault(step: unknown): string | undefined {
  if (typeof step !== "object" || step === null || Array.isArray(step)) return `${format(step)} is not an object.`;
  // Any value is accepted as the message: an invalid one is refused like any message from outside.
  const read = readStep(step, undefined);
  if ("event" in step) return read.kind === "none" ? read.reason : undefined;
  if (read.kind === "none") return read.reason;
  if (read.kind !== "event") return undefined;
  return "task" in step ? findAnswerFault(step) : formatUnknownKeys(Object.keys(step));
}

function findAnswerFault({ task, result }: { readonly task?: unknown; readonly result?: unknown }): string | undefined {
  if (typeof task !== "string") return `"task" must be the name of a task, not ${format(task)}.`;
  if (RESULTS.some((each) => each === result)) return undefined;
  return `"result" must be "succeeded", "failed" or "cancelled"${result === undefined ? "." : `, not ${format(result)}.`}`;
}

function formatUnknownKeys(keys: readonly string[]): string {
  const [near] = keys.flatMap((key) => {
    const known = findNearestName(key, KINDS);
    return known === undefined ? [] : [` Did you mean "${known}" instead of "${key}"?`];
  });
  return `it has none of ${KINDS.map((kind) => `"${kind}"`).join(", ")}.${near ?? ""}`;
}

function format(value: unknown): string {
  return cutText(JSON.stringify(value) ?? "nothing", 60);
}

/** Reads the steps of a simulation: a JSON array, or one JSON value a line; `-` is standard input. */
async function readSteps(
  from: string,
  { cwd, stdin, signal }: Pick<CommandContext, "cwd" | "stdin" | "signal">,
): Promise<readonly unknown[]> {
  return parseSteps(from === "-" ? await text(stdin) : await readText(resolve(cwd, from), from, signal), from);
}

/** Parses the text of steps. Throws `CONFIG_INVALID` that names the line. */
export function parseSteps(text: string, from: string): readonly unknown[] {
  const whole = text.replace(/^\uFEFF/, "").trim();
  if (whole === "") return [];
  const parsed = tryParse(whole);
  if (parsed.kind === "value") return Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  // A line may itself be an array, but input that starts like this is most often one array.
  if (whole.startsWith("[")) throw invalid(from, parsed.message);
  return parseLines(text, from);
}

function parseLines(text: string, from: string): readonly unknown[] {
  const steps: unknown[] = [];
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const parsed = tryParse(line);
    if (parsed.kind === "fault") throw invalid(`${from}:${index + 1}`, parsed.message);
    steps.push(parsed.value);
  }
  return steps;
}

type Parsed =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "fault"; readonly message: string };

function tryParse(text: string): Parsed {
  try {
    return { kind: "value", value: JSON.parse(text) };
  } catch (error) {
    return { kind: "fault", message: error instanceof Error ? error.message : String(error) };
  }
}

function invalid(place: string, why: string): Error {
  return failWith("CONFIG_INVALID", `${place}: the steps are not valid JSON: ${why}`, {
    hint: "Write the steps as one JSON array, or as one JSON object per line.",
  });
}

async function readText(path: string, given: string, signal: AbortSignal): Promise<string> {
  const text = await readInput(path, signal).catch((error: unknown) => {
    const why = isFolder(path) ? "is a folder" : existsSync(path) ? "cannot be read" : "does not exist";
    throw failWith("CONFIG_INVALID", `The steps file "${given}" ${why}.`, {
      cause: error,
      hint: "Pass --steps FILE, or --steps - to read standard input.",
    });
  });
  return requireUtf8(text, given);
}

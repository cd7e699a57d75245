import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { type DocumentReport, defineCommand, optionalFlag, optionalText, toShellCommand } from "@stackyard/core";
import { fieldOf, getMachine } from "@stackyard/core/api/operations";
import {
  type DrawOptions,
  formatDuration,
  type Graph,
  type Machine,
  toDot,
  toGraph,
  toMermaid,
} from "@stackyard/core/machine";
import type { MachineDetails, MachineSummary, RevisionSummary } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith, formatProblems } from "../failure.ts";
import type { Painter } from "../output.ts";
import { markUnknownCalendars } from "../project/check-windows.ts";
import { type ConfigFile, loadConfigFile, machinesDirOf, projectArg } from "../project/config.ts";
import {
  isFolder,
  loadDefinitions,
  loadPlugins,
  type MachineFileReport,
  markDuplicates,
  readMachineFiles,
  requireReports,
  toMachineSource,
} from "../project/executors.ts";
import { withLocalParts } from "../project/local-parts.ts";
import { defineServerCommand, type LoadPage, readAll, type ServerContext } from "../server/connection.ts";
import { printPages } from "./print-list.ts";
import { limitArg } from "./stack-args.ts";

const machineArg = {
  machine: fieldOf(getMachine, "name", { completes: "machine", description: "The machine's name." }),
};

/** `stackyard machines ls` */
export const machinesLs = defineServerCommand({
  name: "machines ls",
  summary: "List the server's machines, with their problems.",
  examples: { "stackyard machines ls --json": "Print one JSON object per machine." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const machines = await yard.machines.list({ signal });
    for (const machine of machines) {
      out.result(machine, () => {
        const { name, status, hash = "", origin, problems } = machine;
        const head = [
          formatMachineStatus(status, out),
          out.paint("bold", name),
          out.paint("dim", hash.slice(0, 12)),
          origin,
        ];
        return [head.join("  "), ...formatProblems(problems, out)].join("\n");
      });
    }
    if (machines.length === 0) out.note("No machines. Add a machine file to the project's machines folder.");
  },
});

/** `stackyard machines show` */
export const machinesShow = defineServerCommand({
  name: "machines show",
  summary: "Show a machine: its events, states and tasks.",
  examples: {
    "stackyard machines show review-app": "Show what the machine declares.",
    "stackyard machines show review-app --source": "Print the machine's document.",
  },
  args: Type.Object({
    ...machineArg,
    source: optionalFlag("Print the document."),
  }),
  async run({ out, yard, signal }, { machine: name, source = false }) {
    const machine = await yard.machines.get(name, { signal });
    if (source && !out.json) out.document(machine.source ?? "");
    else out.result(machine, () => formatMachine(machine, out));
  },
});

/** `stackyard machines revisions` */
export const machinesRevisions = defineServerCommand({
  name: "machines revisions",
  summary: "List the revisions of a machine, newest first, with the number of stacks of each.",
  examples: { "stackyard machines revisions review-app": "Show which revisions stacks still use." },
  args: Type.Object({
    ...machineArg,
    ...limitArg,
  }),
  async run({ out, yard, signal }, { machine: name, limit }) {
    const load: LoadPage<RevisionSummary> = (page) => yard.machines.revisions(name, { ...page, signal });
    const shown = await printPages(load, REVISIONS, { out, limit });
    if (shown === 0) out.note(`No revision of "${name}" can be used yet.`);
  },
});

function toRevisionRow({ hash, firstSeenAt, stacks, current }: RevisionSummary, out: Painter): readonly string[] {
  return [
    out.paint("bold", hash.slice(0, 12)),
    firstSeenAt ?? "not used yet",
    String(stacks),
    current ? "current" : "",
  ];
}

const REVISIONS = { columns: ["REVISION", "FIRST SEEN", "STACKS", ""], toRow: toRevisionRow };

const HASH_LENGTH = 64;

/** The first digits of a revision's hash, or all of them. */
interface RevisionDigits {
  readonly digits: string;
  readonly machine: string | undefined;
  /** The option that gave them. Default: `--revision`. */
  readonly name?: string;
}

/** Returns a revision's full hash from its first digits, which are unique only within a machine. Throws `USAGE`. */
export async function findRevisionHash(
  { yard, signal }: ServerContext,
  { digits, machine, name = "--revision" }: RevisionDigits,
): Promise<string> {
  if (digits.length === HASH_LENGTH) return digits;
  if (machine === undefined) {
    throw failWith("USAGE", `${name} ${digits} is not a whole hash.`, {
      hint: "Add --machine, or pass all 64 digits.",
    });
  }
  const revisions = await readAll((page) => yard.machines.revisions(machine, { ...page, signal }), {});
  const hashes = revisions.map(({ hash }) => hash).filter((hash) => hash.startsWith(digits));
  const [hash] = hashes;
  if (hash !== undefined && hashes.length === 1) return hash;
  const what = hash === undefined ? "No revision" : `${hashes.length} revisions`;
  throw failWith("USAGE", `${what} of "${machine}" begin${hash === undefined ? "s" : ""} with ${digits}.`, {
    hint: `\`${toShellCommand`stackyard machines revisions ${machine}`}\` lists them.`,
  });
}

/** `stackyard machines revision` */
export const machinesRevision = defineServerCommand({
  name: "machines revision",
  summary: "Print the document of a revision.",
  examples: {
    "stackyard machines revision review-app 4f1c": "Print a document as it was.",
    "stackyard machines revision review-app 4f1c --json": "Print the revision as a JSON object.",
  },
  args: Type.Object({
    ...machineArg,
    hash: Type.String({
      pattern: "^[0-9a-f]{4,64}$",
      description: "The revision's hash, or 4 or more of its first digits.",
    }),
  }),
  async run(context, { machine, hash }) {
    const { out, yard, signal } = context;
    const revision = await yard.machines.revision(await findRevisionHash(context, { digits: hash, machine }), {
      signal,
    });
    out.result(revision, () => revision.source.replace(/\n$/, ""));
  },
});

/** `stackyard validate` */
export const validate = defineCommand({
  name: "validate",
  summary: "Validate machine files, and show each problem with its position.",
  description:
    "Validates files, and all machine files in folders. Without files, also the documents of the project's plugins, such as mapping documents. Prints the first 10 problems of each file. Warns of local sources and functions that the project does not have; those that only servers have cannot be seen. Exits with 1 if a file has errors. --json prints one object per file with all its problems: {file, valid, problems}.",
  examples: {
    "stackyard validate": "Validate every machine of the project.",
    "stackyard validate machines": "Validate every machine in a folder.",
    "stackyard validate review-app.yaml --strict --json":
      "Validate one file for a program, and treat warnings as errors.",
  },
  args: Type.Object({
    files: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        placeholder: "file",
        description: "Files or folders. Default: the machines of the project.",
      }),
    ),
    strict: optionalFlag("Treat warnings as errors."),
    ...projectArg,
  }),
  positionals: ["files"],
  async run(context: CommandContext, { files: given = [], strict = false, project }) {
    const files = given.length > 0 ? given : [await findMachines(context, project)];
    const config = await loadConfigFile(context.cwd, project);
    const executors = withLocalParts(await loadDefinitions(context, project), config);
    const { cwd, signal } = context;
    const read = markDuplicates(await readMachineFiles(files, { cwd, signal, executors, strict }));
    const reports = await markUnknownCalendars(read, config.projectDir);
    if (given.length > 0) requireReports(reports, given);
    for (const report of reports) printReport(context, { ...report, valid: report.machine !== undefined });
    const invalid = reports.filter(({ machine }) => machine === undefined).length;
    const documents = given.length > 0 ? [] : await checkDocuments(await loadConfigFile(context.cwd, project), reports);
    for (const { file, problems } of documents) printReport(context, { file, problems, valid: problems.length === 0 });
    const faulty = documents.filter(({ problems }) => problems.length > 0).length;
    context.out.note(
      reports.length === 0
        ? `No machine files in ${files.map((file) => `"${file}"`).join(", ")}.`
        : toSummary(reports.length, invalid),
    );
    if (documents.length > 0) context.out.note(toSummary(documents.length, faulty, "document"));
    return invalid + faulty === 0 ? 0 : 1;
  },
});

/** Returns the project's machines folder as a path from here. Throws `CONFIG_INVALID` when it is missing. */
async function findMachines({ cwd }: CommandContext, project: string | undefined): Promise<string> {
  const folder = machinesDirOf(await loadConfigFile(cwd, project));
  const path = relative(cwd, folder) || ".";
  if (isFolder(folder)) return path;
  throw failWith("CONFIG_INVALID", `The project's machines folder "${path}" does not exist.`, {
    hint: "Pass files to check, or create a project with `stackyard init`.",
  });
}

/** Checks the documents of the project's plugins against its machines. */
async function checkDocuments(
  { config, projectDir }: ConfigFile,
  reports: readonly MachineFileReport[],
): Promise<readonly DocumentReport[]> {
  const { plugins } = await loadPlugins(config.plugins ?? [], projectDir);
  const context = { projectDir, machines: toMachineSource(reports) };
  const checked = await Promise.all(plugins.map(({ plugin, options }) => plugin.check?.(options, context) ?? []));
  return checked.flat();
}

function printReport(
  { out }: CommandContext,
  { file, valid, problems }: DocumentReport & { readonly valid: boolean },
): void {
  out.result({ file, valid, problems }, () => {
    const mark = valid ? out.paint("green", "ok  ") : out.paint("red", "FAIL");
    return [`${mark} ${file}`, ...formatProblems(problems, out)].join("\n");
  });
}

function toSummary(count: number, invalid: number, what = "machine"): string {
  const machines = count === 1 ? `1 ${what}` : `${count} ${what}s`;
  return invalid === 0 ? `${machines}, no errors.` : `${machines}, ${invalid} with errors.`;
}

/** Returns a drawing of a machine. The layout of images is loaded when one is drawn. */
async function draw(format: "mermaid" | "dot" | "svg", graph: Graph, options: DrawOptions): Promise<string> {
  if (format === "mermaid") return toMermaid(graph, options);
  if (format === "dot") return toDot(graph, options);
  const { toSvg } = await import("@stackyard/core/drawing");
  return toSvg(graph, options);
}

/** `stackyard graph` */
export const graph = defineCommand({
  name: "graph",
  summary: "Draw a machine: Mermaid, Graphviz or SVG.",
  examples: {
    "stackyard graph machines/review-app.yaml": "Print a Mermaid diagram, for Markdown pages.",
    "stackyard graph review-app --format svg --output review-app.svg": "Draw an image of a machine of the project.",
  },
  args: Type.Object({
    machine: Type.String({
      minLength: 1,
      completes: "machine",
      description: "A file, or the name of a machine of the project.",
    }),
    format: Type.Optional(
      Type.Enum(["mermaid", "dot", "svg"], {
        description: "Default: mermaid.",
        short: "f",
      }),
    ),
    direction: Type.Optional(Type.Enum(["horizontal", "vertical"], { description: "Default: horizontal." })),
    output: optionalText("Write to this file instead of standard output.", { short: "o", placeholder: "file" }),
    ...projectArg,
  }),
  async run(
    context: CommandContext,
    { machine: wanted, format = "mermaid", direction = "horizontal", output, project },
  ) {
    const machine = await loadMachine(context, wanted, project);
    const drawn = toGraph(machine);
    const text = await draw(format, drawn, { direction });
    if (output !== undefined) await writeFile(resolve(context.cwd, output), text);
    const written = output === undefined ? { text } : { output };
    if (context.out.json) context.out.result({ machine: machine.name, format, ...drawn, ...written }, () => "");
    else if (output === undefined) context.out.document(text);
    else context.out.note(`Wrote ${output}.`);
  },
});

async function loadMachine(context: CommandContext, wanted: string, project?: string): Promise<Machine> {
  const path = existsSync(resolve(context.cwd, wanted)) ? wanted : await findByName(context, wanted, project);
  if (isFolder(resolve(context.cwd, path))) {
    throw failWith("USAGE", `"${wanted}" is a folder.`, { hint: "Name one machine file." });
  }
  const executors = await loadDefinitions(context, project);
  const [report] = await readMachineFiles([path], { cwd: context.cwd, signal: context.signal, executors });
  if (report?.machine !== undefined) return report.machine;
  const problems = formatProblems(report?.problems ?? [], context.out).join("\n");
  throw failWith("MACHINE_INVALID", `${path} has errors:\n${problems}`, { hint: "Correct the errors and try again." });
}

async function findByName({ cwd }: CommandContext, name: string, project?: string): Promise<string> {
  const folder = machinesDirOf(await loadConfigFile(cwd, project));
  const reports = isFolder(folder) ? await readMachineFiles([folder], { cwd, executors: new Map() }) : [];
  const found = reports.find((report) => report.name === name);
  if (found !== undefined) return found.file;
  throw failWith("CONFIG_INVALID", `"${name}" is neither a file nor a machine in ${folder}.`, {
    hint: "`stackyard graph FILE` draws a file; `stackyard machines ls` lists a running yard's machines.",
  });
}

/** Formats the status of a machine in color. */
function formatMachineStatus(status: MachineSummary["status"], out: Painter): string {
  return out.paint(status === "valid" ? "green" : status === "stale" ? "yellow" : "red", status);
}

/** Formats a machine for people: its problems, events, states and tasks. */
export function formatMachine(machine: MachineDetails, out: Painter): string {
  const { name, status, hash, events, states, tasks, problems } = machine;
  return [
    `${out.paint("bold", name)}  ${formatMachineStatus(status, out)}  ${out.paint("dim", hash ?? "")}`,
    ...formatProblems(problems, out),
    ...formatVersion(machine),
    `events  ${events.join(", ")}`,
    "states",
    formatTable(states.map(toStateRow), { columns: out.columns, keepLast: true }),
    "tasks",
    formatTable(tasks.map(toTaskRow), { columns: out.columns, keepLast: true }),
  ].join("\n");
}

function formatVersion({ version, revision }: MachineDetails): readonly string[] {
  if (version === undefined) return [];
  const kept =
    revision === "pin" ? "stacks keep the revision that they began with" : "stacks follow the newest revision";
  return [`version ${version}, ${kept}`];
}

function toStateRow({ name, terminal, tasks, on, ...state }: MachineDetails["states"][number]): readonly string[] {
  const { approved = [] } = state;
  const time = (state.after ?? []).map(({ event, inMs, at, cron, zone }) => {
    if (inMs !== undefined) return `${event} after ${formatDuration(inMs)}`;
    return at === undefined ? `${event} on schedule ${cron} (${zone})` : `${event} at ${at}`;
  });
  if (state.timeoutMs !== undefined) time.unshift(`TIMEOUT after ${formatDuration(state.timeoutMs)}`);
  const marks = [terminal ? ["terminal"] : [], state.protected ? ["protected"] : []].flat();
  return [
    `  ${name}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`,
    tasks.length === 0 ? "" : `tasks ${tasks.join(", ")}`,
    on.length === 0 ? "" : `on ${on.join(", ")}`,
    time.join(", "),
    approved.length === 0 ? "" : `approved by ${approved.join(", ")}`,
    // The default of version 2 is omitted.
    state.leaving === undefined || state.leaving === "wait" ? "" : `leaving: ${state.leaving}`,
  ];
}

function toTaskRow({ name, executor = "", target, needs = [] }: MachineDetails["tasks"][number]): readonly string[] {
  return [
    `  ${name}`,
    executor,
    target === undefined ? "" : `target ${target}`,
    needs.length === 0 ? "" : `needs ${needs.join(", ")}`,
  ];
}

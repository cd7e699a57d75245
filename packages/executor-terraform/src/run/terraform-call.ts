import { open } from "node:fs/promises";
import { join } from "node:path";
import { defined, isMap } from "@stackyard/core";
import { type ChildEnd, createMaskedReport } from "@stackyard/core/programs";
import { isConfigurationFault, saysConfigurationFault } from "../source/configuration-faults.ts";
import { type CreatedResource, createCreatedResources, isOrderly } from "../state/created-resources.ts";
import { parseRawJson } from "../state/exact-json.ts";
import {
  createStreamResources,
  type ResourceFacts,
  type ResourceMessage,
  type StreamResource,
} from "../state/stream-resources.ts";
import { createLineSplitter } from "./child.ts";
import {
  createLogTail,
  type Diagnostic,
  type JsonObject,
  type LogTail,
  numberAt,
  objectAt,
  parseDiagnostic,
  saysLocked,
  saysPrevented,
  saysStale,
  TerraformFailure,
  type TerraformFailureCode,
  textAt,
  toDiagnosticText,
  toHeadAndTail,
} from "./failure.ts";
import type { StagedRun } from "./staged-run.ts";

/** Maximum bytes of a call's output that are kept for a failure. */
export const TAIL_BYTES = 64 * 1024;
/** The kept bytes of the program's standard error: its beginning, which names the fault, and its end. */
const ERROR_HEAD_BYTES = 24 * 1024;
const ERROR_TAIL_BYTES = 8 * 1024;
/** Only the first diagnostics are reported. */
const MAX_DIAGNOSTICS = 100;
const MAX_PLANNED = 200;

/** A call of the program with the words that it was given. */
interface Call {
  readonly command: "init" | "plan" | "show" | "state" | "apply" | "destroy" | "output";
  readonly arguments: readonly string[];
}

/** The end of a call. */
export interface CallEnd extends ChildEnd {
  /** True if it was requested to stop while it worked. */
  readonly stopped: boolean;
  /** The last output, secrets masked. */
  readonly tail: LogTail;
  /** False if a line of the output was too long to be read. */
  readonly isWhole: boolean;
}

/** The results of a call with `-json`. */
export interface StreamEnd extends CallEnd {
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined: the stream has none, as after a destroy, or its end is missing. */
  readonly outputs: ReadonlyMap<string, StreamOutput> | undefined;
  readonly counts?: ChangeCounts;
  /** The last summary. */
  readonly summary: string;
  /** Addresses and actions of a plan, the first 200. */
  readonly planned: readonly string[];
  /** Addresses that a plan removes from the state without destroying them. */
  readonly forgets: readonly string[];
  /** Addresses of objects that a plan brings into the state. */
  readonly imports: readonly string[];
  /** Addresses of what the call has deleted. */
  readonly deleted: ReadonlySet<string>;
  /** Addresses of the state that a refresh has not found. */
  readonly vanished: ReadonlySet<string>;
  /** The managed resources of the state after a call that succeeded. Undefined if the stream does not contain them. */
  readonly resources: readonly StreamResource[] | undefined;
  /** True if the call has begun to change resources, or had nothing to change. */
  readonly hasBegun: boolean;
  /** The resources that the call has begun to create. */
  readonly created: readonly CreatedResource[];
}

/** Calls the program; each line of its standard output goes to `onLine` unchanged. */
export async function callTerraform(run: StagedRun, call: Call, onLine: (line: string) => void): Promise<CallEnd> {
  const { ctx, settings, program, module, environment } = run;
  if (ctx.signal.aborted || ctx.cancelling)
    throw new TerraformFailure("TERRAFORM_CANCELLED", "Stopped before it began.");
  const splitter = createLineSplitter();
  const logPath = join(run.folder, call.command);
  const end = await settings
    .runProgram({
      binary: program.path,
      cwd: module,
      environment,
      logPath,
      signal: ctx.signal,
      graceMs: settings.graceMs,
      arguments: [call.command, ...call.arguments],
      onOutput: (piece) => splitter.push(piece).forEach(onLine),
    })
    .catch(toStartFailure);
  splitter.end().forEach(onLine);
  const tail = createLogTail(TAIL_BYTES);
  const errors = await loadErrorLines(`${logPath}.err`);
  for (const line of run.mask(errors.join("\n")).split("\n")) tail.add(line);
  return { ...end, stopped: ctx.signal.aborted && end.code !== 0, tail, isWhole: splitter.isWhole() };
}

function toStartFailure(error: unknown): never {
  // The sum of all variables is more than the system takes for a new program (execve(2), E2BIG).
  if (error instanceof Error && "code" in error && error.code === "E2BIG") {
    throw new TerraformFailure(
      "TERRAFORM_VALUE_REFUSED",
      "The variables together are more than a program can be given.",
    );
  }
  throw error;
}

/** Titles the lines that follow in the task's log, so that they can be folded. */
export function reportStep({ ctx, program }: StagedRun, { command }: Pick<Call, "command">): void {
  ctx.report(`▸ ${program.product === "opentofu" ? "tofu" : "terraform"} ${command}`);
}

/** The stream's words for the end of management: Terraform 1.7 and later, and OpenTofu. */
const FORGETTING: ReadonlySet<string> = new Set(["remove", "forget"]);
/** The actions of a call that change nothing. */
const READING: ReadonlySet<string> = new Set(["read", "noop"]);

/** Calls the program with `-json`, shows its progress and collects its results. */
export async function callStream(run: StagedRun, call: Call): Promise<StreamEnd> {
  const diagnostics: Diagnostic[] = [];
  const planned: string[] = [];
  const forgets: string[] = [];
  const imports: string[] = [];
  const deleted = new Set<string>();
  const vanished = new Set<string>();
  let last: Pick<StreamEnd, "counts" | "summary"> = { summary: "" };
  let outputs: StreamEnd["outputs"];
  const resources = createStreamResources();
  const created = createCreatedResources();
  let hasBegun = false;
  const collectPlanned = ({ address, action, isImport }: PlannedMessage): void => {
    if (planned.length < MAX_PLANNED) planned.push(`${address}: ${action}`);
    if (FORGETTING.has(action)) forgets.push(address);
    if (isImport) imports.push(address);
  };
  const collectResource = (message: StreamMessage): void => {
    if (message.kind === "planned") collectPlanned(message);
    if (message.kind === "drifted" && message.isManaged && message.action === "delete") vanished.add(message.address);
    if (message.kind === "resource" && isDeleted(message)) deleted.add(message.address);
    resources.add(message);
    created.add(message);
    hasBegun ||= message.kind === "resource" && !READING.has(message.action);
  };
  const collect = (message: StreamMessage): void => {
    if (message.kind === "diagnostic" && diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push(message.diagnostic);
    if (message.kind === "summary") last = { counts: message.counts, summary: message.text };
    if (message.kind === "outputs" && !message.planned) outputs = message.outputs;
    collectResource(message);
  };
  const progress = createMaskedReport(run);
  reportStep(run, call);
  const end = await callTerraform(run, call, (line) => {
    const message = parseStreamMessage(line);
    if (message === undefined) return;
    collect(message);
    // An apply shows each change when it makes it, except for a resource that it only forgets.
    if (message.kind === "planned" && call.command !== "plan" && !FORGETTING.has(message.action)) return;
    const { prefix, ...channel } = toOrigin(message);
    for (const text of toProgressLines(message)) {
      progress.add({ ...channel, text, prefix: text.startsWith(prefix) ? prefix.length : 0 });
    }
  }).finally(progress.end);
  return {
    ...end,
    diagnostics,
    planned,
    forgets,
    imports,
    deleted,
    vanished,
    outputs,
    resources: end.isWhole ? resources.list() : undefined,
    created: created.list(),
    hasBegun: hasBegun || end.code === 0,
    ...last,
  };
}

type PlannedMessage = Extract<ResourceMessage, { kind: "planned" }>;

/** Reads the standard error, of which the middle is left out if it is long. */
async function loadErrorLines(path: string): Promise<string[]> {
  const file = await open(path, "r");
  const read = async (position: number, length: number) =>
    (await file.read(Buffer.alloc(length), 0, length, position)).buffer.toString("utf8").split(/\r?\n/);
  try {
    const { size } = await file.stat();
    const left = size - ERROR_HEAD_BYTES - ERROR_TAIL_BYTES;
    const lines =
      left <= 0
        ? await read(0, size)
        : [
            ...(await read(0, ERROR_HEAD_BYTES)),
            `… ${left} bytes are left out …`,
            ...(await read(size - ERROR_TAIL_BYTES, ERROR_TAIL_BYTES)),
          ];
    return lines.map(toPlainText).filter((line) => line.trim() !== "");
  } finally {
    await file.close();
  }
}

/** An output of the root module; the stream leaves the values of sensitive ones out. */
export interface StreamOutput {
  readonly sensitive: boolean;
  readonly value?: unknown;
}

function isDeleted({ phase, action }: WorkMessage): boolean {
  return phase === "complete" && action === "delete";
}

/** The number of resources that a plan or an apply concerns. */
type ChangeCounts = Readonly<Record<"add" | "change" | "remove" | "import", number>>;

/** One line of `terraform … -json` (Terraform docs, "Machine-Readable UI"). */
type StreamMessage =
  | { readonly kind: "diagnostic"; readonly diagnostic: Diagnostic }
  /** Planned ones come before the work, the real ones after it. */
  | { readonly kind: "outputs"; readonly planned: boolean; readonly outputs: ReadonlyMap<string, StreamOutput> }
  | { readonly kind: "summary"; readonly counts: ChangeCounts; readonly operation: string; readonly text: string }
  | ResourceMessage
  | WorkMessage
  | { readonly kind: "provisioner"; readonly address: string; readonly provisioner: string; readonly output: string }
  | { readonly kind: "other"; readonly text: string };

/** Work on one resource begins, continues or ends. */
interface WorkMessage {
  readonly kind: "resource";
  readonly phase: "start" | "progress" | "complete" | "errored";
  readonly address: string;
  readonly action: string;
  readonly elapsedSeconds: number;
  /** The id of the object, where it is known by then. */
  readonly id?: string;
}

type Reader = (message: JsonObject) => StreamMessage | undefined;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["diagnostic", (message) => ({ kind: "diagnostic", diagnostic: parseDiagnostic(objectAt(message, "diagnostic")) })],
  ["outputs", readOutputs],
  ["change_summary", readSummary],
  ["planned_change", readPlanned],
  ["apply_start", (message) => readResource(message, "start")],
  ["apply_progress", (message) => readResource(message, "progress")],
  ["apply_complete", (message) => readResource(message, "complete")],
  ["apply_errored", (message) => readResource(message, "errored")],
  ["provision_progress", readProvisioner],
  ["resource_drift", readDrift],
  // One line for every resource, every time: useless in a log.
  ["refresh_start", (message) => ({ kind: "refreshed", ...readFacts(objectAt(message, "hook")) })],
  ["refresh_complete", () => undefined],
  ["provision_start", () => undefined],
  ["provision_complete", () => undefined],
]);

/** Parses a line of Terraform's JSON stream; other lines are returned as text. Returns undefined for lines that are not shown. Never throws. */
export function parseStreamMessage(line: string): StreamMessage | undefined {
  const message = parseRawJson(line);
  if (!isMap(message)) return line.trim() === "" ? undefined : { kind: "other", text: line };
  const reader = readers.get(textAt(message, "type"));
  if (reader) return reader(message);
  return { kind: "other", text: textAt(message, "@message") || line };
}

function readOutputs(message: JsonObject): StreamMessage {
  const entries = Object.entries(objectAt(message, "outputs"));
  const planned = entries.some(([, output]) => isMap(output) && "action" in output);
  return { kind: "outputs", planned, outputs: new Map(entries.map(([name, output]) => [name, readOutput(output)])) };
}

function readOutput(output: unknown): StreamOutput {
  if (!isMap(output)) return { sensitive: false };
  const sensitive = output["sensitive"] === true;
  return "value" in output ? { sensitive, value: output["value"] } : { sensitive };
}

function readSummary(message: JsonObject): StreamMessage {
  const changes = objectAt(message, "changes");
  const [add, change, remove] = [numberAt(changes, "add"), numberAt(changes, "change"), numberAt(changes, "remove")];
  const counts = { add, change, remove, import: numberAt(changes, "import") };
  return { kind: "summary", counts, operation: textAt(changes, "operation"), text: textAt(message, "@message") };
}

function readPlanned(message: JsonObject): StreamMessage {
  const change = objectAt(message, "change");
  const isImport = isMap(change["importing"]);
  return { kind: "planned", ...readFacts(change), action: textAt(change, "action"), ...(isImport && { isImport }) };
}

function readDrift(message: JsonObject): StreamMessage {
  const change = objectAt(message, "change");
  return { kind: "drifted", ...readFacts(change), action: textAt(change, "action"), text: textAt(message, "@message") };
}

function readFacts(body: JsonObject): ResourceFacts {
  const resource = objectAt(body, "resource");
  return {
    address: textAt(resource, "addr"),
    isManaged: !/^(?:data|ephemeral)\./.test(textAt(resource, "resource")),
    provider: textAt(resource, "implied_provider"),
  };
}

function readResource(message: JsonObject, phase: WorkMessage["phase"]): WorkMessage {
  const hook = objectAt(message, "hook");
  return {
    kind: "resource",
    phase,
    address: textAt(objectAt(hook, "resource"), "addr"),
    action: textAt(hook, "action"),
    elapsedSeconds: numberAt(hook, "elapsed_seconds"),
    ...(textAt(hook, "id_key") === "id" && { id: textAt(hook, "id_value") }),
  };
}

function readProvisioner(message: JsonObject): StreamMessage {
  const hook = objectAt(message, "hook");
  const address = textAt(objectAt(hook, "resource"), "addr");
  return { kind: "provisioner", address, provisioner: textAt(hook, "provisioner"), output: textAt(hook, "output") };
}

const VERBS: ReadonlyMap<string, string> = new Map([
  ["create", "creating"],
  ["update", "updating"],
  ["delete", "destroying"],
  ["read", "reading"],
  ["replace", "replacing"],
  ["noop", "checking"],
]);

/** Formats a message for a person who watches. */
export function toProgressLines(message: StreamMessage): readonly string[] {
  return toText(message)
    .split(/\r?\n/)
    .map(toPlainText)
    .filter((line) => line.trim() !== "");
}

/** Returns where a text comes from: pieces with the same origin belong together. */
function toOrigin(message: StreamMessage): { readonly prefix: string; readonly channel?: string } {
  if (message.kind !== "provisioner") return { prefix: "" };
  const channel = `${message.address} (${message.provisioner})`;
  return { channel, prefix: `${channel}: ` };
}

function toText(message: StreamMessage): string {
  switch (message.kind) {
    case "diagnostic":
      return toDiagnosticText(message.diagnostic);
    case "resource":
      return toResourceText(message);
    case "provisioner":
      return toOrigin(message).prefix + message.output;
    case "planned":
      return `${message.address}: to ${FORGETTING.has(message.action) ? "forget; it will still exist" : message.action}`;
    case "summary":
    case "drifted":
    case "other":
      return message.text;
    case "outputs":
    case "refreshed":
      return "";
  }
}

function toResourceText({ address, action, phase, elapsedSeconds, id }: WorkMessage): string {
  // All that a person has to find an object when its runner is gone before the state is saved.
  const known = action === "create" && id !== undefined ? ` [id=${id}]` : "";
  const ends: Readonly<Record<WorkMessage["phase"], string>> = {
    start: "",
    progress: ` ${elapsedSeconds}s`,
    complete: ` done after ${elapsedSeconds}s${known}`,
    errored: ` failed after ${elapsedSeconds}s`,
  };
  return `${address}: ${VERBS.get(action) ?? action}…${ends[phase]}`;
}

const ESC = "\\u001b";
/** Escape sequences as a whole (ECMA-48): OSC such as links and titles, other strings, CSI such as colors, and others. */
const SEQUENCES = new RegExp(
  [
    `${ESC}\\][^\\u0007${ESC}]*(?:\\u0007|${ESC}\\\\)?`,
    `${ESC}[PX^_][^${ESC}]*(?:${ESC}\\\\)?`,
    `(?:${ESC}\\[|\\u009b)[0-?]*[ -/]*[@-~]?`,
    `${ESC}[ -/]*[0-~]?`,
  ].join("|"),
  "g",
);

/** Removes escape sequences and control characters, which a provisioner's output may contain, for a terminal. */
export function toPlainText(line: string): string {
  return line.replace(SEQUENCES, "").replace(/[^\P{Cc}\t]/gu, "");
}

function toPlainLines(text: string): string {
  return text.split(/\r?\n/).map(toPlainText).join("\n");
}

/** The largest failure message: a stack keeps 16,384 characters of it. */
export const MAX_MESSAGE_BYTES = 16_000;

interface FailedCall {
  /** `terraform apply`. */
  readonly command: string;
  readonly code: TerraformFailureCode;
  readonly end: CallEnd & Partial<Pick<StreamEnd, "diagnostics">>;
  readonly mask: (text: string) => string;
  /** Default: as the code says. */
  readonly isUnplanned?: boolean;
}

/** Returns why a call failed, for people: the program's diagnostics or, without any, the end of its output. */
export function toCallFailure({ command, code, end, mask, isUnplanned }: FailedCall): TerraformFailure {
  const { diagnostics = [] } = end;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const found = toCode(code, end, errors);
  const reasons =
    errors.length > 0 ? errors.map(toDiagnosticText).map(toPlainLines).map(mask) : [end.tail.text(TAIL_BYTES)];
  const text = [toFirstLine(found, command, end), ...new Set(reasons)].filter((part) => part !== "").join("\n\n");
  const final =
    errors.length > 0 ? errors.every(isConfigurationFault) : saysConfigurationFault(end.tail.text(TAIL_BYTES));
  // A lock, a stop and a stale plan say nothing about the configuration, and one that forbids a destroy can be planned.
  const isPlanned = errors.some(saysPrevented);
  const options = found === code ? defined({ final, isUnplanned: isPlanned ? false : isUnplanned }) : { final };
  return new TerraformFailure(found, toHeadAndTail(text, MAX_MESSAGE_BYTES), options);
}

function toCode(code: TerraformFailureCode, end: CallEnd, errors: readonly Diagnostic[]): TerraformFailureCode {
  if (end.stopped) return "TERRAFORM_CANCELLED";
  if (errors.some(saysStale)) return "TERRAFORM_PLAN_STALE";
  return errors.some(saysLocked) ? "TERRAFORM_STATE_LOCKED" : code;
}

function toFirstLine(code: TerraformFailureCode, command: string, end: ChildEnd): string {
  const how = toHow(end);
  switch (code) {
    case "TERRAFORM_CANCELLED":
      return isOrderly(end)
        ? `${command} was stopped; the state contains what it created before.`
        : `${command} was stopped and ${how}; a lock of its state may be left.`;
    case "TERRAFORM_STATE_LOCKED":
      return `${command} could not start: another run has the lock of its state.`;
    default:
      return `${command} ${how}.`;
  }
}

function toHow({ code, signal, lost }: ChildEnd): string {
  if (lost) return `was ended by ${signal}, because the process that had started it had ended`;
  return code === null ? `was ended by ${signal}` : `ended with exit code ${code}`;
}

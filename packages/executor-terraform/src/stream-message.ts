import { type Diagnostic, parseDiagnostic } from "./diagnostic.ts";
import { isJsonObject, type JsonObject, numberAt, objectAt, parseJson, textAt } from "./json-object.ts";

/** An output of the root module; the stream leaves the values of sensitive ones out. */
export interface StreamOutput {
  readonly sensitive: boolean;
  readonly value?: unknown;
}

/** How many resources a plan or an apply concerns. */
export interface ChangeCounts {
  readonly add: number;
  readonly change: number;
  readonly remove: number;
  readonly import: number;
}

/** What one line of `terraform … -json` says (Terraform docs, "Machine-Readable UI"). */
export type StreamMessage =
  | { readonly kind: "diagnostic"; readonly diagnostic: Diagnostic }
  /** Planned ones come before the work, the real ones after it. */
  | { readonly kind: "outputs"; readonly planned: boolean; readonly outputs: ReadonlyMap<string, StreamOutput> }
  | { readonly kind: "summary"; readonly counts: ChangeCounts; readonly text: string }
  | { readonly kind: "planned"; readonly address: string; readonly action: string }
  | ResourceMessage
  | { readonly kind: "provisioner"; readonly address: string; readonly provisioner: string; readonly output: string }
  | { readonly kind: "other"; readonly text: string };

/** Work on one resource begins, goes on or ends. */
export interface ResourceMessage {
  readonly kind: "resource";
  readonly phase: "start" | "progress" | "complete" | "errored";
  readonly address: string;
  readonly action: string;
  readonly elapsedSeconds: number;
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
  // A line each for every resource, every time: a log of them says nothing.
  ["refresh_start", () => undefined],
  ["refresh_complete", () => undefined],
  ["provision_start", () => undefined],
  ["provision_complete", () => undefined],
]);

/** Reads a line; what is no JSON object is text. Undefined: it says nothing to anybody. Never throws. */
export function parseStreamMessage(line: string): StreamMessage | undefined {
  const message = parseJson(line);
  if (!isJsonObject(message)) return line.trim() === "" ? undefined : { kind: "other", text: line };
  const reader = readers.get(textAt(message, "type"));
  if (reader) return reader(message);
  return { kind: "other", text: textAt(message, "@message") || line };
}

function readOutputs(message: JsonObject): StreamMessage {
  const entries = Object.entries(objectAt(message, "outputs"));
  const planned = entries.some(([, output]) => isJsonObject(output) && "action" in output);
  return { kind: "outputs", planned, outputs: new Map(entries.map(([name, output]) => [name, readOutput(output)])) };
}

function readOutput(output: unknown): StreamOutput {
  if (!isJsonObject(output)) return { sensitive: false };
  const sensitive = output["sensitive"] === true;
  return "value" in output ? { sensitive, value: output["value"] } : { sensitive };
}

function readSummary(message: JsonObject): StreamMessage {
  const changes = objectAt(message, "changes");
  const [add, change, remove] = [numberAt(changes, "add"), numberAt(changes, "change"), numberAt(changes, "remove")];
  const counts = { add, change, remove, import: numberAt(changes, "import") };
  return { kind: "summary", counts, text: textAt(message, "@message") };
}

function readPlanned(message: JsonObject): StreamMessage {
  const change = objectAt(message, "change");
  return { kind: "planned", address: textAt(objectAt(change, "resource"), "addr"), action: textAt(change, "action") };
}

function readResource(message: JsonObject, phase: ResourceMessage["phase"]): ResourceMessage {
  const hook = objectAt(message, "hook");
  return {
    kind: "resource",
    phase,
    address: textAt(objectAt(hook, "resource"), "addr"),
    action: textAt(hook, "action"),
    elapsedSeconds: numberAt(hook, "elapsed_seconds"),
  };
}

function readProvisioner(message: JsonObject): StreamMessage {
  const hook = objectAt(message, "hook");
  const address = textAt(objectAt(hook, "resource"), "addr");
  return { kind: "provisioner", address, provisioner: textAt(hook, "provisioner"), output: textAt(hook, "output") };
}

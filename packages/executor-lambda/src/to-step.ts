import {
  cutText,
  defined,
  type ExecutorContext,
  type Failed,
  failed,
  formatNames,
  isMap,
  keepStart,
  parseJson,
  type Succeeded,
  succeeded,
} from "@stackyard/core";
import type { LambdaConfig, LambdaOutputs } from "./definition.ts";

/** Converts an answer to the step that ends the attempt. Reports omitted outputs. */
export function toStep(
  ctx: Pick<ExecutorContext, "report">,
  answer: FunctionAnswer,
): Succeeded<LambdaOutputs> | Failed {
  if (answer.functionError !== undefined) return toFailure(answer.payload);
  const { outputs, leftOut } = toOutputs(answer.payload);
  if (leftOut.length > 0) ctx.report(`Outputs left out, over 64 names or 64 KiB: ${toNames(leftOut)}`);
  return succeeded(outputs);
}

/**
 * Types of errors about the answer of a function that has done its work: a repeat would do it again (Lambda guide, "Lambda quotas",
 * 6 MB; runtimes of Node.js and Python, which cannot serialize the answer).
 */
const DONE_WITHOUT_ANSWER = /^(Function\.ResponseSizeTooLarge|Runtime\.MarshalError)$/;
/** What Node's runtime says of circular answers and of BigInt, under the type of the error. */
const NOT_SERIALIZED = /^Unable to stringify response body/;

function isDoneWithoutAnswer({ errorType = "", errorMessage = "" }: FunctionError): boolean {
  return DONE_WITHOUT_ANSWER.test(errorType) || NOT_SERIALIZED.test(errorMessage);
}

function toFailure(payload: string): Failed {
  const error = parseFunctionError(payload);
  const text = toErrorText(error);
  if (isDoneWithoutAnswer(error)) {
    const advice = "The function has run, and its answer could not be taken. Return less, or values that JSON has.";
    return failed({
      code: "LAMBDA_ANSWER_INVALID",
      message: `${text.replace(/\.$/, "")}.\n${advice}`,
      retryable: false,
    });
  }
  if (!error.timedOut) return failed({ code: "LAMBDA_FUNCTION_ERROR", message: text, retryable: true });
  const advice = "Raise the function's timeout (15 minutes at most) or split its work.";
  return failed({ code: "LAMBDA_TIMED_OUT", message: `${text}.\n${advice}`, retryable: false });
}

function toNames(names: readonly string[]): string {
  return formatNames(names.map((name) => keepStart(name, 60)));
}

const MAX_OUTPUTS = 64;
/** The limit of a stack's metadata, which stores outputs. */
const MAX_OUTPUTS_CHARS = 65_536;

/**
 * Returns the top-level scalars of a payload that is a JSON object: the first 64, and 64 Ki characters of names and
 * values; and the names of those that found no room. Every other payload has no outputs, which is not a failure. Never
 * throws.
 */
export function toOutputs(payload: string): { readonly outputs: LambdaOutputs; readonly leftOut: readonly string[] } {
  const value = parseJson(payload);
  const scalars = Object.entries(isMap(value) ? value : {}).filter(isScalarEntry);
  const kept: (typeof scalars)[number][] = [];
  const leftOut: string[] = [];
  let chars = 0;
  for (const [name, scalar] of scalars) {
    const size = name.length + String(scalar).length;
    if (kept.length === MAX_OUTPUTS || chars + size > MAX_OUTPUTS_CHARS) {
      leftOut.push(name);
    } else {
      chars += size;
      kept.push([name, scalar]);
    }
  }
  return { outputs: Object.fromEntries(kept), leftOut };
}

function isScalarEntry(entry: [string, unknown]): entry is [string, LambdaOutputs[string]] {
  const [name, value] = entry;
  // It would become a prototype wherever outputs are copied by assignment.
  if (name === "__proto__") return false;
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** Why a function failed, as reported by its runtime. */
interface FunctionError {
  readonly errorType?: string;
  readonly errorMessage?: string;
  /** Lines of the stack trace, bounded in number and length. */
  readonly trace: readonly string[];
  /** True if Lambda ended the function at its own timeout. */
  readonly timedOut: boolean;
}

const MAX_TRACE_LINES = 50;
const MAX_LINE_CHARS = 500;
const MAX_MESSAGE_CHARS = 4_000;
const TIMED_OUT = /\bTask timed out after \d+(\.\d+)? seconds/;

/**
 * Parses the payload of a failed call. Runtimes differ: Node sends `trace`, Python, Ruby, Java, .NET and Go
 * `stackTrace` (lines, or maps with path, line and label), a timeout has neither and on older runtimes no `errorType`,
 * and a custom runtime may send anything, JSON or not. Never throws.
 */
export function parseFunctionError(payload: string): FunctionError {
  const value = parseJson(payload);
  if (!isMap(value)) return { ...toMessage(value ?? payload), trace: [], timedOut: false };
  const errorType = toText(value["errorType"]);
  const errorMessage = toText(value["errorMessage"] ?? value["message"] ?? value["error"]);
  const trace = toTrace(value["trace"] ?? value["stackTrace"] ?? value["stack"]);
  // A function may throw an error with the same message, but with its own type.
  const timedOut = errorType === "Sandbox.Timedout" || (errorType === undefined && TIMED_OUT.test(errorMessage ?? ""));
  const told = errorType === undefined && errorMessage === undefined ? toMessage(payload) : {};
  return { ...told, ...defined({ errorType, errorMessage }), trace, timedOut };
}

/** Formats `errorType: errorMessage`, then the trace, for people. */
export function toErrorText({ errorType, errorMessage, trace }: FunctionError): string {
  const head = [errorType, errorMessage].filter((part) => part !== undefined).join(": ");
  // A trace of Node begins with the error itself.
  const said = head.split("\n");
  const places = said.every((line, index) => trace[index]?.trimEnd() === line.trimEnd())
    ? trace.slice(said.length)
    : trace;
  return [head === "" ? "The function failed without a reason." : head, ...places].join("\n");
}

function toMessage(value: unknown): { readonly errorMessage?: string } {
  return defined({ errorMessage: toText(value) });
}

function toText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.trim() === "" ? undefined : cutText(text.trim(), MAX_MESSAGE_CHARS);
}

function toTrace(value: unknown): readonly string[] {
  const frames: readonly unknown[] = Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
  const lines = frames
    .slice(0, MAX_TRACE_LINES + 1)
    .flatMap((frame) => toFrame(frame).split("\n"))
    .filter((line) => line.trim() !== "")
    .map((line) => cutText(line.trimEnd(), MAX_LINE_CHARS));
  return lines.length > MAX_TRACE_LINES ? [...lines.slice(0, MAX_TRACE_LINES), "…"] : lines;
}

/** Formats a frame. Go sends `{path, line, label}`, Python 2 sent `[path, line, function, text]`. */
function toFrame(frame: unknown): string {
  if (typeof frame === "string") return keepStart(frame, MAX_MESSAGE_CHARS);
  if (isMap(frame) && typeof frame["path"] === "string") {
    return `    at ${toText(frame["label"]) ?? "?"} (${frame["path"]}:${toText(frame["line"]) ?? "?"})`;
  }
  return toText(frame) ?? "";
}

/** The maximum size of a synchronous call (Lambda quotas, "Invocation payload": 6 MB, enforced as 6,291,456 bytes). */
export const MAX_REQUEST_BYTES = 6_291_456;

/** Returns the event of a function: `{"stackId":…,"metadata":…}` and `"args"` if the task has any, in this order. */
export function toPayload(ctx: Pick<ExecutorContext, "stackId" | "metadata">, { args }: LambdaConfig): string {
  const { stackId, metadata } = ctx;
  return JSON.stringify(isMap(args) ? { stackId, metadata, args } : { stackId, metadata });
}

/** Returns the failure of a payload that Lambda would reject, before the call. */
export function findPayloadFault(name: string, payload: string): Failed | undefined {
  const bytes = Buffer.byteLength(payload);
  if (bytes <= MAX_REQUEST_BYTES) return undefined;
  return failed({
    code: "LAMBDA_PAYLOAD_TOO_LARGE",
    message: `The payload for "${name}" has ${bytes} bytes, and Lambda takes ${MAX_REQUEST_BYTES}. Put large values into S3 and pass their keys.`,
    retryable: false,
  });
}

/** The result of a call, deployed or local. */
export interface FunctionAnswer {
  /** `Unhandled` or `Handled` when the function failed: the header X-Amz-Function-Error. */
  readonly functionError?: string;
  /** JSON as text, unless the function's runtime is odd. */
  readonly payload: string;
}

/** Maximum size of a function's response (Function.ResponseSizeTooLarge names this number: 6 MB and 100 bytes). */
export const MAX_RESPONSE_BYTES = 6_291_556;

/** One call: the name as in the task, and the event as JSON. */
export interface InvokeInput {
  readonly name: string;
  readonly payload: string;
}

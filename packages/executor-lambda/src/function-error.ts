/** Why a function failed, as its runtime told. */
export interface FunctionError {
  readonly errorType?: string;
  readonly errorMessage?: string;
  /** Lines of the stack trace, bounded in number and length. */
  readonly trace: readonly string[];
  /** Lambda ended the function at its own time-out. */
  readonly timedOut: boolean;
}

const MAX_TRACE_LINES = 50;
const MAX_LINE_CHARS = 500;
const MAX_MESSAGE_CHARS = 4_000;
const TIMED_OUT = /\bTask timed out after \d+(\.\d+)? seconds/;

/**
 * Reads the payload of a failed call. Runtimes differ: Node sends `trace`, Python, Ruby, Java, .NET and Go `stackTrace`
 * (lines, or maps with path, line and label), a time-out has neither and on older runtimes no `errorType`, and a custom
 * runtime may send anything, JSON or not. Never throws.
 */
export function parseFunctionError(payload: string): FunctionError {
  const value = parseJson(payload);
  if (!isRecord(value)) return { ...toMessage(value ?? payload), trace: [], timedOut: false };
  const errorType = toText(value["errorType"]);
  const errorMessage = toText(value["errorMessage"] ?? value["message"] ?? value["error"]);
  const trace = toTrace(value["trace"] ?? value["stackTrace"] ?? value["stack"]);
  // A function may throw an error with the same words: that one has a type of its own.
  const timedOut = errorType === "Sandbox.Timedout" || (errorType === undefined && TIMED_OUT.test(errorMessage ?? ""));
  const told = errorType === undefined && errorMessage === undefined ? toMessage(payload) : {};
  return {
    ...told,
    ...(errorType === undefined ? {} : { errorType }),
    ...(errorMessage === undefined ? {} : { errorMessage }),
    trace,
    timedOut,
  };
}

/** For people: `errorType: errorMessage`, then the trace. */
export function toErrorText({ errorType, errorMessage, trace }: FunctionError): string {
  const head = [errorType, errorMessage].filter((part) => part !== undefined).join(": ");
  return [head === "" ? "The function failed and told no reason." : head, ...trace].join("\n");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toMessage(value: unknown): { readonly errorMessage?: string } {
  const text = toText(value);
  return text === undefined ? {} : { errorMessage: text };
}

function toText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.trim() === "" ? undefined : cut(text.trim(), MAX_MESSAGE_CHARS);
}

function toTrace(value: unknown): readonly string[] {
  const frames: readonly unknown[] = Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
  const lines = frames
    .slice(0, MAX_TRACE_LINES + 1)
    .flatMap((frame) => toFrame(frame).split("\n"))
    .filter((line) => line.trim() !== "")
    .map((line) => cut(line.trimEnd(), MAX_LINE_CHARS));
  return lines.length > MAX_TRACE_LINES ? [...lines.slice(0, MAX_TRACE_LINES), "…"] : lines;
}

/** Go sends `{path, line, label}`, Python 2 sent `[path, line, function, text]`. */
function toFrame(frame: unknown): string {
  if (typeof frame === "string") return frame.slice(0, MAX_MESSAGE_CHARS);
  if (isRecord(frame) && typeof frame["path"] === "string") {
    return `    at ${toText(frame["label"]) ?? "?"} (${frame["path"]}:${toText(frame["line"]) ?? "?"})`;
  }
  return toText(frame) ?? "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)}…`;
}

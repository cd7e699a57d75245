import { closeSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// The program of the child process for one call of a local Node function: `node node-bootstrap.js <file> <handler>`.
// The call is one line on standard input, which stays open while the runner lives; the result goes to descriptor 3 as
// `S` or `E` and JSON. Errors have the format of Lambda's Node runtime. Imports nothing of ours.

interface Call {
  readonly event: unknown;
  readonly context: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
}

type Handler = (event: unknown, context: unknown, callback: (error: unknown, result?: unknown) => void) => unknown;

const RESULT_FD = 3;

process.on("uncaughtException", (error) => void fail(toError(error)));
process.on("unhandledRejection", (reason) => {
  const trace = reason instanceof Error ? toTrace(reason) : [];
  void fail({ errorType: "Runtime.UnhandledPromiseRejection", errorMessage: String(reason), trace });
});
readCall((call) => void main(call));

async function main(call: Call): Promise<void> {
  const [file = "", name = ""] = process.argv.slice(2);
  const handler = await loadHandler(file, name);
  try {
    await answer("S", toJson(await invoke(handler, call)));
  } catch (error) {
    await fail(toError(error));
  }
}

function readCall(start: (call: Call) => void): void {
  let text = "";
  process.stdin.setEncoding("utf8");
  // The runner has ended, so the result cannot be received.
  process.stdin.on("end", () => process.exit(1));
  process.stdin.on("data", (chunk: string) => {
    text += chunk;
    if (!chunk.endsWith("\n")) return;
    // A handler that waits forever must end the process instead of waiting for the timeout.
    process.stdin.unref();
    start(JSON.parse(text));
  });
}

async function loadHandler(file: string, name: string): Promise<Handler> {
  const module = await import(pathToFileURL(file).href).catch((error: unknown) => fail(toLoadError(error, file)));
  const found: unknown = module[name] ?? module.default?.[name];
  if (typeof found === "function") return found as Handler;
  const fault = found === undefined ? "is undefined or not exported" : "is not a function";
  return fail({ errorType: "Runtime.HandlerNotFound", errorMessage: `${file}.${name} ${fault}`, trace: [] });
}

/** Calls the handler. One with three parameters answers through its callback, unless it returns a promise. */
function invoke(handler: Handler, { event, context, timeoutMs }: Call): unknown {
  const endsAt = Date.now() + timeoutMs;
  const given = { ...context, getRemainingTimeInMillis: () => Math.max(0, endsAt - Date.now()) };
  return new Promise((resolve, reject) => {
    const callback = (error: unknown, result?: unknown): void => (error ? reject(error) : resolve(result));
    const result = handler(event, given, callback);
    if (handler.length < 3 || typeof (result as { then?: unknown } | undefined)?.then === "function") resolve(result);
  });
}

function toJson(result: unknown): string {
  try {
    return JSON.stringify(result) ?? "null";
  } catch (cause) {
    throw new Error(`Unable to stringify response body: ${cause instanceof Error ? cause.message : cause}`);
  }
}

interface ErrorPayload {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

function toError(error: unknown): ErrorPayload {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: toTrace(error) };
}

function toLoadError(error: unknown, file: string): ErrorPayload {
  const { errorType, errorMessage, trace } = toError(error);
  // Node reports neither the file of a syntax error nor the importer of a missing module.
  const where = errorMessage.includes(file) ? "" : ` (in ${file} or what it imports)`;
  const type = toLoadErrorType(error);
  return type === undefined
    ? { errorType, errorMessage, trace }
    : { errorType: type, errorMessage: `${errorMessage}${where}`, trace };
}

function toLoadErrorType(error: unknown): string | undefined {
  if (error instanceof SyntaxError) return "Runtime.UserCodeSyntaxError";
  const missing = error instanceof Error && "code" in error && /MODULE_NOT_FOUND/.test(String(error.code));
  return missing ? "Runtime.ImportModuleError" : undefined;
}

/** Returns the trace without this program and Node itself, which a function's author cannot change. */
function toTrace(error: Error): readonly string[] {
  const lines = (error.stack ?? "").split("\n");
  const own = lines.findIndex((line) => line.includes(import.meta.url));
  return lines.slice(0, own === -1 ? undefined : own).filter((line) => !/^\s+at .*\bnode:internal\//.test(line));
}

function fail(error: ErrorPayload): Promise<never> {
  return answer("E", JSON.stringify(error));
}

let answered = false;

/**
 * Writes the first result, after all output: the runner ends the process once the result is complete, as shown by its
 * line end; in Lambda it would be frozen.
 */
async function answer(kind: "S" | "E", json: string): Promise<never> {
  if (answered) return new Promise(() => {});
  answered = true;
  await Promise.all([process.stdout, process.stderr].map(flush));
  writeFileSync(RESULT_FD, `${kind}${json}\n`);
  closeSync(RESULT_FD);
  process.exit(0);
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ExecutorContext,
  type Failed,
  failed,
  type PluginContext,
  parseJson,
  StackyardError,
} from "@stackyard/core";
import {
  BASE_VARIABLES,
  createLineSink,
  findShortage,
  type LineSink,
  type ProgramEnd,
  pickEnvironment,
  type RunProgramInput,
  runProgram,
} from "@stackyard/core/programs";
import type { LambdaOptions } from "./definition.ts";
import { type FunctionAnswer, type InvokeInput, MAX_RESPONSE_BYTES } from "./to-step.ts";

/**
 * Runs a function of this machine in a separate process, so that a crash, exit, endless loop or lack of memory is only
 * its own error. Each call loads the function anew. The end of `ctx.signal` kills it.
 */
export async function invokeLocally(
  ctx: ExecutorContext,
  local: LocalFunction,
  input: InvokeInput,
): Promise<FunctionAnswer | Failed> {
  const context = toInvocationContext(ctx, local, input.name);
  const sink = createLineSink((line) => ctx.report(line));
  const end = await runProgram({
    ...toLocalProgram(local, context, input.payload),
    cwd: local.cwd,
    maxResultBytes: MAX_RESPONSE_BYTES,
    timeoutMs: local.timeoutMs,
    signal: ctx.signal,
    onLine: sink.line,
  });
  sink.end();
  return toAnswer(end, { local, context, sink });
}

interface Call {
  readonly local: LocalFunction;
  readonly context: InvocationContext;
  readonly sink: LineSink;
}

function toAnswer(end: ProgramEnd, call: Call): FunctionAnswer | Failed {
  const requestId = call.context.awsRequestId;
  switch (end.kind) {
    case "timed-out":
      return toTimedOut(requestId, call.local.timeoutMs);
    case "too-large":
      return toResponseTooLarge();
    case "not-started":
      return toNotStarted(requestId, toProgramName(call.local), end.error);
    case "cancelled":
      return toCancelled(call.local.name);
    case "lost":
      return toLost(call.local.name);
    case "ended":
      return call.local.entry.kind === "command" ? toCommandAnswer(end, call) : toModuleAnswer(end, call);
  }
}

type Ended = Extract<ProgramEnd, { kind: "ended" }>;

/** Parses the result: `S` or `E`, JSON and a line end; otherwise the process has ended before its response. */
function toModuleAnswer(end: Ended, { context, sink }: Call): FunctionAnswer {
  const { result } = end;
  if (!result.endsWith("\n")) return toExited(context.awsRequestId, end, sink.tail());
  const payload = result.slice(1, -1);
  return result.startsWith("E") ? { functionError: "Unhandled", payload } : { payload };
}

/** Parses the result of a program. A failed one may still report its error as Lambda's runtimes do. */
function toCommandAnswer(end: Ended, { context, sink }: Call): FunctionAnswer {
  const value = end.result.trim() === "" ? null : parseJson(end.result);
  if (end.code !== 0) {
    const told = typeof value === "object" && value !== null && "errorMessage" in value;
    return told
      ? { functionError: "Unhandled", payload: end.result }
      : toExited(context.awsRequestId, end, sink.tail());
  }
  return value === undefined ? toNotJson(end.result) : { payload: JSON.stringify(value) };
}

function toProgramName({ entry }: LocalFunction): string {
  if (entry.kind === "command") return entry.command[0];
  return entry.kind === "python" ? "python3" : process.execPath;
}

function toCancelled(name: string): Failed {
  return failed({ code: "LAMBDA_CANCELLED", message: `The local function "${name}" was killed.`, retryable: false });
}

type Program = Pick<RunProgramInput, "command" | "env" | "stdin" | "holdStdin" | "resultFd">;

// Run from the sources, Node strips the types; the build puts both into one folder.
const nodeBootstrap = import.meta.url.endsWith(".ts") ? "./node-bootstrap.ts" : "./node-bootstrap.js";

/** A function in AWS has its own role; here it has the access of the runner. */
const PASSED = [...BASE_VARIABLES, "AWS_*"];

/** Returns the program that runs a local function, with the call as its input. */
export function toLocalProgram(local: LocalFunction, context: InvocationContext, payload: string): Program {
  const env = { ...pickEnvironment(local.runnerEnv, PASSED), ...toEnv(local, context), ...local.env };
  const { entry } = local;
  if (entry.kind === "command") return { command: entry.command, env, stdin: payload, holdStdin: false, resultFd: 1 };
  const call = `{"event":${payload},"context":${JSON.stringify(context)},"timeoutMs":${local.timeoutMs}}\n`;
  const command = toRuntime(local, entry.kind);
  return { command: [...command, entry.file, entry.handler], env, stdin: call, holdStdin: true, resultFd: 3 };
}

function toRuntime({ memoryMb }: LocalFunction, kind: "node" | "python"): [string, ...string[]] {
  if (kind === "python") return ["python3", "-u", toPath("../runtime/bootstrap.py")];
  const flags = [`--max-old-space-size=${memoryMb}`, "--disable-warning=ExperimentalWarning"];
  return [process.execPath, ...flags, toPath(nodeBootstrap)];
}

function toPath(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

/** It may have done its work or a part of it, as after any crash. */
function toLost(name: string): Failed {
  const text = `The local function "${name}" was killed, because the process that starts programs had ended. The system may lack memory.`;
  return failed({ code: "LAMBDA_UNAVAILABLE", message: text, retryable: true });
}

/** Returns the variables that Lambda sets for every function (Lambda, "Using environment variables", reserved ones). */
function toEnv({ cwd }: LocalFunction, context: InvocationContext): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: context.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: context.functionVersion,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: context.memoryLimitInMB,
    AWS_LAMBDA_LOG_GROUP_NAME: context.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: context.logStreamName,
    LAMBDA_TASK_ROOT: cwd,
  };
}

/** A function served from this machine, ready to run. Paths are absolute. */
export interface LocalFunction {
  readonly name: string;
  readonly entry:
    | { readonly kind: "node" | "python"; readonly file: string; readonly handler: string }
    | { readonly kind: "command"; readonly command: readonly [string, ...string[]] };
  /** Where it runs: the project's folder. */
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** The variables of the runner's process, of which the function gets some. */
  readonly runnerEnv: PluginContext["environment"];
  /** Overrides `runnerEnv`. */
  readonly env: Readonly<Record<string, string>>;
}

/** As in Lambda (quotas, "Function timeout"). */
const MAX_TIMEOUT_MS = 900_000;
const DEFAULT_MEMORY_MB = 512;
const FILE = /^(?<file>.+\.(?:(?<node>[cm]?[jt]s)|py))(?::(?<handler>[\w$]+))?$/;

type Given = NonNullable<LambdaOptions["functions"]>[string];

/** Reads the option `functions`. Throws `CONFIG_INVALID` with every fault. */
export function parseLocalFunctions(
  functions: LambdaOptions["functions"],
  { projectDir, environment }: Pick<PluginContext, "projectDir" | "environment">,
): ReadonlyMap<string, LocalFunction> {
  const faults: string[] = [];
  const parsed = Object.entries(functions ?? {}).map(([name, given]) => {
    const entry = findEntry(given, projectDir);
    const timeoutMs = toTimeoutMs(typeof given === "string" ? undefined : given.timeout);
    if (entry === undefined) faults.push(`functions["${name}"] must name a .ts, .js or .py file, or a command.`);
    if (timeoutMs > MAX_TIMEOUT_MS) faults.push(`functions["${name}"].timeout must be 15m or less.`);
    return { name, entry, cwd: projectDir, timeoutMs, runnerEnv: environment, ...toSettings(given) };
  });
  if (faults.length > 0) throw new StackyardError("CONFIG_INVALID", `Executor "lambda": ${faults.join(" ")}`);
  return new Map(parsed.flatMap(({ entry, ...rest }) => (entry ? [[rest.name, { ...rest, entry }] as const] : [])));
}

function findEntry(given: Given, projectDir: string): LocalFunction["entry"] | undefined {
  if (typeof given !== "string" && "command" in given) {
    const [program, ...args] = given.command;
    return program ? { kind: "command", command: [program, ...args] } : undefined;
  }
  const groups = FILE.exec(typeof given === "string" ? given : given.file)?.groups;
  if (groups?.["file"] === undefined) return undefined;
  const { file, node, handler = "handler" } = groups;
  return { kind: node === undefined ? "python" : "node", file: resolve(projectDir, file), handler };
}

function toSettings(given: Given): Pick<LocalFunction, "memoryMb" | "env"> {
  if (typeof given === "string") return { memoryMb: DEFAULT_MEMORY_MB, env: {} };
  const memoryMb = "memoryMb" in given ? given.memoryMb : undefined;
  return { memoryMb: memoryMb ?? DEFAULT_MEMORY_MB, env: given.env ?? {} };
}

function toTimeoutMs(timeout: string | undefined): number {
  if (timeout === undefined) return MAX_TIMEOUT_MS;
  return Number.parseInt(timeout, 10) * (timeout.endsWith("m") ? 60_000 : 1_000);
}

/** The context of a call for its handler, except the remaining time. */
interface InvocationContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  /** Derived from the idempotency key, so a redelivered attempt has the same one, and a function can recognize it. */
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
}

const NO_TARGET = { partition: "aws", region: "local", account: "000000000000" };

/** Returns the context of a local call, with an ARN of the target if the task has one. */
function toInvocationContext(
  ctx: Pick<ExecutorContext, "target" | "idempotencyKey">,
  { name, memoryMb }: LocalFunction,
  calledName: string,
): InvocationContext {
  const { partition, region, account } = ctx.target ?? NO_TARGET;
  const { qualifier } = parseFunctionName(calledName);
  const arn = `arn:${partition}:lambda:${region}:${account}:function:${name}`;
  return {
    functionName: name,
    functionVersion: "$LATEST",
    invokedFunctionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: toUuid(ctx.idempotencyKey),
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: "local",
  };
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Names of signals in Go's `os/exec`, which Lambda shows. */
const SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL: "killed",
  SIGTERM: "terminated",
  SIGABRT: "aborted",
  SIGSEGV: "segmentation fault",
};

/** Returns the answer of a function that timed out, in Lambda's words. */
function toTimedOut(requestId: string, timeoutMs: number): FunctionAnswer {
  const seconds = (timeoutMs / 1_000).toFixed(2);
  return toUnhandled("Sandbox.Timedout", `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`);
}

/** Returns the answer of a function with a process that ended without one, in Lambda's words, with its last output. */
function toExited(
  requestId: string,
  { code, signal }: { readonly code: number | null; readonly signal: string | null },
  trace: readonly string[],
): FunctionAnswer {
  const reason = signal === null ? `exit status ${code}` : `signal: ${SIGNALS[signal] ?? signal}`;
  const said = code === 0 ? "Runtime exited without providing a reason" : `Runtime exited with error: ${reason}`;
  return toUnhandled("Runtime.ExitError", `RequestId: ${requestId} Error: ${said}`, trace);
}

/** Returns the answer of a function with a result above Lambda's limit. */
function toResponseTooLarge(): FunctionAnswer {
  const limit = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
  return toUnhandled("Function.ResponseSizeTooLarge", limit);
}

/**
 * Returns the answer of a function with a program that cannot be started; `LAMBDA_UNAVAILABLE` if the system lacks a
 * resource.
 */
export function toNotStarted(requestId: string, program: string, error: Error): FunctionAnswer | Failed {
  const advice = findShortage(error);
  if (advice !== undefined) {
    const message = `The local function was not started: ${error.message}. ${advice}`;
    return failed({ code: "LAMBDA_UNAVAILABLE", message, retryable: true });
  }
  const missing = "code" in error && error.code === "ENOENT";
  const said = missing ? `fork/exec ${program}: no such file or directory` : error.message;
  return toUnhandled("Runtime.InvalidEntrypoint", `RequestId: ${requestId} Error: ${said}`);
}

/** Returns the answer of a program with an output that is not JSON. */
function toNotJson(output: string): FunctionAnswer {
  const said =
    "Standard output is not JSON. Write logs to standard error, and nothing or one JSON value to standard output.";
  return toUnhandled("Runtime.InvalidResponse", said, output.split("\n").slice(0, 5));
}

function toUnhandled(errorType: string, errorMessage: string, trace?: readonly string[]): FunctionAnswer {
  const error = { errorType, errorMessage, ...(trace === undefined || trace.length === 0 ? {} : { trace }) };
  return { functionError: "Unhandled", payload: JSON.stringify(error) };
}

/** The parts of a task's function name. */
interface FunctionName {
  /** Without account, region and qualifier. */
  readonly name: string;
  /** An alias or a version. */
  readonly qualifier?: string;
}

/**
 * Parses a function name in any format of the Invoke API (parameter FunctionName): `make-db`, `make-db:live`,
 * `123456789012:function:make-db` and `arn:aws:lambda:eu-west-1:123456789012:function:make-db:live`. Any other text is
 * a plain name.
 */
export function parseFunctionName(text: string): FunctionName {
  const parts = text.split(":");
  const marker = parts.indexOf("function");
  const [name = "", qualifier] = marker === 1 || marker === 5 ? parts.slice(marker + 1) : parts;
  if (name === "") return { name: text };
  return qualifier === undefined || qualifier === "" ? { name } : { name, qualifier };
}

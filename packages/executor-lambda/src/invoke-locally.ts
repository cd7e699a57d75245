import { type ExecutorContext, type Failed, failed } from "@stackyard/core";
import { type FunctionAnswer, MAX_RESPONSE_BYTES } from "./function-answer.ts";
import { type InvocationContext, toInvocationContext } from "./invocation-context.ts";
import type { InvokeInput } from "./invoke-input.ts";
import { toExited, toNotJson, toNotStarted, toResponseTooLarge, toTimedOut } from "./local-errors.ts";
import type { LocalFunction } from "./local-function.ts";
import { toLocalProgram } from "./local-program.ts";
import { createLineSink, type LineSink } from "./output-lines.ts";
import { type ProgramEnd, runProgram } from "./run-program.ts";

/**
 * Runs a function of this machine in a process of its own, so that its crash, exit, endless loop or hunger for memory is
 * its error and nothing else's. Each call loads the function anew. The end of `ctx.signal` kills it.
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
    case "ended":
      return call.local.entry.kind === "command" ? toCommandAnswer(end, call) : toModuleAnswer(end, call);
  }
}

type Ended = Extract<ProgramEnd, { kind: "ended" }>;

/** `S` or `E`, JSON and a line's end; anything else is a process that ended before its answer. */
function toModuleAnswer(end: Ended, { context, sink }: Call): FunctionAnswer {
  const { result } = end;
  if (!result.endsWith("\n")) return toExited(context.awsRequestId, end, sink.tail());
  const payload = result.slice(1, -1);
  return result.startsWith("E") ? { functionError: "Unhandled", payload } : { payload };
}

/** A program that fails may still tell its error as Lambda's runtimes do. */
function toCommandAnswer(end: Ended, { context, sink }: Call): FunctionAnswer {
  const value = end.result.trim() === "" ? null : findJson(end.result);
  if (end.code !== 0) {
    const told = typeof value === "object" && value !== null && "errorMessage" in value;
    return told
      ? { functionError: "Unhandled", payload: end.result }
      : toExited(context.awsRequestId, end, sink.tail());
  }
  return value === undefined ? toNotJson(end.result) : { payload: JSON.stringify(value) };
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toProgramName({ entry }: LocalFunction): string {
  if (entry.kind === "command") return entry.command[0];
  return entry.kind === "python" ? "python3" : process.execPath;
}

function toCancelled(name: string): Failed {
  return failed({ code: "LAMBDA_CANCELLED", message: `The local function "${name}" was killed.`, retryable: false });
}

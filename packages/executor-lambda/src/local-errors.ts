import { type Failed, failed } from "@stackyard/core";
import { type FunctionAnswer, MAX_RESPONSE_BYTES } from "./function-answer.ts";

/** The names that Go's `os/exec` gives signals, which is what Lambda shows. */
const SIGNALS: Readonly<Record<string, string>> = {
  SIGKILL: "killed",
  SIGTERM: "terminated",
  SIGABRT: "aborted",
  SIGSEGV: "segmentation fault",
};

/** The answer of a function that ran out of time, in Lambda's words. */
export function toTimedOut(requestId: string, timeoutMs: number): FunctionAnswer {
  const seconds = (timeoutMs / 1_000).toFixed(2);
  return toUnhandled("Sandbox.Timedout", `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`);
}

/** The answer of a function whose process ended without one, in Lambda's words, with what it wrote last. */
export function toExited(
  requestId: string,
  { code, signal }: { readonly code: number | null; readonly signal: string | null },
  trace: readonly string[],
): FunctionAnswer {
  const reason = signal === null ? `exit status ${code}` : `signal: ${SIGNALS[signal] ?? signal}`;
  const said = code === 0 ? "Runtime exited without providing a reason" : `Runtime exited with error: ${reason}`;
  return toUnhandled("Runtime.ExitError", `RequestId: ${requestId} Error: ${said}`, trace);
}

/** The answer of a function whose result is larger than Lambda lets through. */
export function toResponseTooLarge(): FunctionAnswer {
  const limit = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
  return toUnhandled("Function.ResponseSizeTooLarge", limit);
}

/** The system has run out of something. The function is as good as before, and a later try may start it. */
const EXHAUSTED: ReadonlyMap<string, string> = new Map([
  ["EMFILE", "This process has no file descriptor left. Raise its limit (ulimit -n), or lower the worker's capacity."],
  ["ENFILE", "The system has no file descriptor left. Raise fs.file-max, or lower the worker's capacity."],
  ["EAGAIN", "The system starts no more processes. Raise the limit (ulimit -u), or lower the worker's capacity."],
  ["ENOMEM", "The system has no memory left. Lower the worker's capacity."],
]);

/** The answer of a function whose program cannot be started; `LAMBDA_UNAVAILABLE` when the system has run out. */
export function toNotStarted(requestId: string, program: string, error: Error): FunctionAnswer | Failed {
  const advice = "code" in error ? EXHAUSTED.get(String(error.code)) : undefined;
  if (advice !== undefined) {
    const message = `The local function was not started: ${error.message}. ${advice}`;
    return failed({ code: "LAMBDA_UNAVAILABLE", message, retryable: true });
  }
  const missing = "code" in error && error.code === "ENOENT";
  const said = missing ? `fork/exec ${program}: no such file or directory` : error.message;
  return toUnhandled("Runtime.InvalidEntrypoint", `RequestId: ${requestId} Error: ${said}`);
}

/** The answer of a program that wrote something else than JSON. */
export function toNotJson(output: string): FunctionAnswer {
  const said =
    "Standard output is not JSON. Write logs to standard error, and nothing or one JSON value to standard output.";
  return toUnhandled("Runtime.InvalidResponse", said, output.split("\n").slice(0, 5));
}

function toUnhandled(errorType: string, errorMessage: string, trace?: readonly string[]): FunctionAnswer {
  const error = { errorType, errorMessage, ...(trace === undefined || trace.length === 0 ? {} : { trace }) };
  return { functionError: "Unhandled", payload: JSON.stringify(error) };
}

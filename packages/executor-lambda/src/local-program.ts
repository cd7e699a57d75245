import { fileURLToPath } from "node:url";
import type { InvocationContext } from "./invocation-context.ts";
import type { LocalFunction } from "./local-function.ts";
import type { RunProgramInput } from "./run-program.ts";

type Program = Pick<RunProgramInput, "command" | "env" | "stdin" | "holdStdin" | "resultFd">;

// Run from the sources, Node strips the types; the build puts both beside each other.
const nodeBootstrap = import.meta.url.endsWith(".ts") ? "./node-bootstrap.ts" : "./node-bootstrap.js";

/** The program that runs a local function, and how the call is given to it. */
export function toLocalProgram(local: LocalFunction, context: InvocationContext, payload: string): Program {
  const env = { ...local.runnerEnv, ...toEnv(local, context), ...local.env };
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

/** What Lambda sets for every function (Lambda, "Using environment variables", reserved ones). */
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

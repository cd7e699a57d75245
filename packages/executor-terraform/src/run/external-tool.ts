import { mkdtemp, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keepStartBytes } from "@stackyard/core";
import { findInPath, pickEnvironment } from "@stackyard/core/programs";
import { runChild } from "./child.ts";
import { TerraformFailure } from "./failure.ts";
import type { StagedRun } from "./staged-run.ts";

/** A program besides Terraform that reads a plan. */
interface ToolCall {
  /** Looked up in the PATH of the runner. */
  readonly name: string;
  readonly arguments: readonly string[];
  /** Variables of the runner that it sees besides PATH. HOME and TMPDIR are a new folder. */
  readonly variables?: readonly string[];
  /** Further variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The input, as a file; its path follows the arguments. */
  readonly input: unknown;
  readonly limits?: ToolLimits;
}

/** When a tool is stopped. */
export interface ToolLimits {
  readonly timeoutMs: number;
  /** The maximum size of its standard output. */
  readonly maxBytes: number;
}

/** The output of a tool, or why it has none. */
export type ToolEnd =
  | { readonly kind: "ended"; readonly code: number; readonly output: string; readonly errors: string }
  | { readonly kind: "unusable"; readonly reason: string };

const LIMITS: ToolLimits = { timeoutMs: 60_000, maxBytes: 4 * 1024 * 1024 };
const ERROR_BYTES = 1_000;

/**
 * Runs a tool in an empty folder, with only PATH and the call's variables from the runner's environment. Fails with
 * TERRAFORM_CANCELLED when the task is cancelled.
 */
export async function runTool(run: StagedRun, call: ToolCall): Promise<ToolEnd> {
  const { name, limits = LIMITS } = call;
  const { PATH = "" } = run.settings.environment;
  const binary = await findInPath(name, PATH);
  if (binary === undefined) return { kind: "unusable", reason: `${name} is not in PATH` };
  const folder = await mkdtemp(join(run.folder, `${name}-`));
  const file = join(folder, "plan.json");
  await writeFile(file, JSON.stringify(call.input), { mode: 0o600 });
  const tooLong = AbortSignal.timeout(limits.timeoutMs);
  const tooLarge = new AbortController();
  let output = "";
  const end = await runChild({
    binary,
    arguments: [...call.arguments, file],
    cwd: folder,
    environment: {
      ...pickEnvironment(run.settings.environment, ["PATH", ...(call.variables ?? [])]),
      HOME: folder,
      TMPDIR: folder,
      ...call.environment,
    },
    logPath: join(folder, "log"),
    signal: AbortSignal.any([run.ctx.signal, tooLong, tooLarge.signal]),
    graceMs: 0,
    onOutput(piece) {
      if (output.length + piece.length > limits.maxBytes) tooLarge.abort();
      else output += piece;
    },
  }).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  if (run.ctx.signal.aborted) throw new TerraformFailure("TERRAFORM_CANCELLED", `Stopped while ${name} ran.`);
  if (end instanceof Error) return { kind: "unusable", reason: `${name} cannot be started: ${end.message}` };
  if (tooLarge.signal.aborted)
    return { kind: "unusable", reason: `${name} printed more than ${limits.maxBytes} bytes` };
  if (tooLong.aborted) return { kind: "unusable", reason: `${name} did not end within ${limits.timeoutMs / 1000} s` };
  if (end.code === null) return { kind: "unusable", reason: `${name} was ended by ${end.signal}` };
  return { kind: "ended", code: end.code, output, errors: await readErrors(run, join(folder, "log.err")) };
}

/** Returns the start of the error output, in one line. */
async function readErrors({ mask }: StagedRun, path: string): Promise<string> {
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(ERROR_BYTES), 0, ERROR_BYTES, 0);
    return toLine(mask(buffer.subarray(0, bytesRead).toString()));
  } finally {
    await handle.close();
  }
}

/** Returns foreign text in one line without control characters. */
export function toLine(text: string): string {
  return keepStartBytes(text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim(), ERROR_BYTES);
}

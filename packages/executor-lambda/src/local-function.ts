import { resolve } from "node:path";
import { type PluginContext, StackyardError } from "@stackyard/core";
import type { LambdaOptions } from "./lambda-options.ts";

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
  /** What the function sees of the process that runs it. */
  readonly runnerEnv: PluginContext["environment"];
  /** Stands above `runnerEnv`. */
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

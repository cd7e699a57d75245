import type { CommandLineIo } from "./command-line.ts";

export {
  continueLater,
  defineConfig,
  defineExecutor,
  defineMachine,
  definePlugin,
  defineService,
  type Executor,
  type ExecutorContext,
  type ExecutorDefinition,
  type ExecutorsContext,
  type Failed,
  failed,
  isPassing,
  type Logger,
  type Plugin,
  type PluginContext,
  type PluginReference,
  type ProvidedService,
  provideService,
  type Running,
  running,
  type ServiceKey,
  type StackyardConfig,
  type Step,
  type Succeeded,
  succeeded,
  type Target,
} from "@stackyard/core";
export type { CommandLineIo } from "./command-line.ts";
export type { OutputStream } from "./output.ts";

/** Runs one command line (the words after the program's name) and returns its exit code. Never throws. */
export async function runCommandLine(given: readonly string[], io: CommandLineIo): Promise<number> {
  // A project's configuration imports this file for the names above alone.
  const commandLine = await import("./command-line.ts");
  return commandLine.runCommandLine(given, io);
}

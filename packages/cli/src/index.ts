import type { CommandLineIo } from "./command-line.ts";

export { defineConfig, defineMachine, type PluginReference, type StackyardConfig } from "@stackyard/core";
export type { CommandLineIo } from "./command-line.ts";
export type { OutputStream } from "./output.ts";

/** Runs one command line (the words after the program's name) and returns its exit code. Never throws. */
export async function runCommandLine(given: readonly string[], io: CommandLineIo): Promise<number> {
  // A project's configuration imports this file for the names above alone.
  const commandLine = await import("./command-line.ts");
  return commandLine.runCommandLine(given, io);
}

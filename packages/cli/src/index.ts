export { defineConfig, defineMachine, type PluginReference, type StackyardConfig } from "@stackyard/core";
export { type CommandLineIo, runCommandLine } from "./command-line.ts";
export type { OutputStream } from "./output.ts";

export { defineConfig, defineMachine, type PluginReference, type StackyardConfig } from "@stackyard/core";
export { type CommandLineIo, runCommandLine } from "./run-command-line.ts";
export type { OutputStream } from "./shell/output-stream.ts";

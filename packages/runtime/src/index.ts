export type { LambdaContext } from "@stackyard/aws";
export type { ExecutorDefinition } from "@stackyard/core";
export type { EnvironmentVariables } from "@stackyard/core/environment";
export { type App, type AppOptions, createOnce } from "./app.ts";
export { type OpenedRuns, type OpenRunsOptions, openRuns } from "./open-runs.ts";
export { type OpenedServices, type OpenServicesOptions, openServices } from "./open-services.ts";
export type { RunnerPlugin } from "./runner-executors.ts";
export { createStateManager, type StateManagerOptions } from "./state-manager.ts";
export { createTaskRunner, type TaskRunnerOptions } from "./task-runner.ts";

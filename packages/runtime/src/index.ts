export type { App, AppOptions, EnvironmentVariables, LambdaContext } from "./app.ts";
export {
  createStateManager,
  type ExecutorDefinition,
  type StateManagerOptions,
} from "./state-manager/create-state-manager.ts";

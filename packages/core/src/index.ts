export {
  ERROR_CODES,
  type ErrorCode,
  exitCodeOf,
  httpStatusOf,
  isStackyardError,
  StackyardError,
} from "./errors/stackyard-error.ts";
export { defineMachine } from "./machine/define-machine.ts";
export type { ConfigReport, DocumentConfig, ExecutorDefinition, TasksReport } from "./machine/executor-definition.ts";
export type { Clock, Ids, Random } from "./ports/clock.ts";
export type { CommandOutput, PluginCommand, PluginCommandContext } from "./ports/define-plugin.ts";
export {
  defineConfig,
  definePlugin,
  type Plugin,
  type PluginContext,
  type PluginReference,
  type StackyardConfig,
} from "./ports/define-plugin.ts";
export type {
  AttemptAccess,
  AwsCredentials,
  Executor,
  ExecutorContext,
  ExecutorSpec,
  Failed,
  Plan,
  Running,
  ServiceKey,
  Step,
  Succeeded,
  Target,
} from "./ports/executor.ts";
export {
  defineExecutor,
  defineService,
  failed,
  type ProvidedService,
  provideService,
  running,
  succeeded,
} from "./ports/executor.ts";
export type { Locator } from "./ports/locator.ts";
export { type Logger, silentLogger } from "./ports/logger.ts";
export type { Leases, Records } from "./ports/records.ts";
export { toStatePrefix } from "./ports/state-prefix.ts";
export type { Store } from "./ports/store.ts";
export type { Transport } from "./ports/transport.ts";

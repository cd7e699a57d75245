export type { By } from "./access/by.ts";
export { type NamedActor, nameAll, nameApart, nameBy, nameSender } from "./access/name-apart.ts";
export { permissionsOf, ROLES } from "./access/permissions.ts";
export { formatPlannedEvent } from "./api/format-planned-event.ts";
export { parseStackArn, type StackArn, toTaskLogsUrl } from "./aws-console.ts";
export {
  AWS_DNS_SUFFIXES,
  type AwsPartition,
  findAwsPartition,
  findPartition,
  toDnsSuffix,
  toDnsSuffixOf,
  toPartition,
} from "./aws-partitions.ts";
export { countNotAsAsked, isAsAsked } from "./bulk/outcomes.ts";
export { chunk } from "./chunk.ts";
export { collectBytes } from "./collect-bytes.ts";
export { type ContinueOptions, continueLater } from "./continue-later.ts";
export { ERROR_MEANINGS } from "./errors/error-meanings.ts";
export { findMachineLimit } from "./errors/machine-limits.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  exitCodeOf,
  httpStatusOf,
  isPassing,
  isStackyardError,
  isUnreadable,
  StackyardError,
  type StackyardErrorOptions,
} from "./errors/stackyard-error.ts";
export { KEEP_ALIVE_MS } from "./keep-alive.ts";
export { findTime, formatLogTime, type LogTime } from "./line-times.ts";
export { listPages, type PageStart } from "./list-pages.ts";
export {
  cutMiddle,
  cutText,
  findCut,
  keepEnd,
  keepEndBytes,
  keepStart,
  keepStartBytes,
  trimEndOf,
} from "./machine/cut-text.ts";
export { defineMachine } from "./machine/define-machine.ts";
export { requireUtf8 } from "./machine/document/find-not-utf8.ts";
export { formatFaults, listSchemaFaults, type SchemaFault } from "./machine/document/schema-faults.ts";
export { findNearestName } from "./machine/document/wording.ts";
export { escapeHtml } from "./machine/escape-html.ts";
export { type EventContent, isSameContent, toContent } from "./machine/event-content.ts";
export type {
  ConfigReport,
  DocumentConfig,
  ExecutorDefinition,
  NeededTask,
  TargetIdentity,
  TasksReport,
} from "./machine/executor-definition.ts";
export { formatNames } from "./machine/format-names.ts";
export { type Defined, defined, findRoundedFault, isMap, parseJson, parseJsonOr } from "./machine/json.ts";
export {
  FREEZE_NAME,
  MAX_ATTEMPT_ID,
  MAX_CODE,
  MAX_CURSOR,
  MAX_FILTER,
  MAX_NAME,
  MAX_REASON,
  MAX_SHORT_REASON,
  MAX_STATE_KEY,
  MAX_TASK_NAME,
} from "./machine/limits.ts";
export { isPathPart, PATH_PART } from "./machine/path-part.ts";
export { RecentMap } from "./machine/recent-map.ts";
export { toShellCommand } from "./machine/shell-command.ts";
export { toShellWord } from "./machine/shell-word.ts";
export type { Stack } from "./machine/stack.ts";
export { toStrictJson, toStrictText } from "./machine/strict-json.ts";
export type { TaskMessage } from "./machine/task-message.ts";
export {
  type Absence,
  isLimitReached,
  MOST_UNWATCHED_MS,
  noteLook,
  sumUnwatched,
  type WatchedTime,
} from "./machine/watched-time.ts";
export { mapLimited, mapOrAbort } from "./map-limited.ts";
export { matchesGlob } from "./matches-glob.ts";
export { type AccountNames, findAccountName, formatAccount, withAccountName } from "./ports/account-names.ts";
export { changeRecord, type RecordChange, type RecordDecision } from "./ports/change-record.ts";
export type { Clock, Ids, Random } from "./ports/clock.ts";
export {
  type Command,
  checkArgs,
  defineCommand,
  type ExitCode,
  listPositionals,
  optionalFlag,
  optionalInteger,
  optionalText,
  optionalTexts,
  toFlag,
  withContext,
} from "./ports/command.ts";
export { defineConfig } from "./ports/define-config.ts";
export type { CommandOutput, PluginCommand, PluginCommandContext } from "./ports/define-plugin.ts";
export {
  type CheckContext,
  type DocumentReport,
  definePlugin,
  type ExecutorsContext,
  type MachineSource,
  type Plugin,
  type PluginContext,
  type PluginReference,
  type ProvidingContext,
} from "./ports/define-plugin.ts";
export {
  type AttemptAccess,
  type AwsCredentials,
  defineExecutor,
  defineService,
  type Executor,
  type ExecutorContext,
  type ExecutorSpec,
  type Failed,
  failed,
  type Logger,
  type Plan,
  type PlanCost,
  type ProvidedService,
  provideService,
  type Running,
  running,
  type ServiceKey,
  type Step,
  type Succeeded,
  silentLogger,
  succeeded,
  type Target,
} from "./ports/executor.ts";
export { CUSTOM_RESOURCE_RUNS, RELEASE_PLACES } from "./ports/listed-records.ts";
export type {
  KeptRevision,
  ListedRevision,
  LocatedMachine,
  Locator,
  MachineListing,
  Revision,
} from "./ports/locator.ts";
export type {
  CommitList,
  CommitQuery,
  DescribedStack,
  ForeseenEvent,
  ListedCommit,
  PluginService,
  SecretReference,
  ServiceApproval,
  ServiceDeps,
  ServiceEvent,
  ServiceLink,
  ServicePerson,
  ServicePublished,
  ServiceRequest,
  ServiceRoute,
  ServiceUser,
  ServiceWithdrawal,
} from "./ports/plugin-service.ts";
export type {
  Leases,
  ListRecordsInput,
  PutRecordInput,
  PutRecordResult,
  Records,
  StoredRecord,
} from "./ports/records.ts";
export type { DispatchAttempt, RenewResult, SettleInput, SuspendInput } from "./ports/stack-store.ts";
export { CONFIG_DEFAULTS, StackyardConfig, type StoreReference } from "./ports/stackyard-config.ts";
export { findStateOwner, toReadableStateKey, toStatePrefix } from "./ports/state-prefix.ts";
export { STACK_CONDITIONS, type Store, type StoreSignal, type StoreStats } from "./ports/store.ts";
export type { Remembered, StoreMemory } from "./ports/store-memory.ts";
export type {
  ConsumeOptions,
  DeliveryOutcome,
  EventDelivery,
  Subscription,
  TaskDelivery,
  Transport,
} from "./ports/transport.ts";
export type { DueKind } from "./ports/work-queue.ts";
export { AwsYardOptions, type ConfiguredYards, listMissingKeys, ServerYardOptions } from "./ports/yard-config.ts";
export { type BatchLimits, isFifo, isGroupId, MAX_BATCH_ENTRIES, toBatches, toQueueText } from "./queue-messages.ts";
export { readChunks, removeChunks, writeChunks } from "./record-chunks.ts";
export { backoff, type RetryOptions, retry } from "./retry.ts";
export { unlessAborted, type WithinOptions, within } from "./within.ts";

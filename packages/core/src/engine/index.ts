export { listHiddenValues, toPersonId } from "../aggregate/history-line.ts";
export {
  digestOfPlans,
  findOwnLine,
  type InputPlan,
  type ManyPlanned,
  type PlannedEvent,
} from "../aggregate/plan-inputs.ts";
export { parseParkedId, toParkedId, type WithdrawInput } from "../aggregate/withdraw-parked.ts";
export type { Bulk, BulkItem, BulkOperation, BulkOutcome, BulkResult } from "../bulk/bulk.ts";
export {
  type EventOperation,
  isOnEvents,
  MOST_ITEMS as MOST_BULK_ITEMS,
  toBulkEventId,
  toEventOutcome,
} from "../bulk/bulk.ts";
export type { StoredBulk } from "../bulk/bulk-records.ts";
export { type Bulks, createBulks, type NewBulk } from "../bulk/run-bulks.ts";
export {
  AttemptBook,
  type AttemptSink,
  type BookAttempt,
  type EndedAttempt,
  type QueuedMessage,
} from "../in-process/attempt-book.ts";
export { listOpenAttempts } from "../in-process/open-attempts.ts";
export {
  createMemoryQueue,
  type DueSource,
  findNextDueAt,
  type MemoryQueue,
  type QueueRow,
  type RowPlace,
  type Take,
  type TakenRow,
  takeFrom,
} from "../in-process/queue.ts";
export { type CommitRange, findCommitRange } from "../inspect/commit-range.ts";
export { type Cause, type CauseCounter, createCauseCounter, type Trouble } from "../inspect/count-causes.ts";
export { type ExplainInput, type Explanation, explainStack } from "../inspect/explain-stack.ts";
export { findVersionRange, type VersionChange, type VersionRange } from "../inspect/find-version-range.ts";
export { findLastDecision } from "../inspect/last-decision.ts";
export { isDone, listEndsOfRuns } from "../inspect/last-success.ts";
export { type ListedParkedEvent, listParked } from "../inspect/list-parked.ts";
export { createRevisionNames } from "../inspect/revision-names.ts";
export { createSensitiveNow, hideSensitive, type IsSensitive, type SensitiveNow } from "../inspect/sensitive-now.ts";
export { toPrinted, toSimulationStack } from "../inspect/shown-stack.ts";
export { readAttemptSecrets } from "../machine/decide/runs.ts";
export { listHeldSecrets, maskText } from "../machine/decide/stack-secrets.ts";
export { dueTimers, nextTimerAt } from "../machine/decide/timers.ts";
export { evaluateDeed, type ListedDeed, listDeeds } from "../machine/evaluate-deed.ts";
export { toEventKey, toEventName } from "../machine/event-message.ts";
export {
  evaluateHealth,
  findStall,
  isJob,
  listOpenFailures,
  type MainCondition,
  type OpenFailure,
  REVISION_LOST,
  type StackHealth,
} from "../machine/stack-health.ts";
export {
  type Arrival,
  evaluateArrival,
  isResting,
  type RestingPlace,
  type WantedPlace,
} from "../machine/stack-standing.ts";
export { createMemoryStore } from "../memory/memory-store.ts";
export { toConditionSql } from "../ports/condition-sql.ts";
export {
  createRecords,
  isExpected,
  type RecordRow,
  type RecordRows,
  type RecordRowsPage,
  type RecordScan,
  type RecordWrite,
  type RecordWriteResult,
} from "../ports/create-records.ts";
export { toParkedEvent, toParkedHead } from "../ports/parked-head.ts";
export { parseQueuedEvent, toQueuedEvent } from "../ports/queued-event.ts";
export type { Page, PageInput, StoredRecord, UnreadableRow } from "../ports/records.ts";
export { createPageBuilder, type PageBuilder, type PageRow } from "../ports/records.ts";
export { type StackColumns, toStackColumns } from "../ports/stack-columns.ts";
export {
  assertSortable,
  checkStackFilter,
  comparePlaces,
  createStackCounter,
  isInScopes,
  matchesAttempt,
  matchesRecord,
  matchesStack,
  type RecordFilter,
  type StackCounter,
  type StackOrder,
  type StackPlace,
  toRecordFilter,
  toRecordTexts,
  toRevisionOrder,
  toStackOrder,
  toStackPlace,
} from "../ports/stack-filter.ts";
export type {
  AttemptView,
  Change,
  ClaimInput,
  ClaimResult,
  CommitResult,
  DeadLetter,
  EventHead,
  Grant,
  HistoryEntry,
  LoadedStack,
  ParkedEvent,
  ParkedHead,
  QueuedEvent,
  RenewInput,
  StoredHistoryEntry,
} from "../ports/stack-store.ts";
export type {
  HistoryFilter,
  ListStacksInput,
  OpenAttempt,
  OpenAttemptFilter,
  Retention,
  StackCondition,
  StackCounts,
  StackFilter,
  StackGroup,
  StackGrouping,
  StackScope,
  StackSort,
  StoredStack,
} from "../ports/store.ts";
export {
  afterPrefix,
  createClosable,
  createStoreListeners,
  MAX_SETTLED_LISTED,
  MAX_STACKS_READ,
  type PortCalls,
  type ProjectContext,
  parsePosition,
  parseStored,
  parseStoreOptions,
  type ReadStack,
  type StoreListeners,
  toForgottenBefore,
  toStartPosition,
} from "../ports/store-helpers.ts";
export { parseRememberedPlace, toRememberedRow } from "../ports/store-memory.ts";
export type { DueItem, TakeDueInput } from "../ports/work-queue.ts";
export { loadSharedKey, toAttemptPassword } from "./attempts/shared-key.ts";
export { createStepHandler } from "./attempts/step-handler.ts";
export { findAttemptLog, type StoredLog } from "./attempts/stored-log.ts";
export {
  createLeases,
  createStaticLocator,
  createUlids,
  systemClock,
} from "./built-in-ports.ts";
export { type CopiedKind, type CopyReport, copyStore } from "./copy-store.ts";
export { createEngine, type Engine, type EngineOptions, type PublishResult, publishMessages } from "./engine.ts";
export {
  createFolderLocator,
  createMachineSources,
  loadMachineFile,
  type MachineSource,
  type MachineSources,
  type WriteSourceInput,
} from "./machines/machine-folder.ts";
export { readInput } from "./machines/read-input.ts";
export { createFits, type FitsDeps } from "./plans/create-fits.ts";
export type { Foreseen } from "./plans/foresee-tasks.ts";
export { createPlanner, type Planner, type UpgradePlan } from "./plans/planner.ts";
export { createOutboxRelay, type OutboxRelay, type TickSender } from "./relay.ts";
export { groupStoreOutages } from "./store-outages.ts";
export { logStrayErrors } from "./stray-errors.ts";
export type { SweepReport } from "./sweep.ts";
export { findParked, withdrawParked } from "./withdraw-parked.ts";
export { createStoreTransport } from "./work-loop.ts";
export { createMessageWorker } from "./workers/message-worker.ts";
export { createPollingWorker } from "./workers/polling-worker.ts";
export { createWorker } from "./workers/worker.ts";
export {
  createYard,
  type RunningYard,
  startTasks,
  startYard,
  type TaskRunner,
  type Yard,
  type YardDeps,
} from "./yard.ts";
export {
  createStoreProbe,
  findBlockers,
  type ListedProcess,
  listProcesses,
  loadLiveProcesses,
  type StoreAnswer,
} from "./yard-health.ts";
export { findMoves, type StackMove } from "./yard-service/find-moves.ts";
export type { YardServiceDeps } from "./yard-service/yard-calls.ts";
export {
  type ReleaseEvent,
  type ReleaseOutcome,
  requireYard,
  type SeenStack,
  type SelectInput,
  type SentRelease,
  type StackPosition,
  toStackPosition,
  YARD,
  type YardService,
} from "./yard-service/yard-service.ts";

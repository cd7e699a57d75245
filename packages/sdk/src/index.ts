export { isStackyardError, StackyardError } from "@stackyard/core";
export type {
  ApiToken,
  Approval,
  ArtifactConsumer,
  ArtifactCoverage,
  ArtifactRefresh,
  ArtifactReplay,
  Attempt,
  AuditHead,
  AuditLine,
  Board,
  BoardName,
  Bulk,
  BulkItem,
  BulkOperation,
  BulkOutcome,
  BulkPlan,
  Cause,
  CauseKind,
  CustomResourceRun,
  DeadLetter,
  Deploy,
  DeployPlan,
  DeployStack,
  ExecutorDetails,
  Freeze,
  FreezeHold,
  HistoryEntry,
  LastFailure,
  ListedParkedEvent,
  MachineDetails,
  MachineGraph,
  MachineSource,
  MachineSummary,
  MainCondition,
  Me,
  MetadataValue,
  NewApiToken,
  OpenAttempt,
  OperationAnswer,
  Orphan,
  OrphanCheck,
  Outcome,
  ParkedEvent,
  PlannedEvent,
  PlannedStack,
  Preview,
  PreviewPull,
  Reachable,
  ReleaseCalendar,
  ReleaseVersions,
  RevisionDetails,
  RevisionSummary,
  Seen,
  Session,
  SimulationLine,
  StackAt,
  StackBundle,
  StackCommits,
  StackCondition,
  StackCounts,
  StackDetails,
  StackPart,
  StackPreview,
  StackSnapshot,
  StackSort,
  StackSummary,
  StackTask,
  StateVersion,
  TerraformState,
  UnsavedRun,
  UpgradePlan,
  UpgradeResult,
  YardInfo,
  YardProcess,
} from "@stackyard/core/api";
export type { ApprovalsApi } from "./approvals-api.ts";
export type { YardArtifactsApi } from "./artifacts-api.ts";
export type { AttemptLog, LogOptions, LogTimes } from "./attempt-log.ts";
export type { AuditApi, AuditFilter } from "./audit-api.ts";
export type { BoardsApi } from "./boards-api.ts";
export type { BulkApi, BulkItemsOptions, BulkRequest, StartBulkOptions, WaitForBulkOptions } from "./bulk-api.ts";
export { type CiTokenOptions, createCiToken } from "./ci-token.ts";
export type { CustomResourcesApi } from "./custom-resources-api.ts";
export type { DeployStacksOptions, DeploysApi } from "./deploys-api.ts";
export type { WatchOptions } from "./event-stream.ts";
export type { FreezesApi, NewFreeze } from "./freezes-api.ts";
export type { Page, PageOptions, TokenSource, UnreadableRow } from "./http-client.ts";
export { type CallOptions, type ProblemDetails, StackyardApiError, type StackyardOptions } from "./http-client.ts";
export { type LogPart, openStream, type StreamKind, type StreamMessage, type StreamOptions } from "./live-stream.ts";
export type { ExecutorsApi, MachinesApi, ProcessesApi, WriteSourceOptions } from "./machines-api.ts";
export type { OrphanPage, PreviewFilter, PreviewsApi } from "./previews-api.ts";
export {
  type Duplicate,
  EventNotAppliedError,
  type EventsApi,
  type MachineEvents,
  type NewEvent,
  type PublishedEvent,
  type Publisher,
  type PublishOptions,
  type PublishResult,
} from "./publisher.ts";
export type { SessionsApi } from "./sessions-api.ts";
export type {
  AttemptsApi,
  CountStacksOptions,
  ListStacksOptions,
  OpenAttemptFilter,
  StackFilter,
  StacksApi,
} from "./stacks-api.ts";
export { type CausePage, Stackyard } from "./stackyard.ts";
export type { StatesApi } from "./states-api.ts";
export type { CreateTokenInput, RotateTokenOptions, TokensApi } from "./tokens-api.ts";
export type { WaitForOutcomeOptions, WaitForStateOptions, WaitGoal, WaitOptions } from "./waiting.ts";

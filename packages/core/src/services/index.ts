export { findLastDecision } from "../inspect/last-decision.ts";
export { isZone, nextOccurrence } from "../machine/cron.ts";
export { evaluateCommit } from "../machine/evaluate-commit.ts";
export { createLogMasks, type LogMasks } from "../machine/log-mask.ts";
export type { StreamLine, StreamMask } from "../machine/stream-mask.ts";
export { corruptRecord } from "../ports/read-records.ts";
export {
  defineRecordKind,
  type FoundValue,
  keepAlive,
  type NamedValue,
  type NewValue,
  type RecordKind,
  type RecordKindSpec,
  type RecordsDeps,
  type RecordVersion,
  type ValueDecision,
} from "../ports/record-kind.ts";
export {
  ARTIFACT_ARRIVALS,
  type ArtifactArrival,
  type ArtifactArrivals,
  provideArtifactArrivals,
  toArtifactArrivals,
} from "./artifact-arrivals.ts";
export { readCompressed, writeCompressed } from "./compressed-records.ts";
export { type EventFate, findEventFate, toEventFate } from "./event-fate.ts";
export {
  createFollower,
  type FollowedLines,
  type Follower,
  type FollowerDeps,
  findNewestLine,
  type ReadLines,
} from "./follower.ts";
export {
  createHookDeliveries,
  type HookDeliveries,
  type HookDelivery,
  type HookEvent,
  type HookOutcome,
  listHookDeliveries,
} from "./hosts/hook-deliveries.ts";
export {
  endPreviewLink,
  findPullLinks,
  type LinkedPull,
  linkPreview,
  PreviewCommands,
  PreviewLink,
  previewLinks,
  pullStacks,
} from "./hosts/preview-links.ts";
export { noteWish, previewWishes } from "./hosts/preview-wishes.ts";
export { forgetPullFault, notePullFault, type PullFault, pullFaults } from "./hosts/pull-faults.ts";
export {
  provideSourceArchives,
  SOURCE_ARCHIVES,
  type SourceArchives,
  type SourceCommit,
} from "./hosts/source-archives.ts";
export {
  type ClaimedItems,
  createKeyedQueue,
  findQueuedItem,
  type KeyedQueue,
  type KeyedQueueDeps,
  type ListedItem,
  listQueuedItems,
  type PutOptions,
  type QueuedItem,
} from "./keyed-queue.ts";
export {
  followNotices,
  hasNoticeAfter,
  NOTICES,
  type Notice,
  type NoticeFollower,
  type NoticeInput,
  type NoticesDeps,
  notify,
} from "./notices.ts";
export {
  findOrphanCheck,
  listOrphans,
  ORPHAN_CHECK_KEY,
  Orphan,
  OrphanCheck,
  OrphanResource,
  orphans,
  toOrphanName,
} from "./orphans.ts";
export type { QueueClaim, QueueDelay, QueueFailure, QueueItem } from "./queue-item.ts";
export {
  type BoardLag,
  type BoardPlace,
  type BoardStanding,
  type BoardTally,
  type BoardVersion,
  type CountedPlace,
  createBoardTally,
  findLag,
  listBoardPlaces,
} from "./releases/board.ts";
export {
  type BoardArrival,
  type BoardHold,
  listBoardArrivals,
  type OpenTask,
} from "./releases/board-arrivals.ts";
export { CALENDAR_FILES, CALENDAR_NAME, type CalendarFiles, provideCalendarFiles } from "./releases/calendar-files.ts";
export { createCalendarFolder } from "./releases/calendar-folder.ts";
export {
  endFreeze,
  exceptRelease,
  Freeze,
  findFreeze,
  freezes,
  listFreezes,
  type NewException,
  type NewFreeze,
  passesFreeze,
  startFreeze,
  toUnknownFreeze,
} from "./releases/freezes.ts";
export { createServiceRunner, type ServiceRunner } from "./run-services.ts";
export { hasOwnKey, OWN_SEAL_KEY, withOwnKey } from "./sealing/own-key.ts";
export { type ResealReport, resealStore } from "./sealing/reseal-store.ts";
export { checkSealKey, isSealed, type SealOptions, sealStore } from "./sealing/sealed-store.ts";
export { createSealer, parseSealKeys, provideSealer, SEALER, type Sealer } from "./sealing/sealer.ts";
export { createSecretReader, SecretReferenceSchema, type SecretSources } from "./secret-reference.ts";
export type { YardServicesDeps } from "./service-deps.ts";
export type { ServiceFailure, ServiceState } from "./service-failures.ts";
export { type StackTags, toStackTags, toTagValue } from "./stack-tags.ts";
export {
  countHeld,
  listInventories,
  TerraformInventory,
  terraformInventories,
} from "./terraform-inventories.ts";
export {
  findCurrentVersion,
  findKeptState,
  type KeptState,
  listFilledStates,
  loadKeptContent,
  STATE_HEADS,
  toContentKey,
  toContentPrefix,
  toStateHeadKey,
  toStateName,
} from "./terraform-states.ts";
export {
  dismissUnsavedRun,
  formatUnsavedRun,
  isBlocking,
  isOvertaken,
  keepUnsavedContent,
  listUnsavedPage,
  listUnsavedRuns,
  listUnsavedRunsOf,
  loadUnsavedContent,
  putUnsavedRun,
  type RunRemains,
  removeUnsavedRun,
  toUnsavedId,
  UnsavedRun,
  unsavedRuns,
} from "./unsaved-runs.ts";

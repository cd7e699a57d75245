export { approveTask, listApprovals, rejectTask, withdrawApproval } from "./approvals.ts";
export { listArtifactCoverage, listConsumers, refreshArtifact, replayArtifacts } from "./artifacts.ts";
export { getAttempt, getAttemptLogTimes, listAttempts, listOpenAttempts } from "./attempts.ts";
export { getAuditHead, listAudit } from "./audit.ts";
export { cancelBulk, getBulk, listBulkItems, listBulks, startBulk } from "./bulk.ts";
export { getCustomResourceRun, listCustomResourceRuns } from "./custom-resources.ts";
export {
  type AnswerOf,
  type AnswerSpec,
  type AnyOperation,
  answer,
  type BodyOf,
  defineOperation,
  fieldOf,
  type InlineAnswer,
  inline,
  items,
  type Method,
  type NamedAnswer,
  type Operation,
  type PageOf,
  type ParamsOf,
  type PlainAnswer,
  page,
  refusal,
  type SchemaName,
  type ShownField,
  type SuccessOf,
  type WireOf,
} from "./define-operation.ts";
export {
  dismissEvents,
  listDeadLetters,
  listEventHistory,
  listParked,
  previewEvent,
  publishEvents,
  redriveEvents,
  withdrawEvents,
} from "./events.ts";
export { AttemptId, EventId, pageQuery, Reason, ShortReason, StackId, TaskName } from "./fields.ts";
export { endFreeze, exceptFromFreeze, listFreezeHolds, listFreezes, startFreeze } from "./freezes.ts";
export { listHooks, listQueue, redriveQueueItem } from "./hooks.ts";
export { cancelJob, getJob, getJobReport, listJobs, retryJob, startJob } from "./jobs.ts";
export {
  getMachine,
  getMachineSource,
  getRevision,
  listExecutors,
  listMachines,
  listRevisions,
  simulate,
  writeMachineSource,
} from "./machines.ts";
export { getPreview, linkPreview, listOrphans, listPreviews } from "./previews.ts";
export {
  getBoard,
  getDeployPlan,
  getReleaseCalendar,
  listBoards,
  listDeployStacks,
  listDeploys,
  listPlanStacks,
  listReleasePlaces,
  listReleaseVersions,
} from "./releases.ts";
export { acknowledgeStack, cancelStack, removeStack, retryStack, settleStack } from "./stack-operations.ts";
export { getStackAt, getStackSnapshot, listStackCommits, revealSecret } from "./stack-views.ts";
export {
  countStacks,
  getStack,
  listHistory,
  listStackHistory,
  listStacks,
  stackFilterQuery,
  stackSortQuery,
} from "./stacks.ts";
export {
  dismissUnsavedRun,
  getTerraformState,
  listTerraformStates,
  listUnsavedRuns,
  pushUnsavedState,
  restoreTerraformState,
  unlockTerraformState,
} from "./states.ts";
export { createToken, getMe, listSessions, listTokens, revokeSession, revokeToken, rotateToken } from "./tokens.ts";
export { planUpgrade, upgradeStack, upgradeStacks } from "./upgrades.ts";
export { getLiveness, getServerProof, getYard, listCauses, listProcesses, listServices } from "./yard.ts";

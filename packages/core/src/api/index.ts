export type { Seen } from "../machine/seen.ts";
export { MAIN_CONDITIONS, type MainCondition } from "../machine/stack-health.ts";
export {
  STACK_CONDITIONS,
  STACK_SORTS,
  type StackCondition,
  type StackSort,
} from "../ports/store.ts";
export { ApiToken, Me, NewApiToken } from "./access.ts";
export { Approval } from "./approval.ts";
export { ArtifactConsumer, ArtifactCoverage, ArtifactRefresh, ArtifactReplay } from "./artifact.ts";
export { AuditHead, AuditLine } from "./audit.ts";
export { Board, BoardName } from "./board.ts";
export { Bulk, BulkItem, BulkOperation, BulkOutcome, BulkPlan } from "./bulk.ts";
export { StackBundle } from "./bundle.ts";
export { Cause, CauseKind, CausePage } from "./cause.ts";
export { StackCommits } from "./commits.ts";
export { CustomResourceRun } from "./custom-resource.ts";
export { Deploy, DeployStack } from "./deploy.ts";
export { DeadLetter, HistoryEntry, Instant, OperationAnswer, Outcome, PublishAnswer, PublishResult } from "./event.ts";
export { ExecutorDetails } from "./executor.ts";
export { Freeze, FreezeHold } from "./freeze.ts";
export { HookDelivery, QueuedItem } from "./hook.ts";
export { Job, JobReport, JobState, Service, YardInfo, YardProcess } from "./job.ts";
export {
  MachineDetails,
  MachineGraph,
  MachineProblem,
  MachineSource,
  MachineSummary,
  Preview,
  RevisionDetails,
  RevisionSummary,
  Simulation,
  SimulationLine,
  StackAt,
  StackSnapshot,
} from "./machine.ts";
export { Orphan, OrphanCheck, OrphanPage } from "./orphan.ts";
export { pageOf } from "./page-of.ts";
export { DeployPlan, PlannedStack } from "./plan.ts";
export { PlanDigest, PlannedEvent } from "./planned-event.ts";
export { PreviewPull } from "./preview-pull.ts";
export { ReleasePlace } from "./release.ts";
export { ReleaseCalendar } from "./release-calendar.ts";
export { ReleaseVersions } from "./release-versions.ts";
export { Session } from "./session.ts";
export {
  Attempt,
  AttemptLogTimes,
  type LastFailure,
  ListedParkedEvent,
  Metadata,
  type MetadataValue,
  OpenAttempt,
  ParkedEvent,
  type Reachable,
  RevealedSecret,
  StackCounts,
  StackDetails,
  StackPart,
  StackSummary,
  type StackTask,
  Wait,
  Waiting,
} from "./stack.ts";
export { StackPreview } from "./stack-preview.ts";
export { StateVersion, TerraformState, UnsavedRun } from "./terraform.ts";
export { UpgradeAnswer, UpgradePlan, UpgradeResult } from "./upgrade.ts";
export type { View } from "./view.ts";

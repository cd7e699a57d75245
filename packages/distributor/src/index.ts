import { definePlugin } from "@stackyard/core";
import { createArtifactCommands } from "./commands/artifact-commands.ts";

export { type Cell, type CellSubject, createCell, type FileFailure, type RewrittenFile } from "./cell.ts";
export { type CoverageFacts, type CoverageVerdict, decideCovered, statusOf } from "./cell-status.ts";
export { type ConsumerEvent, type ConsumerRecord, registerConsumer } from "./consumers.ts";
export { decideSweep, type SweepAction, type SweepOptions } from "./decide-sweep.ts";
export {
  type AnnouncementTarget,
  type Announcer,
  type FanOutItem,
  type FanOutOptions,
  type PlannedBatch,
  type PlannedMessage,
  type PublishedArtifact,
  planFanOut,
} from "./fan-out.ts";
export { type CellEvent, type FileArrived, type FileFailed, reduceCell } from "./reduce-cell.ts";
export { type AccountSource, evaluateTrust, type TrustConfig, type TrustVerdict } from "./trust.ts";
export {
  decideRetention,
  expectedSet,
  type KeptVersion,
  type PublishedVersion,
  type RetentionInput,
  type Subscription,
  toSubscription,
} from "./versions.ts";

/** The commands about artifacts and their consumers. */
export default definePlugin({ name: "artifacts", executors: [], commands: createArtifactCommands() });

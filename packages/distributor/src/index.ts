import { definePlugin } from "@stackyard/core";
import { createArtifactCommands } from "./commands/artifact-commands.ts";

export {
  type Cell,
  type CellEvent,
  type CellSubject,
  type CoverageFacts,
  type CoverageVerdict,
  createCell,
  decideCovered,
  decideSweep,
  type FileArrived,
  type FileFailed,
  type FileFailure,
  type RewrittenFile,
  reduceCell,
  type SweepAction,
  type SweepOptions,
  statusOf,
} from "./cell.ts";
export {
  type AccountSource,
  type ConsumerEvent,
  type ConsumerRecord,
  evaluateTrust,
  registerConsumer,
  type TrustConfig,
  type TrustVerdict,
} from "./consumers.ts";
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
